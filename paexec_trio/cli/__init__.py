"""From the argument vector to a run, and from its outcome to an exit status.

Help, version and every usage error are settled before trio is imported.
"""

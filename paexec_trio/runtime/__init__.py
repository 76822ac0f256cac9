"""Does what the core says: processes, streams, signals and timers, under trio.

The only package that imports trio.
"""

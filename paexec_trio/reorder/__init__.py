"""Print the lines of each result together: the filter behind ``pareorder-trio``.

It uses the core's framing and diagnostics and the runtime's temporary files. It starts no processes
and does not load trio.
"""

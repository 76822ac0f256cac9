"""The distributor as a deterministic state machine over octets.

Nothing in this package does I/O, knows the time or throws dice: events come in, commands go out.
"""

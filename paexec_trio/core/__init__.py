"""The distributor as a deterministic state machine over octets.

Events come in, commands go out. Nothing in this package does I/O, reads a clock or makes random
choices.
"""

"""Broken distributors that the suite has to catch.

Each mutant is the reference implementation with one fault, put in at one place, and names the
requirements that it breaks. They show what can go wrong in a distributor, and that the suite
notices.

    python tests/zoo NAME ARGUMENTS...

runs a mutant; without arguments it lists them.
"""

"""Mutation testing of the core: faults that a program puts in, to see whether a unit test fails.

``python -m tests.mutation`` runs it; ``docs/mutation.rst`` says what it is for.
"""

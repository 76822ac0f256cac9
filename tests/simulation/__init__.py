"""Deterministic simulation: the real core and the real loop in a world that a seed decides.

``python -m tests.simulation SEED`` replays one run, ``--runs 10000`` tries as many new seeds.
"""

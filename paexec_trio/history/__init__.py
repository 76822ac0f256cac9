"""The history of a run, for people: a trace for a viewer, and a page.

Both are made of *slices*: an attempt, on a node, for some time. These come from the facts of a run,
or from its job log. Nothing here does input or output, and nothing is loaded unless it is wanted.
"""

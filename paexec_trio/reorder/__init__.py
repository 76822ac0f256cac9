"""Reordering: the lines of each result together. Knows nothing of the rest of the package."""

"""Runs as tasks of a trio nursery. The only package that imports trio."""

"""Tests of the command line: calls understood in memory, and whole programs."""

"""Tests of runs as tasks of a nursery."""

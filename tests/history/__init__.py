"""Tests of the trace and the page about a run."""

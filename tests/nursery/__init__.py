"""Tests of the runtime, with real processes."""

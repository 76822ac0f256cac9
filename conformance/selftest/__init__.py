"""Tests of the suite itself: ``pytest conformance/selftest``."""

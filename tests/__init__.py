"""Tests of the reference implementation; ``conformance/`` judges it from outside."""

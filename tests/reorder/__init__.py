"""Tests of reordering, most of them in memory."""

"""Tests of the core: no processes, no descriptors, no clock."""

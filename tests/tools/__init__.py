"""Tests of what makes the files in ``share/``, and of these files."""

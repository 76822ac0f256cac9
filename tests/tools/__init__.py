"""Tests of what makes the files in ``docs/share/``, and of these files."""

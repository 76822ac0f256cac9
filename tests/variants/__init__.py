"""Conforming distributors that differ from the reference implementation where they may."""

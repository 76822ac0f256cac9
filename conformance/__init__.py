"""Judges a build of paexec by the specification: ``pytest conformance/ --impl='CMD ARGS'``."""

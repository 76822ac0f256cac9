"""Carries out the commands of the core: processes, streams, signals, timers. It never waits."""

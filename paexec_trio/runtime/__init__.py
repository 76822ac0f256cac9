"""Does what the core says: processes, streams, signals, timers. It never waits."""

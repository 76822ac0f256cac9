"""Features: what an implementation need not have."""

from __future__ import annotations

from conformance.harness.programs import COMPANIONS

#: The options that a distributor may lack. Its help names those that it has.
OPTIONS = (
    *("--group", "--keep-order", "--prefetch", "--finish-timeout", "--line-limit"),
    *("--progress", "--bar", "--eta", "--trace", "--report"),
    *("--summary", "--exit-status", "--retries", "--crash-limit", "--timeout", "--halt"),
    *("--delay", "--limit"),
    *("--tag", "--tagstring", "--stderr", "--results"),
    *("--hostfile", "--transport-argv", "--node-env"),
    *("--joblog", "--output", "--dry-run"),
    *("--stuck", "--heartbeat", "--greeting", "--no-ssh-defaults"),
)

#: The signals that a distributor may leave their default effect. Its help names the others.
SIGNALS = ("SIGUSR1", "SIGUSR2")

#: All features, as profiles call them.
FEATURES = (*OPTIONS, *SIGNALS, *COMPANIONS)

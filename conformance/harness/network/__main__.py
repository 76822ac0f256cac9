"""Print why this machine cannot have hosts in network namespaces, with status 1, or nothing."""

from __future__ import annotations

import sys

from conformance.harness.network.hosts import why_not

if __name__ == "__main__":
    if reason := why_not():
        print(reason)
    sys.exit(bool(reason))

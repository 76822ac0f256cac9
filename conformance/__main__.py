"""``python -m conformance``, and ``python PATH/conformance`` from any directory."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started by its path: Python searches in this directory, not in the one above
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from conformance.command import main

sys.exit(main())

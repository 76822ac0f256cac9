"""``python -m paexec_conformance``."""

from __future__ import annotations

import sys

from paexec_conformance import main

sys.exit(main())

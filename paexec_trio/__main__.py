"""``python -m paexec_trio`` is ``paexec-trio``."""

import sys

from paexec_trio.cli.launch import launch

sys.exit(launch("paexec-trio"))

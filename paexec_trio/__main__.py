"""``python -m paexec_trio`` is ``paexec-trio``."""

import sys

from paexec_trio.cli.main import main

sys.exit(main())

"""Sphinx configuration of the specification.

One source gives two products: ``sphinx-build -b html`` the pages, ``sphinx-build -b needs``
the machine-readable list of requirements from which ``conformance/requirements.json`` is made.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from requirement_settings import *  # noqa: F403 (Sphinx reads its settings in this namespace)

project = "The paexec protocol"
author = "the paexec-trio authors"
copyright = "2026, the paexec-trio authors"  # noqa: A001 (the name is Sphinx's)
version = release = "1.1.dev"

extensions = ["sphinx_needs", "machines", "requirement_blocks"]
exclude_patterns = ["_build", "_ext", "_static"]
nitpicky = True
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["requirements.css"]
html_js_files = ["requirements.js"]
html_title = f"{project} {version}"

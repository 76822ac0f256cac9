"""Sphinx configuration of the specification.

One source gives two products: ``sphinx-build -b html`` the pages, ``sphinx-build -b needs``
the machine-readable list of requirements from which ``conformance/requirements.json`` is made.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

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

needs_types = [
    {
        "directive": "requirement",
        "title": "Requirement",
        "prefix": "",
        "color": "#ffffff",
        "style": "node",
    }
]
needs_id_required = True
needs_id_regex = r"^[A-Z]{3}-[0-9]{3}$"
needs_fields = {
    "level": {
        "description": "Requirement keyword, see the chapter Conventions.",
        "schema": {"type": "string", "enum": ["MUST", "SHOULD", "MAY"]},
        "nullable": False,
    },
}
needs_role_need_template = "{{ id }}"
needs_reproducible_json = True
needs_json_remove_defaults = True

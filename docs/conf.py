"""Sphinx configuration of the documentation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "spec" / "_ext"))

from requirement_settings import *  # noqa: F403 (Sphinx reads its settings in this namespace)

from paexec_trio import __version__
from paexec_trio.cli.programs import PROGRAMS

project = "paexec-trio"
author = "the paexec-trio authors"
copyright = "2026, the paexec-trio authors"  # noqa: A001 (the name is Sphinx's)
version = release = __version__

extensions = [
    "generated",
    "machines",
    "manual",
    "messages",
    "requirement_blocks",
    "sequences",
    "sessions",
    "speeds",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_needs",
    "stories",
]
# The specification is the directory protocol/, a link to spec/.
exclude_patterns = ["**/_build", "**/_ext", "**/_static", "examples", "protocol/conf.py"]
nitpicky = True
# No inventory of the standard library is fetched: builds need no network.
nitpick_ignore_regex = [
    ("py:.*", r"(collections\.abc|enum|os|typing|trio)\..*"),
    (
        "py:.*",
        r"Command|Event|BusyNode|Fact|Parts|Screen|Total|IntEnum|OutletMaker|SessionMaker|TypeAliasForwardRef",
    ),
]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
# These are imported for type checkers only.
autodoc_type_aliases = {
    name: f"paexec_trio.{module}.{name}"
    for module, names in {
        "core.engine": ("Engine",),
        "core.faults": ("Blame", "Fault"),
        "core.ending": ("Phase",),
        "core.nodes": ("Attempt", "Node"),
        "core.rendering": ("LazyLines", "PrefixMaker"),
        "core.reporting": ("Reporter",),
        "core.snapshot": ("Snapshot",),
        "core.terminating": ("Terminator",),
        "core.wire": ("Wire",),
        "core.wrapper": ("Wrapper",),
        "nursery.intake": ("Intake",),
        "nursery.options": ("Plan",),
        "nursery.outcome": ("Outcome",),
        "nursery.session": ("Session",),
        "nursery.texts": ("Text",),
        "runtime.mailbox": ("Mailbox",),
        "runtime.records": ("Records",),
        "runtime.streams": ("ResultSink", "Streams"),
        "services.interface": ("Facts", "Service"),
    }.items()
    for name in names
}
# An example must print what the page shows, to the octet.
doctest_default_flags = 0
# Only what a user types is copied.
copybutton_prompt_text = r"^[$>] "
copybutton_prompt_is_regexp = True
# Pages for man must be read as those of the site are: both are made of what was read once.
smartquotes = False
html_theme = "furo"
html_static_path = ["_static", "protocol/_static"]
html_css_files = ["pictures.css", "site.css", "requirements.css"]
html_js_files = ["requirements.js"]
html_title = f"{project} {version}"

man_pages = [
    (f"man/{program}", program, syntax.summary, [], 1) for program, syntax in PROGRAMS.items()
]
today = " "  # the pages are committed and do not change from day to day

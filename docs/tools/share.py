"""Make the files in ``docs/share/``, or check that they are current.

They are committed, so that installing needs neither Sphinx nor a step of its own: manual pages,
from ``docs/man/``, and completions for bash, zsh and fish. Their place in ``share/`` is that below
the prefix of an installation.

Usage: python -m docs.tools.share [--check]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.tools import completions
from paexec_trio.cli.programs import PROGRAMS

ROOT = Path(__file__).resolve().parents[2]
SHARE = ROOT / "docs" / "share"


def completion_files() -> dict[Path, str]:
    """Return the text of each completion by its path."""
    files: dict[Path, str] = {}
    for program, syntax in PROGRAMS.items():
        files |= {
            SHARE / "bash-completion/completions" / program: completions.bash(program, syntax),
            SHARE / "zsh/site-functions" / f"_{program}": completions.zsh(program, syntax),
            SHARE / "fish/vendor_completions.d" / f"{program}.fish": completions.fish(
                program, syntax
            ),
        }
    return files


def manual_pages() -> dict[Path, str]:
    """Build the manual pages and return the text of each by its path.

    Raises ``subprocess.CalledProcessError`` if Sphinx finds anything to complain about.
    """
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "sphinx",
                "-q",
                "-n",
                "-W",
                "-b",
                "man",
                # What another build read of the pages need not be read again.
                "-d",
                str(ROOT / "build" / "docs" / ".doctrees"),
                str(ROOT / "docs"),
                out,
            ],
            check=True,
        )
        return {
            SHARE / "man/man1" / f"{program}.1": Path(out, f"{program}.1").read_text()
            for program in PROGRAMS
        }


def rendered(page: Path) -> str:
    """Return what a reader of a manual page sees: versions of Sphinx differ in how they write it.

    Raises ``ValueError`` if the page makes ``man`` complain.
    """
    done = subprocess.run(
        ["man", "--warnings", "--no-hyphenation", "-E", "UTF-8", "-l", str(page)],
        env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    if done.stderr:
        raise ValueError(f"{page}: {done.stderr}")
    return done.stdout


def is_current(page: Path, text: str) -> bool:
    """Return whether a committed manual page reads as it should."""
    if not page.exists():
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".1") as new:
        new.write(text)
        new.flush()
        return rendered(page) == rendered(Path(new.name))


def main() -> int:
    """Write the files, or with ``--check`` check that they are current: 0 if so, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    arguments = parser.parse_args()
    pages = manual_pages()
    scripts = completion_files()
    if not arguments.check:
        for path, text in {**pages, **scripts}.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return 0
    stale = [path for path, text in pages.items() if not is_current(path, text)]
    stale += [p for p, text in scripts.items() if not p.exists() or p.read_text() != text]
    known = {*pages, *scripts}
    stale += [path for path in SHARE.rglob("*") if path.is_file() and path not in known]
    for path in stale:
        print(
            f"{path.relative_to(ROOT)} is out of date: run python -m docs.tools.share",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

"""The installed products: the source distribution, and the suite without a clone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCES = {
    ".git",
    ".venv",
    ".hypothesis",
    "build",
    "dist",
    "_build",
    "__pycache__",
    "setup.cfg",
}
OFFLINE = ("install", "-q", "--no-deps", "--no-index")
MADE = {"PKG-INFO", "setup.cfg"}
"""The files of a source distribution, beside ``*.egg-info``."""


def sources() -> set[str]:
    """The files of the project: those that git knows, or all of an unpacked distribution."""
    if (ROOT / ".git").exists():
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        return {name for name in os.fsdecode(done.stdout).split("\0") if (ROOT / name).is_file()}
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return {
        str(path)
        for path in paths
        if not NOT_SOURCES & set(path.parts)
        and str(path) != "PKG-INFO"
        and not any(part.endswith(("_cache", ".egg-info")) for part in path.parts)
    }


@dataclass
class Installed:
    """A virtual environment that has the suite from a wheel, and not this clone."""

    directory: Path

    def run(self, *words: str, where: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of it in a directory that has nothing to do with it."""
        search = f"{self.directory / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            words,
            cwd=where,
            env=os.environ | {"PATH": search, "XDG_CACHE_HOME": str(where / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def suite(self) -> Path:
        """Where its files are."""
        return next(self.directory.glob("lib/*/site-packages/paexec_conformance/suite/conformance"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    directory = tmp_path_factory.mktemp("sources")
    for name in sources():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, directory / name)
    text = "from setuptools import build_meta; build_meta.build_sdist('dist')"
    subprocess.run([sys.executable, "-c", text], cwd=directory, capture_output=True, check=True)
    return next((directory / "dist").iterdir())


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    directory = tmp_path_factory.mktemp("fresh")
    shutil.unpack_archive(archive, directory, filter="data")
    unpacked = next(directory.iterdir())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheels, environment = directory / "wheels", directory / "environment"
    python = environment / "bin" / "python"
    subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, unpacked],
        check=True,
    )
    venv.create(environment, symlinks=True)
    # pytest and trio are those of these tests: nothing is fetched.
    packages = next(environment.glob("lib/*/site-packages"))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    subprocess.run(
        [*pip, f"--python={python}", *OFFLINE, *wheels.iterdir()],
        check=True,
    )
    return Installed(environment)


def test_the_source_distribution_is_whole(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        members = [member for member in opened.getmembers() if member.isfile()]
    found = {member.name.partition("/")[2]: member.mode & 0o111 for member in members}
    kept = {name for name in found if name not in MADE and not name.startswith("paexec_trio.egg")}
    assert kept == sources()
    assert {name for name in kept if found[name]} == {
        name for name in kept if os.access(ROOT / name, os.X_OK)
    }


def test_the_installed_suite_judges(installed: Installed, tmp_path: Path) -> None:
    """It is not led astray by pytest's configuration where it is started."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    done = installed.run(
        "paexec-conformance", "--impl=/usr/bin/paexec", "test_eot.py", "-q", "-n", "1",
        "--report-dir=report", "--requirement=EOT-001", where=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expected failures)" in done.stdout  # by the profile, which is installed too
    assert (tmp_path / "report" / "results.json").exists()
    assert (tmp_path / "cache" / "paexec-conformance").is_dir()


def test_all_options_of_pytest(installed: Installed, tmp_path: Path) -> None:
    done = installed.run(
        "paexec-conformance", "--impl", "/usr/bin/paexec", "-k", "default_eot or newline_ends",
        "--collect-only", "-q", "--deselect", "conformance/test_framing.py", where=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_eot.py::" in done.stdout
    assert "test_framing.py::" not in done.stdout


@pytest.mark.parametrize("options", [(), ("-p", "no:cacheprovider")])
@pytest.mark.parametrize("place", ["no/such", "file"])
def test_without_a_place_for_a_cache(
    installed: Installed, tmp_path: Path, place: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    home = "/dev/null/home" if place == "no/such" else str(tmp_path / "file")
    done = installed.run(
        *("env", "XDG_CACHE_HOME=", f"HOME={home}", "paexec-conformance", "--impl=/usr/bin/paexec"),
        *("test_eot.py", "-q", "-k", "default", *options),
        where=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_failure_prints_can_be_pasted_elsewhere(
    installed: Installed, tmp_path: Path
) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\nread task\n")
    program.chmod(0o755)
    (tmp_path / "broken.toml").write_text('name = "broken"\nversion = "unknown"\n')
    done = installed.run(
        "paexec-conformance", "--impl=./broken", "--profile=broken.toml", "--paargs=none",
        "test_eot.py", "-x", f"--basetemp={tmp_path / 'base'}", where=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    commands = [line for line in lines if line.startswith("paexec-conformance ")]
    assert len(commands) == 2, done.stdout
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    alone = installed.run(*shlex.split(commands[0]), where=elsewhere)
    assert alone.returncode == 1, alone.stdout + alone.stderr
    assert "1 failed" in alone.stdout
    assert str(program) in alone.stdout
    replayed = installed.run(*shlex.split(commands[1]), where=elsewhere)
    assert replayed.stdout.endswith("As it was.\n"), replayed.stdout + replayed.stderr


def test_a_test_that_is_not_there(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("paexec-conformance", "test_no_such.py", where=tmp_path)
    assert done.returncode == 4
    assert "test_no_such.py" in done.stderr


def test_an_unknown_option(installed: Installed, tmp_path: Path) -> None:
    """The program has its own name, not that of a function of pytest."""
    done = installed.run("paexec-conformance", "--no-such-option", where=tmp_path)
    assert done.returncode == 4
    assert done.stderr.startswith("ERROR: usage: paexec-conformance [options]")
    assert "paexec-conformance: error: unrecognized arguments: --no-such-option" in done.stderr


def test_several_processors_take_no_other_package(installed: Installed, tmp_path: Path) -> None:
    """The environment of these tests has all packages, so ``-n`` works here in any case."""
    text = "import importlib.metadata as m; print(*m.requires('paexec-trio'), sep='\\n')"
    done = installed.run(str(installed.directory / "bin" / "python"), "-c", text, where=tmp_path)
    extra = [line for line in done.stdout.splitlines() if line.endswith('== "conformance"')]
    assert {re.split(r"\W*>=", line)[0] for line in extra} == {"pytest", "pytest-xdist"}


def test_without_pytest_it_says_what_to_install(installed: Installed, tmp_path: Path) -> None:
    python = str(installed.directory / "bin" / "python")
    packages = str(installed.suite.parents[2])
    start = f"""if True:
        import sys
        sys.path.insert(0, {packages!r})
        import paexec_conformance
        sys.exit(paexec_conformance.main())
    """
    done = installed.run(python, "-S", "-c", start, where=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "paexec-conformance: pytest is missing: pip install 'paexec-trio[conformance]'\n"
    )


def test_the_tests_of_the_suite_are_not_installed(installed: Installed) -> None:
    assert not (installed.suite / "selftest").exists()
    assert (installed.suite / "profiles" / "paexec-1.1.1.toml").exists()


def test_a_clone_can_be_run_by_its_path(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "conformance", "--impl=/usr/bin/paexec", "test_eot.py"),
            *("--collect-only", "-q", "-p", "no:cacheprovider"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_eot.py::" in done.stdout

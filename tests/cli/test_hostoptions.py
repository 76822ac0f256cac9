"""The options of the chapter Hosts: what calls mean, and what they load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation, parse
from tests.cli.harness import call

NOT_NEEDED = ("nodewords", "nodesets", "hostfile", "slurm", "joining", "ClusterShell")


def parsed(*arguments: str, **variables: str) -> Invocation:
    environment = {name.encode(): value.encode() for name, value in variables.items()}
    return parse("paexec", [*arguments, "-c", "x"], environment)


@pytest.mark.parametrize("arguments", [("-n", "+2"), ("-n", "a b"), ("-n", "a b", "-t", "ssh")])
def test_other_calls_load_nothing_of_it(arguments: tuple[str, ...]) -> None:
    program = (
        "import sys; from paexec_trio.cli.invocation import parse; "
        "from paexec_trio.runtime.run import Run; "
        "parse('p', [*sys.argv[1:], '-c', 'x'], {}); print(*sys.modules)"
    )
    words = [sys.executable, "-c", program, *arguments]
    loaded = subprocess.run(words, capture_output=True, check=True, text=True).stdout.split()
    assert [name for name in loaded if any(part in name for part in NOT_NEEDED)] == []


def test_engines() -> None:
    """HST-050, HST-051."""
    launch = parsed("-n", "a", "-t", "podman").launch
    assert launch.argv(b"a")[:-1] == [b"podman", b"exec", b"-i", b"a", b"/bin/sh", b"-c"]
    for value in ("./podman", "/usr/bin/podman", "podman x"):
        assert not parsed("-n", "a", "-t", value).launch.fills_in
    assert parsed("-n", "+1", "-t", "podman").launch.transport == ()


def test_a_missing_allocation() -> None:
    """HST-053."""
    with pytest.raises(UsageError, match="SLURM_JOB_NODELIST, which is not set"):
        parsed("-t", "slurm")
    with pytest.raises(UsageError, match="-n option is mandatory"):
        parsed("-t", "podman", SLURM_JOB_NODELIST="a")


def test_slurm_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """HST-053."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="cannot run scontrol: No such file"):
        parsed("-t", "slurm", SLURM_JOB_NODELIST="a")


def test_a_transport_that_no_node_uses() -> None:
    """HST-003: as with a count alone, one line says so (NOD-014)."""
    assert parsed("-n", "+1 +2", "-t", "ssh").warnings == (
        b"the transport is ignored: -n names calculators on this machine only",
    )
    assert parsed("-n", "+1 a", "-t", "ssh").warnings == ()


def test_the_hostfile_of_a_call(tmp_path: Path) -> None:
    """HST-020: it is followed when the run goes on."""
    path = tmp_path / "hosts"
    path.write_text("a*2\n")
    invocation = parsed("--hostfile", str(path))
    assert invocation.settings.nodes == (b"a", b"a")
    assert invocation.hostfile
    assert parsed("-n", "a").hostfile is None


def test_a_hostfile_that_is_a_pipe() -> None:
    """It is read once, and the run does not wait for it."""
    done = call(
        *("--hostfile", "/dev/stdin", "-c", "while read x; do echo $x; echo; done"),
        stdin=b"a b\n",
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_dry_run_shows_engines_and_local_nodes() -> None:
    """HST-003, HST-040, HST-050."""
    words = ("--dry-run", "-n", "h +1", "-t", "docker", "--node-env", "-c", "calc")
    done = call(*words, stdin=b"1\n2\n")
    assert done.stdout.splitlines() == [
        rb"h	docker exec -i h /bin/sh -c 'env PAEXEC_EOT='\'\'' PAEXEC_NODE='\''h'\''"
        rb" PAEXEC_NODEID='\''0'\'' /bin/sh -c calc'",
        b"localhost\tenv PAEXEC_EOT='' PAEXEC_NODE='localhost' PAEXEC_NODEID='1' /bin/sh -c calc",
    ]

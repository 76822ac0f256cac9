"""A run on nodes of a real Slurm: its daemons run on this machine, in a namespace of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("paexec-trio")

NEEDED = ("munged", "slurmctld", "slurmd", "salloc", "unshare", "ip")

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

MISSING = [name for name in NEEDED if shutil.which(name, path=PATH) is None]

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"Slurm is not installed here: no {MISSING}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be the user of Slurm's daemons"),
]

LIMIT = 60
"""Seconds after which something hangs."""

CONFIGURATION = """\
ClusterName=x
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=26817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge/socket
CryptoType=crypto/munge
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool.%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
PlugStackConfig={place}/plugstack.conf
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=26901 CPUs=4
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=26902 CPUs=4
NodeName=n3 NodeHostname=localhost NodeAddr=127.0.0.1 Port=26903 CPUs=4
NodeName=n4 NodeHostname=localhost NodeAddr=127.0.0.1 Port=26904 CPUs=4
PartitionName=p Nodes=n[1-4] Default=YES OverSubscribe=YES
"""

# The daemons have ports of their own in a network of their own, and end with the namespace. Names
# are looked up only where there is another address than that of the loopback device.
START = """
set -eu
ip link set lo up
ip link add v0 type veth peer name v1
ip address add 10.99.0.1/24 dev v0
ip link set v0 up
ip link set v1 up
munged --force --key-file=munge/key --socket="$PWD/munge/socket" --pid-file="$PWD/munge/pid" \\
    --log-file="$PWD/munge/log" --seed-file="$PWD/munge/seed"
slurmctld -c
for node in n1 n2 n3 n4; do slurmd -N $node; done
until test "$(sinfo -h -o '%T %D')" = 'idle 4'; do :; done
exec salloc -Q -N4 sh -c "$1"
"""


def run_in_allocation(place: Path, command: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command in an allocation of four nodes; every process of Slurm is gone then."""
    for name in ("munge", "state", *(f"spool.n{number}" for number in range(1, 5))):
        (place / name).mkdir(mode=0o700)
    (place / "munge" / "key").write_bytes(os.urandom(1024))
    (place / "munge" / "key").chmod(0o600)
    (place / "plugstack.conf").touch()
    (place / "slurm.conf").write_text(CONFIGURATION.format(place=place))
    namespace = ["unshare", "--pid", "--net", "--mount-proc", "--fork", "--kill-child"]
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PAEXEC", "SLURM"))
    }
    return subprocess.run(
        [*namespace, "sh", "-c", START, "sh", command],
        cwd=place,
        env={
            **variables,
            "PATH": PATH,
            "PROGRAM": str(PROGRAM),
            "SLURM_CONF": str(place / "slurm.conf"),
        },
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


def test_nodes_of_an_allocation(tmp_path: Path) -> None:
    """HST-050, HST-052: calculators run on the nodes that were allocated."""
    run = run_in_allocation(
        tmp_path,
        'seq 160 | "$PROGRAM" -lr -t slurm -c '
        "'while read -r task; do echo $task $SLURMD_NODENAME; echo; done'",
    )
    assert (run.returncode, run.stderr) == (0, b"")
    lines = [line.split() for line in run.stdout.splitlines()]
    assert sorted(int(task) for _, _, task, _ in lines) == [*range(1, 161)]
    assert all(number == task and node == place for node, number, task, place in lines)
    assert {node for node, *_ in lines} == {b"n1", b"n2", b"n3", b"n4"}


def test_a_node_of_an_allocation_that_is_killed(tmp_path: Path) -> None:
    """160 results, each once, though a calculator is killed at its task."""
    run = run_in_allocation(
        tmp_path,
        'seq 160 | "$PROGRAM" -z --group -t slurm -c '
        "'while read -r task; do if test $task = 40 && mkdir killed 2>/dev/null; "
        "then kill -9 $$; fi; echo $task; echo; done'",
    )
    assert run.returncode == 0
    counts = Counter(int(line) for line in run.stdout.splitlines())
    assert counts == dict.fromkeys(range(1, 161), 1)
    assert b"task 0: " in run.stderr, "srun says nothing of a calculator that was killed"
    assert (tmp_path / "killed").is_dir()

"""Nodesets by the library ClusterShell."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ClusterShell.NodeUtils import GroupResolverConfig

from paexec_trio.core.nodenames import NodeWordError
from paexec_trio.runtime.nodesets import expand_set


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"n[1-3,7]", [b"n1", b"n2", b"n3", b"n7"]),
        (b"n[08-10]", [b"n08", b"n09", b"n10"]),
        (b"n[20240101-20240102]", [b"n20240101", b"n20240102"]),
        (b"a,b!b", [b"a"]),
        (b"\xff[1-2]", [b"\xff1", b"\xff2"]),
        (b"", []),
        (b"@no-such-group", []),
    ],
)
def test_nodesets(text: bytes, names: list[bytes]) -> None:
    """HST-005."""
    assert list(expand_set(text)) == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"n[1-", b"'%n[1-': missing bracket"),
        (b"n[3-1]", b"'%n[3-1]': bad range"),
        (b"n[1-5000000]", b"'%n[1-5000000]' means more than 4194304 nodes"),
        (b"n[1-" + b"9" * 5000 + b"]", b"means more than"),
        (b"n[1-3000]-[1-3000]", b"means more than"),
        (b"@nowhere:x", b"'%@nowhere:x': unknown source of groups 'nowhere'"),
    ],
)
def test_bad_nodesets(text: bytes, reason: bytes) -> None:
    """HST-007."""
    with pytest.raises(NodeWordError) as caught:
        expand_set(text)
    assert reason in caught.value.reason


def test_a_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """HST-007: the message says what to install."""
    monkeypatch.setitem(sys.modules, "ClusterShell.NodeSet", None)
    with pytest.raises(NodeWordError, match=r"pip install 'paexec-trio\[nodesets\]'"):
        expand_set(b"n[1-3]")


def test_groups_of_a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the configuration of ClusterShell has them."""
    (tmp_path / "groups.conf").write_text(
        "[Main]\ndefault: site\n[site]\nmap: echo $GROUP[1-2]\nlist: echo web\n"
    )
    groups = GroupResolverConfig([str(tmp_path / "groups.conf")])
    monkeypatch.setattr("ClusterShell.NodeSet.RESOLVER_STD_GROUP", groups)
    assert list(expand_set(b"@web")) == [b"web1", b"web2"]

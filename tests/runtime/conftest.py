"""Tests that hold on each system, as far as this one can show it."""

from __future__ import annotations

from importlib import import_module

import pytest

from paexec_trio.runtime import closing, ends, poller, relatives


@pytest.fixture(params=["linux", "posix"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Use one implementation of what hosts need of the system, and then the other."""
    name = str(request.param)
    implementation = import_module(f"paexec_trio.runtime.{name}")
    for module in (closing, ends, poller, relatives):
        monkeypatch.setattr(module, "system", implementation)
    return name

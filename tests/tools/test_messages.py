"""The page of messages names only messages that the programs can print."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "docs" / "_ext")]
messages: Any = importlib.import_module("messages")


@pytest.mark.parametrize(
    "message",
    ["all nodes failed", "node NAME wrote outside of a task", "out of memory"],
)
def test_a_message_is_found(message: str) -> None:
    assert messages.is_in_source(message)


@pytest.mark.parametrize("message", ["all nodes succeeded", "task NAME wrote outside of a task"])
def test_another_one_is_not(message: str) -> None:
    assert not messages.is_in_source(message)

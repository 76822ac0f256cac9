"""Fixtures of the core's tests."""

from collections.abc import Iterator

import pytest

from tests.core.playbook import Playbook


@pytest.fixture(autouse=True)
def no_playbook_is_forgotten() -> Iterator[None]:
    """Fail a test that wrote a playbook and never asserted it."""
    Playbook.unchecked.clear()
    yield
    forgotten = len(Playbook.unchecked)
    Playbook.unchecked.clear()
    if forgotten:
        pytest.fail(f"{forgotten} playbook(s) were written and never asserted")

"""One suite for fakes and for real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nursery.kits import KITS, Kit, kit_of


@pytest.fixture(params=KITS)
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    with kit_of(request.param) as made:
        yield made


@pytest.fixture
def fakes() -> Iterator[Kit]:
    with kit_of("fakes") as made:
        yield made


@pytest.fixture
def processes() -> Iterator[Kit]:
    with kit_of("processes") as made:
        yield made

"""Fixtures of the benchmarks' tests."""

import pytest

from tests.benchmarks.building import Tools, build


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """The compiled programs."""
    return build(tmp_path_factory.mktemp("tools"))

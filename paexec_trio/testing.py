"""Help for the tests of programs that use a distributor."""

from __future__ import annotations

from paexec_trio.nursery.fakes import FakeCalculator, NodeDied

__all__ = ["FakeCalculator", "NodeDied"]

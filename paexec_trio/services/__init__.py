"""Services: tasks of trio beside a run. Each is loaded only if somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paexec_trio.services.hostfileservice import HostfileService as HostfileService
    from paexec_trio.services.interface import Facts as Facts
    from paexec_trio.services.interface import Service as Service
    from paexec_trio.services.progressservice import progress as progress

_HOMES = {
    "HostfileService": "paexec_trio.services.hostfileservice",
    "Facts": "paexec_trio.services.interface",
    "Service": "paexec_trio.services.interface",
    "progress": "paexec_trio.services.progressservice",
}
"""The modules of the public names. No module has the name of a service: it would hide it."""

__all__ = ["Facts", "HostfileService", "Service", "progress"]


if not TYPE_CHECKING:  # for type checkers it would make every name a public one

    def __getattr__(name: str) -> object:
        """Import a public name when it is used."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, whether they were used or not."""
    return __all__

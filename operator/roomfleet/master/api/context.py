"""What the API's handlers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from roomfleet.master.api.identity import Identity
from roomfleet.master.api.origins import Origins
from roomfleet.master.runner import Runner
from roomfleet.wire.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """One master: its core at work, who may come, and from which pages."""

    runner: Runner
    identity: Identity
    origins: Origins
    settings: Settings
    games: Callable[[], list[str]]
    """The games (namespaces) that this master serves."""
    wall: Callable[[], float]
    """Seconds since 1970."""

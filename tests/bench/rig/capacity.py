"""How many clients a side carries: one rule for both, clients added until it does not hold any more."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rig.tables import heading, line

if TYPE_CHECKING:
    from rig.sides import Side

Row = dict[str, Any]

RTT_MS = 50.0
"""99 of 100 echoes are back within that."""

TICKS_MISSED = 1 / 20
"""Where patches do not tell: the share of its ticks that a node may skip."""

PATCHES = 19.0
"""Where everything moves each tick: patches a client gets in a second, at least, of 20."""


def keeps_up(row: Row, patches: float = PATCHES) -> bool:
    """Whether a window's figures are good."""
    return bool(
        row["patches_per_client_per_s"] >= patches and row["rtt_p99_ms"] < RTT_MS and not row["unanswered"]
    )


@dataclass(slots=True)
class Found:
    """What was measured: `clients` is the most that were carried."""

    side: str
    clients: int = 0
    rows: list[Row] = field(default_factory=list)
    bounded: bool = False
    """It was not the side that ended the search but the most clients that were asked for."""

    @property
    def best(self) -> Row:
        """The window with the most clients that was good."""
        return max((row for row in self.rows if row["good"]), key=lambda row: row["clients"], default={})


@dataclass(frozen=True, slots=True)
class Search:
    """From `start` clients up by `step`, to `most` at the most; `seconds` is a window's length.

    `before` are sizes to look at first, for the plot's sake.
    """

    start: int
    step: int
    most: int
    seconds: float
    settle: float = 1.0
    before: tuple[int, ...] = ()


def find_capacity(
    side: Side,
    search: Search,
    good: Callable[[Row], bool],
    *,
    window: Callable[[], Row] | None = None,
) -> Found:
    """Add clients until two windows in a row are not good, then try half a step less.

    Where the start is too much already it goes down instead. `window` measures instead of the load
    generator alone.
    """
    found = Found(side.name)
    headed = False
    for clients in itertools.chain(_smaller(search), _sizes(search, found)):
        joins_per_s = side.load.clients(clients)["joins_per_s"]
        side.load.idle(search.settle)
        for _ in range(2):
            row = window() if window is not None else side.measure(search.seconds)
            row["joins_per_s"] = joins_per_s
            row["good"] = good(row)
            found.rows.append(row)
            if not headed:
                print(heading(side.name, row), flush=True)
                headed = True
            print(line(row), flush=True)
            if row["good"]:
                found.clients = max(found.clients, clients)
                break
    found.bounded = found.clients >= search.most
    return found


def _smaller(search: Search) -> list[int]:
    return [clients for clients in search.before if clients < min(search.start, search.most)]


def _sizes(search: Search, found: Found) -> Iterator[int]:
    """How many clients to try next; looks at what was found so far."""
    clients = min(search.start, search.most)
    yield clients
    if found.clients == clients:
        while found.clients == clients and clients < search.most:
            clients = min(clients + search.step, search.most)
            yield clients
        if found.clients < clients:
            yield (found.clients + clients) // 2
        return
    while found.clients < clients and clients > search.step:
        clients -= search.step
        yield clients

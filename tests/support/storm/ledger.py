"""What players were told, and what of it may be lost: P2 and P3, judged from outside.

What was saved by hand is never lost. What was only acknowledged may be lost where the process that did it
died, or another one took its room over, within `UNSAVED_SECONDS`; time in which the process stood still or
the store was away does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

SAVE_INTERVAL_SECONDS = 1.0
IN_FLIGHT_SECONDS = 3.0
"""A save in flight, on a machine that has other things to do."""
UNSAVED_SECONDS = SAVE_INTERVAL_SECONDS + IN_FLIGHT_SECONDS
HEARD_SECONDS = 0.5
"""So long an answer may be on its way to its player."""
EXPLAINED_SECONDS = 10.0
"""Within that it is known what happened to a process that goes on."""
SAVES_AGAIN_SECONDS = 6.0
"""So long after an outage of the store everything is saved: a try that fails is made again later."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a player was told is done, not that it is saved."""

    value: int
    process: int
    at: float


@dataclass(frozen=True, slots=True)
class Missing:
    """A note that its player did not find again."""

    player: str
    note: Note
    found: int
    at: float


@dataclass(slots=True)
class Count:
    """A number that its player alone raises, one by one."""

    asked: int = 0
    told: int = 0
    """Saved, as the player was told."""


@dataclass(slots=True)
class Account:
    """What one player was told."""

    kept: Count = field(default_factory=Count)
    gave: Count = field(default_factory=Count)
    noted: int = 0
    """The last number that was asked for."""
    notes: list[Note] = field(default_factory=list)
    """Those that were told, and not saved by hand since."""
    holds: set[str] = field(default_factory=set)
    """Things that this player surely has: picked up, saved, and not given away since."""


@dataclass(slots=True)
class Span:
    """From when to when."""

    begin: float
    end: float | None = None


class Ledger:
    """Of all players, by name. Times are seconds since the storm began; processes are known by their ids."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.excused = 0
        """Notes that were lost and might be."""
        self._missing: list[Missing] = []
        self._stalls: dict[int, list[Span]] = {}
        self._losses: dict[int, list[float]] = {}
        self._outages: list[Span] = []

    def of(self, player: str) -> Account:
        return self.accounts.setdefault(player, Account())

    # -- what players are told -----------------------------------------------------------------------------

    def noted(self, player: str, value: int, process: int, at: float) -> None:
        """Told that it is done."""
        self.of(player).notes.append(Note(value, process, at))

    def kept(self, player: str, value: int, noted: int) -> None:
        """Told that it is saved, and with it all that was done before: `noted` was the last one then."""
        account = self.of(player)
        account.kept.told = max(account.kept.told, value)
        account.notes = [note for note in account.notes if note.value > noted]

    # -- what is done to them ------------------------------------------------------------------------------

    def stalls(self, process: int, at: float) -> None:
        self._stalls.setdefault(process, []).append(Span(at))

    def goes_on(self, process: int, at: float) -> None:
        self._stalls[process][-1].end = at

    def dies(self, process: int, at: float) -> None:
        """Without saving."""
        self._losses.setdefault(process, []).append(at)

    def fenced(self, process: int, at: float) -> None:
        """It found that another one has a room of its."""
        self._losses.setdefault(process, []).append(at)

    def store_goes(self, at: float) -> None:
        self._outages.append(Span(at))

    def store_is_back(self, at: float) -> None:
        self._outages[-1].end = at

    @contextmanager
    def outage(self, now: Callable[[], float]) -> Iterator[None]:
        """The store is away for the length of a block."""
        self.store_goes(now())
        try:
            yield
        finally:
            self.store_is_back(now())

    # -- judging -------------------------------------------------------------------------------------------

    def see(self, player: str, state: Mapping[str, Any], at: float) -> list[str]:
        """A player's state as a room that has just let the player in, or the store at the end, shows it: what
        of it breaks a promise. Of what is missing `overdue` tells later: a process that stood still finds out
        when it goes on that its room was taken over.
        """
        account = self.of(player)
        broken = []
        for name, count in (("kept", account.kept), ("gave", account.gave)):
            if not count.told <= state[name] <= count.asked:
                broken.append(
                    f"{player} was told that {name}={count.told} is saved, asked for up to {count.asked}, and"
                    f" has {state[name]}"
                )
        if missing := account.holds - set(state["bag"]):
            broken.append(f"{player} was told that {sorted(missing)} is saved in the bag: {state['bag']}")
        if state["noted"] > account.noted:
            broken.append(f"{player} has noted={state['noted']} and asked for up to {account.noted}")
        lost = [note for note in account.notes if note.value > state["noted"]]
        self._missing += [Missing(player, note, state["noted"], at) for note in lost]
        account.notes = [note for note in account.notes if note.value <= state["noted"]]
        return broken

    def overdue(self, at: float) -> list[str]:
        """What is missing and, by now, cannot be explained any more."""
        broken = []
        for missing in list(self._missing):
            note = missing.note
            if self._may_be_lost(note):
                self.excused += 1
            elif at < max(missing.at, self._stood_still_until(note.process, at)) + EXPLAINED_SECONDS:
                continue
            else:
                broken.append(
                    f"{missing.player} was told by process {note.process} at {note.at:.3f} that"
                    f" noted={note.value} is done, and had {missing.found} at {missing.at:.3f}: that process"
                    " neither died nor lost a room soon after"
                )
            self._missing.remove(missing)
        return broken

    def _stood_still_until(self, process: int, at: float) -> float:
        return max(
            (at if span.end is None else span.end for span in self._stalls.get(process, ())), default=0.0
        )

    def _may_be_lost(self, note: Note) -> bool:
        losses = self._losses.get(note.process, ())
        return any(self._saved_until(note.process, at) <= note.at <= at + HEARD_SECONDS for at in losses)

    def _saved_until(self, process: int, lost: float) -> float:
        """What a process had done by then is saved, if it was lost at that time."""
        spans = sorted(
            [
                *((span.begin, span.end or lost) for span in self._stalls.get(process, ())),
                *((span.begin, (span.end or lost) + SAVES_AGAIN_SECONDS) for span in self._outages),
            ],
            reverse=True,
        )
        until = lost - UNSAVED_SECONDS
        for begin, end in spans:
            if begin <= lost and end >= until:
                until = min(until, begin - UNSAVED_SECONDS)
        return until


def counted(
    heroes: Mapping[str, Mapping[str, Any]], on_the_ground: Iterable[str], each: int, coins: int
) -> list[str]:
    """Nothing is doubled and nothing vanishes: what of the heroes' states, by name, and of the names of
    things that lie somewhere breaks that. Each hero began with so many things and coins.
    """
    expected = {f"{name}'s {number}" for name in heroes for number in range(each)}
    found = sorted([*on_the_ground, *(thing for hero in heroes.values() for thing in hero["bag"])])
    broken = []
    if doubled := sorted({thing for thing in found if found.count(thing) > 1}):
        broken.append(f"more than one of each of these: {doubled}")
    if missing := sorted(expected - set(found)):
        broken.append(f"nowhere: {missing}")
    if strange := sorted(set(found) - expected):
        broken.append(f"of nobody: {strange}")
    for name, hero in heroes.items():
        if hero["coins"] != coins - hero["gave"] + hero["took"]:
            broken.append(f"{name} has {hero['coins']} coins, gave {hero['gave']} and took {hero['took']}")
    gave, took = (sum(hero[what] for hero in heroes.values()) for what in ("gave", "took"))
    if gave != took:
        broken.append(f"{gave} coins were given and {took} taken")
    return broken

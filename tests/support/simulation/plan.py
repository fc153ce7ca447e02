"""What is done to the fleet from outside, and when: players, operators, and faults.

A plan follows from its seed alone. Each action carries its own luck, which picks its subject among those
that there are when it is done; so any part of a plan is a plan, and does the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an action does. The text is how a trace names it."""

    JOIN = "a player joins"
    CANCEL = "a player in line goes away"
    FORSAKE = "a player stops asking for the join"
    LEAVE = "a player leaves"
    DROP = "a player's connection drops"
    TRAVEL = "a player asks for a seat elsewhere"
    STAY = "a traveller stays after all"
    JOIN_KEY = "a player joins an instance"
    RUSH = "many join with one key at once"
    LOCATE = "a node asks which room an instance is"
    WANDER = "an actor goes to another room"
    NUDGE = "an actor is on its way"
    TEMPLATE = "an InstancedRoom is made or changes"
    WARM = "an InstancedRoom is scaled"
    NO_TEMPLATE = "an InstancedRoom is deleted"
    IN_THE_WAY = "a Room has the name of an instance"
    SPEC = "a Room's spec changes"
    DELETE = "a Room is deleted"
    MAKE = "a Room is made again"
    REMAKE = "a Room is deleted and made again at once"
    ENTRY = "the entry room changes"
    TOUCH = "a Room is touched"
    SCALE = "a fleet is scaled"
    CORDON = "a node is cordoned"
    NO_FLEET = "a fleet is deleted for a while"
    STATUS_LOST = "a status is lost"
    STATUS_EDITED = "a status is rewritten by hand"
    BREAK = "a room cannot start for a while"
    KILL = "a node is killed"
    DRAIN = "a node drains by itself"
    PAUSE = "a node stands still"
    CUT = "a node's link is cut"
    MASTER_KILL = "the master is killed"
    MASTER_STALL = "the master stands still"
    MASTER_OUSTED = "another master takes the Lease of one that stands still"
    API_DOWN = "the API server is away"
    WATCH_GAP = "the watch loses what happens"
    STORE_DOWN = "the store is away"
    BACKUP = "an older backup of the store is restored"


PLAYERS = {
    Kind.JOIN: 100,
    Kind.CANCEL: 6,
    Kind.FORSAKE: 3,
    Kind.LEAVE: 45,
    Kind.DROP: 15,
    Kind.TRAVEL: 15,
    Kind.STAY: 3,
    Kind.JOIN_KEY: 30,
    Kind.RUSH: 1,
    Kind.LOCATE: 4,
    Kind.WANDER: 20,
    Kind.NUDGE: 5,
}
OPERATORS = {
    Kind.TEMPLATE: 5,
    Kind.WARM: 4,
    Kind.NO_TEMPLATE: 1,
    Kind.IN_THE_WAY: 1,
    Kind.SPEC: 8,
    Kind.DELETE: 3,
    Kind.MAKE: 5,
    Kind.REMAKE: 2,
    Kind.ENTRY: 2,
    Kind.TOUCH: 4,
    Kind.SCALE: 3,
    Kind.CORDON: 4,
    Kind.NO_FLEET: 1,
    Kind.STATUS_LOST: 1,
    Kind.STATUS_EDITED: 1,
}
FAULTS = {
    Kind.BREAK: 4,
    Kind.KILL: 6,
    Kind.DRAIN: 3,
    Kind.PAUSE: 6,
    Kind.CUT: 8,
    Kind.MASTER_KILL: 2,
    Kind.MASTER_STALL: 2,
    Kind.MASTER_OUSTED: 2,
    Kind.API_DOWN: 2,
    Kind.WATCH_GAP: 3,
    Kind.STORE_DOWN: 2,
    Kind.BACKUP: 1,
}


@dataclass(frozen=True, slots=True)
class Mood:
    """How a stretch of time goes: seconds between actions, and how much of each sort there is."""

    gap: float
    players: float
    operators: float
    faults: float


MOODS = (
    Mood(gap=0.3, players=1.0, operators=0.3, faults=0.3),
    Mood(gap=0.3, players=1.0, operators=0.0, faults=0.0),
    Mood(gap=0.1, players=1.0, operators=0.1, faults=0.1),
    Mood(gap=1.0, players=0.3, operators=1.0, faults=1.0),
    Mood(gap=3.0, players=0.5, operators=0.5, faults=0.5),
    Mood(gap=0.3, players=0.2, operators=0.1, faults=2.0),
)


@dataclass(frozen=True, slots=True)
class Action:
    """Something done from outside, so many seconds after the start."""

    number: int
    at: float
    kind: Kind
    luck: tuple[float, float, float]


def actions(seed: int) -> Iterator[Action]:
    """The endless plan of that seed."""
    rng = random.Random(f"plan {seed}")
    at, number = 0.0, 0
    while True:
        mood = rng.choice(MOODS)
        kinds, weights = _weighed(mood)
        until = at + rng.uniform(10.0, 60.0)
        while at < until:
            at += rng.expovariate(1 / mood.gap)
            kind = rng.choices(kinds, weights)[0]
            yield Action(number, at, kind, (rng.random(), rng.random(), rng.random()))
            number += 1


def _weighed(mood: Mood) -> tuple[list[Kind], list[float]]:
    kinds: list[Kind] = []
    weights: list[float] = []
    for share, sort in ((mood.players, PLAYERS), (mood.operators, OPERATORS), (mood.faults, FAULTS)):
        kinds += sort
        weights += [share * weight for weight in sort.values()]
    return kinds, weights

"""What is done in a storm, and when: faults to the fleet, deeds of players. It follows from the seed alone.

Each action carries its own luck, which picks its subject among those that there are when it is done.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

K = TypeVar("K", bound=StrEnum)


class Fault(StrEnum):
    """What is done to the fleet. The text is how a chronicle names it."""

    KILL_NODE = "a node is killed"
    KILL_NODES = "all nodes are killed"
    KILL_AT_SAVE = "a node is killed at a step of a save"
    BLINK_NODE = "a node stands still, for less than it takes to be lost"
    STALL_NODE = "a node stands still until it is lost"
    DRAIN_NODE = "a node is told to end"
    CORDON = "a node is cordoned for a while"
    KILL_MASTER = "the master is killed"
    STALL_MASTER = "the master stands still"
    DELETE_ROOM = "a Room is deleted, and applied again"
    CAPACITY = "a Room's capacity changes"
    STORE_AWAY = "the store is away"
    API_AWAY = "the API server is away"


class Deed(StrEnum):
    """What a player does."""

    NOTE = "notes"
    KEEP = "keeps"
    GIVE = "gives"
    DROP = "drops"
    PICK = "picks up"
    SEND = "sends things to another room"
    WALK = "walks"
    GO = "goes to another room"
    GO_KEY = "goes to an instance"
    LEAVE = "leaves"
    CUT = "loses the connection"
    SWITCH = "opens another window"
    JOIN = "joins"
    JOIN_KEY = "joins an instance"
    JOIN_BROUGHT = "asks to be brought"
    JOIN_PARTY = "joins with another one"
    CANCEL = "gives up waiting"


FAULTS = {
    Fault.KILL_NODE: 8,
    Fault.KILL_NODES: 1,
    Fault.KILL_AT_SAVE: 6,
    Fault.BLINK_NODE: 4,
    Fault.STALL_NODE: 6,
    Fault.DRAIN_NODE: 5,
    Fault.CORDON: 4,
    Fault.KILL_MASTER: 4,
    Fault.STALL_MASTER: 4,
    Fault.DELETE_ROOM: 5,
    Fault.CAPACITY: 8,
    Fault.STORE_AWAY: 3,
    Fault.API_AWAY: 2,
}
DEEDS = {
    Deed.NOTE: 25,
    Deed.KEEP: 20,
    Deed.GIVE: 14,
    Deed.DROP: 10,
    Deed.PICK: 12,
    Deed.SEND: 8,
    Deed.WALK: 5,
    Deed.GO: 14,
    Deed.GO_KEY: 5,
    Deed.LEAVE: 5,
    Deed.CUT: 3,
    Deed.SWITCH: 2,
    Deed.JOIN: 12,
    Deed.JOIN_KEY: 3,
    Deed.JOIN_BROUGHT: 3,
    Deed.JOIN_PARTY: 4,
    Deed.CANCEL: 3,
}
STORM_SECONDS = (8.0, 25.0)
CALM_SECONDS = (4.0, 16.0)
"""Long enough, now and then, for what has to be healed within a bound to be due."""
BETWEEN_FAULTS_SECONDS = (0.6, 1.5, 3.0)
"""On average, in one stretch or another."""
BETWEEN_DEEDS_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class Action:
    """A fault, or the deed of a player, so many seconds after the start."""

    at: float
    what: Fault | Deed
    luck: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a storm: what is done until it ends."""

    seed: int
    seconds: float
    faults: tuple[Action, ...]
    deeds: Mapping[str, tuple[Action, ...]]
    """Of each player, by name."""


def plan(seed: int, seconds: float, players: int) -> Plan:
    """The plan of that seed. A longer one begins like a shorter one, and one with more players has the same
    ones, and others.
    """
    names = [f"hero{number}" for number in range(players)]
    return Plan(seed, seconds, _faults(seed, seconds), {name: _deeds(seed, name, seconds) for name in names})


def _faults(seed: int, seconds: float) -> tuple[Action, ...]:
    rng = random.Random(f"faults {seed}")
    found: list[Action] = []
    at = 3.0  # the first players come in
    while at < seconds:
        until = at + rng.uniform(*STORM_SECONDS)
        between = rng.choice(BETWEEN_FAULTS_SECONDS)
        while True:
            at += rng.expovariate(1 / between)
            if at >= min(until, seconds):
                break
            found.append(Action(at, _chosen(rng, FAULTS), _luck(rng)))
        at = until + rng.uniform(*CALM_SECONDS)
    return tuple(found)


def _deeds(seed: int, player: str, seconds: float) -> tuple[Action, ...]:
    rng = random.Random(f"deeds {seed} {player}")
    found: list[Action] = []
    at = rng.uniform(0.0, 2.0)
    while at < seconds:
        found.append(Action(at, _chosen(rng, DEEDS), _luck(rng)))
        at += rng.expovariate(1 / BETWEEN_DEEDS_SECONDS)
    return tuple(found)


def _chosen(rng: random.Random, weights: Mapping[K, int]) -> K:
    return rng.choices(list(weights), list(weights.values()))[0]


def _luck(rng: random.Random) -> tuple[float, float, float]:
    return rng.random(), rng.random(), rng.random()

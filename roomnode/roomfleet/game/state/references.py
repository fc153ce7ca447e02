"""Actors in state: kept by id, `{"$actor": "p:ann"}` on the wire and in the store."""

from __future__ import annotations

from typing import Any

MARK = "$actor"
"""The key by which a reference is known; no other dict in state may have it."""


class Reference:
    """A stored actor. It equals the actor, so that `in`, `index` and `remove` find it."""

    __slots__ = ("id",)

    def __init__(self, id: str) -> None:
        self.id = id

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Reference):
            return self.id == other.id
        found = reference_to(other)
        return found is not None and self.id == found.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<actor {self.id}>"

    @property
    def bare(self) -> dict[str, str]:
        """As JSON data."""
        return {MARK: self.id}


def reference_to(value: Any) -> Reference | None:
    """What is stored of an actor; None for anything else."""
    from roomfleet.game.actor import Actor  # actors have state, state has actors

    return Reference(value.id) if isinstance(value, Actor) else None

"""Who leaves a room that is erased, where to, and as what."""

from __future__ import annotations

from typing import Any

from roomfleet.node.saving.sweeping import leaving
from roomfleet.store import ActorRecord, Presence, Transit, Travel


def actor(id: str, *, parent: str | None = None, origin: str = "", **body: Any) -> ActorRecord:
    transit = Transit("g/old", origin) if origin else None
    whole = {"path": [[1, 2, 3]], "timers": {}, "parent": parent, **body}
    return ActorRecord(f"g/{id}", 1, "g/old", whole, Presence.PRESENT, transit)


def groups(*actors: ActorRecord) -> list[list[tuple[str, str, bool, str | None]]]:
    found = []
    for group in leaving(actors, 5_000, frozenset({"g/inn"}), "g/entry"):
        assert all(isinstance(change, Travel) for change in group)
        found.append([(c.id, c.to_room, c.asleep, c.body["parent"]) for c in group if isinstance(c, Travel)])
    return found


def test_only_players_leave_with_what_is_docked_to_them() -> None:
    rider, horse, bag = actor("p:ada"), actor("horse", parent="p:ada"), actor("bag", parent="horse")
    assert groups(actor("guard"), bag, horse, rider, actor("cart", parent="guard")) == [
        [
            ("g/p:ada", "g/entry", True, None),
            ("g/horse", "g/entry", False, None),
            ("g/bag", "g/entry", False, "horse"),
        ]
    ]


def test_who_was_on_the_way_goes_back_if_there_is_somewhere_to_go() -> None:
    assert groups(actor("p:ada", origin="g/inn"), actor("p:bob", origin="g/gone")) == [
        [("g/p:ada", "g/inn", True, None)],
        [("g/p:bob", "g/entry", True, None)],
    ]


def test_what_is_left_of_timers_goes_along() -> None:
    timers = {
        "ripe": {"clock": "room", "due": 7.5},
        "late": {"clock": "room", "due": 1.0},
        "dawn": {"clock": "wall", "due": 99.0},
        "carried": {"clock": "room", "left": 4.0},
    }
    [[change]] = leaving([actor("p:ada", timers=timers)], 5_000, frozenset(), "g/entry")
    assert isinstance(change, Travel)
    assert change.body["path"] == []
    assert change.body["timers"] == {
        "ripe": {"clock": "room", "left": 2.5},
        "late": {"clock": "room", "left": 0.0},
        "dawn": {"clock": "wall", "due": 99.0},
        "carried": {"clock": "room", "left": 4.0},
    }

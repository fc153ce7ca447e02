"""Who goes back from a room that is gone, where to, and as what."""

from __future__ import annotations

from typing import Any

from roomfleet.node.travelling.returning import going_back
from roomfleet.store import ActorRecord, Presence, Transit, Travel


def traveller(id: str, *, parent: str | None = None, origin: str = "g/inn", **arrival: Any) -> ActorRecord:
    transit = Transit("g/gone", origin, arrival)
    body = {"path": [], "timers": {}, "parent": parent}
    return ActorRecord(f"g/{id}", 2, "g/gone", body, Presence.PRESENT, transit)


def inhabitant(id: str, parent: str | None = None) -> ActorRecord:
    return ActorRecord(f"g/{id}", 2, "g/gone", {"path": [], "timers": {}, "parent": parent})


def groups(*actors: ActorRecord, entry: str = "g/town") -> list[list[tuple[str, str, bool, str | None]]]:
    found = []
    for group in going_back(actors, "g/gone", entry):
        assert all(isinstance(change, Travel) for change in group)
        found.append([(c.id, c.to_room, c.asleep, c.body["parent"]) for c in group if isinstance(c, Travel)])
    return found


def test_travellers_go_back_with_what_is_docked_and_inhabitants_stay() -> None:
    cart, load, bag = traveller("cart"), traveller("load", parent="cart"), traveller("bag", parent="load")
    assert groups(inhabitant("guard"), bag, cart, inhabitant("cat", "guard"), load) == [
        [
            ("g/cart", "g/inn", False, None),
            ("g/load", "g/inn", False, "cart"),
            ("g/bag", "g/inn", False, "load"),
        ]
    ]


def test_a_players_actor_is_away_there_for_the_next_join_and_what_it_carried_stands_by() -> None:
    assert groups(traveller("p:ada"), traveller("pet", parent="p:ada")) == [
        [("g/p:ada", "g/inn", True, None), ("g/pet", "g/inn", False, None)]
    ]


def test_who_was_sent_back_to_a_room_that_is_gone_as_well_goes_to_the_entry() -> None:
    [[change]] = going_back([traveller("cart")], "g/gone", "g/town")
    assert isinstance(change, Travel)
    again = traveller("cart", origin="g/old", **change.arrival)
    assert groups(again) == [[("g/cart", "g/town", False, None)]]
    assert groups(again, entry="") == [], "without an entry it stays"
    assert groups(again, entry="g/gone") == []


def test_who_came_from_an_earlier_room_of_that_name_goes_to_the_entry() -> None:
    assert groups(traveller("cart", origin="g/gone")) == [[("g/cart", "g/town", False, None)]]


def test_one_whose_parent_did_not_come_along_goes_on_its_own() -> None:
    assert groups(traveller("load", parent="cart")) == [[("g/load", "g/inn", False, None)]]

"""Docking: a child is where its parent is."""

from __future__ import annotations

import pytest

from roomfleet.game import Actor, ActorError
from support.game_room import World


class Thing(Actor):
    speed = 10


def test_a_docked_actor_is_where_its_parent_is_and_nests() -> None:
    world = World()
    boat, crew, parrot = (world.room.spawn(Thing, at=(x, 0)) for x in (100, 5, 9))
    crew.dock(boat)
    parrot.dock(crew)
    boat.move_to((120, 0))
    world.run(1)
    assert parrot.position == crew.position == boat.position == (110, 0)
    assert (boat.children, crew.parent, parrot.parent) == ([crew], boat, crew)
    crew.undock()
    world.run(1)
    assert crew.position == parrot.position == (110, 0)
    assert boat.position == (120, 0)


def test_docking_elsewhere_leaves_the_former_parent() -> None:
    world = World()
    one, other, child = (world.room.spawn(Thing) for _ in range(3))
    child.dock(one)
    child.dock(other)
    assert (one.children, other.children) == ([], [child])


def test_what_cannot_be_docked_or_walk() -> None:
    world = World()
    one, other = (world.room.spawn(Thing) for _ in range(2))
    one.dock(other)
    with pytest.raises(ActorError, match="docked to itself"):
        other.dock(one)
    with pytest.raises(ActorError, match="docked to itself"):
        other.dock(other)
    with pytest.raises(ActorError, match="undock it first"):
        one.move_to((0, 0))
    with pytest.raises(ActorError, match="undock it first"):
        one.position = (0, 0)
    stranger = World().room.spawn(Thing)
    with pytest.raises(ActorError, match="not an actor in this room"):
        one.dock(stranger)
    one.stop()
    assert one.parent is other


def test_when_the_parent_goes_the_child_stays_where_it_is() -> None:
    world = World()
    boat, crew = (world.room.spawn(Thing, at=(x, 0)) for x in (100, 5))
    crew.dock(boat)
    boat.remove()
    assert crew.parent is None
    assert crew.position == (100, 0)


def test_what_is_docked_to_a_player_who_leaves_stays_and_the_player_comes_back_on_foot() -> None:
    world = World()
    ann = world.enter("ann")
    pet, boat = world.room.spawn(Thing), world.room.spawn(Thing, at=(7, 7))
    pet.dock(ann)
    ann.dock(boat)
    world.leave("ann")
    assert pet.parent is None
    assert pet.position == (7, 7)
    body = world.changes()["p:ann"].body
    assert (body["parent"], body["path"][-1][:2]) == (None, [7, 7])


def test_an_actor_that_is_gone_says_so() -> None:
    world = World()
    gone, here = (world.room.spawn(Thing) for _ in range(2))
    gone.remove()
    for use in (gone.stop, gone.undock, gone.remove, lambda: gone.room, lambda: gone.move_to(here)):
        with pytest.raises(ActorError, match="not in a room any more"):
            use()
    with pytest.raises(ActorError, match="not an actor in this room"):
        here.dock(gone)
    assert here.id not in (gone.id, None)

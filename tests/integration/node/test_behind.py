"""Clients that are behind when their player goes: nothing is owed to them, and the room goes on."""

from __future__ import annotations

from typing import Any

from roomfleet.wire.link import RoomPhase
from roomfleet.wire.session import ByeCode
from roomfleet.wire.spec import RoomSpec
from support.hosted import Hosted, Listener, soon

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")


async def with_one_behind(on: Hosted) -> tuple[Any, Listener, Listener]:
    """A room with ada, and bob who takes nothing."""
    room = await on.runs("alpha", ALPHA)
    ada, bob = await on.enters(room, "ada"), await on.enters(room, "bob")
    bob.busy = True
    room.call("ada", 1, "note", {"value": 1})
    await soon(lambda: room.visits.players.get("bob").stale)
    return room, ada, bob


async def goes_on(room: Any, listener: Listener) -> None:
    """The room still answers, and tells of changes."""
    said = listener.types().count("patch")
    room.call("ada", 9, "note", {"value": 9})
    await soon(lambda: listener.types().count("patch") > said)
    assert room.phase is RoomPhase.RUNNING


def test_who_was_behind_and_put_out_is_owed_no_snapshot(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room, ada, bob = await with_one_behind(on)
        room.visits.put_out("bob", bob, ByeCode.RATE_LIMIT, "too much")
        bob.busy = False
        await goes_on(room, ada)
        assert bob.types()[-1] == "bye"

    on_a_node(test)


def test_who_was_behind_and_is_about_to_go_elsewhere_is_owed_no_snapshot(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room, ada, bob = await with_one_behind(on)
        room.guarded(lambda live: live.player_leaves("bob", room.now(), "travel"))
        bob.busy = False
        await goes_on(room, ada)
        assert bob.types().count("snapshot") == 1
        assert not bob.ended, "it hears where to go when that is saved"

    on_a_node(test)


def test_whose_actor_just_left_cannot_come_back_to_the_session_that_ends(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room, ada, bob = await with_one_behind(on)
        room.guarded(lambda live: live.player_leaves("bob", room.now(), "travel"))
        assert not room.visits.resume("bob", Listener())
        again = await on.enters(room, "bob")
        assert again.types() == ["rejoin"]
        room.visits.refresh("bob", bob)
        await goes_on(room, ada)

    on_a_node(test)

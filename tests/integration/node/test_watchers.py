"""Watchers of a node's rooms: who is let in, who is put out, and that the room does not care."""

from __future__ import annotations

import time
from typing import Any

from roomfleet.wire.link import Accepted, RoomPhase
from roomfleet.wire.session import ByeCode
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.tickets import SigningKey, Ticket, watch_audience
from roomfleet.wire.urls import session_path
from support.hosted import Hosted, Listener, soon
from support.raw import connected

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
BETA = RoomSpec(map="map1.beta", script="trial.rooms:Place")
MASTER, NODE = (SigningKey.from_seed(bytes([number]) * 32) for number in (1, 2))


def watcher(room: Any) -> Listener:
    """One who was let in."""
    listener = Listener()
    assert room.watchers.enter("admin", listener)
    assert listener.types() == ["welcome", "snapshot"]
    return listener


def notes(listener: Listener) -> list[Any]:
    """The values that patches set."""
    ops = [op for message in listener.heard if message["type"] == "patch" for op in message["ops"]]
    return [op[2] for op in ops if op[0] == "set" and op[1][-1] == "noted"]


def test_a_watcher_is_told_what_happens_and_is_not_counted(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        watching = watcher(room)
        assert watching.last("snapshot")["actors"] == {}
        await on.enters(room, "ada")
        room.call("ada", 1, "note", {"value": 7})
        await soon(lambda: notes(watching) == [7])
        report = room.report()
        assert (report.players, report.resumable) == (1, 0)
        room.watchers.dropped(watching)
        assert len(room.watchers) == 0
        said = len(watching.heard)
        room.call("ada", 2, "note", {"value": 8})
        late = watcher(room)
        assert late.last("snapshot")["actors"]["p:ada"]["state"]["noted"] == 8
        assert len(watching.heard) == said

    on_a_node(test)


def test_a_room_that_only_watchers_see_has_nothing_to_do(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        watching = watcher(room)
        await soon(lambda: room.live.next_due() is None)
        assert room.report().players == 0
        room.watchers.put_out(watching, ByeCode.LEFT, "you left")
        assert watching.last("bye")["code"] == "left"
        assert not room.live.watched

    on_a_node(test)


def test_a_watcher_that_takes_nothing_gets_a_snapshot_later_or_is_put_out(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        await on.enters(room, "ada")
        slow, stuck, well = (watcher(room) for _ in range(3))
        slow.busy = stuck.busy = True
        room.call("ada", 1, "note", {"value": 1})
        await soon(lambda: notes(well) == [1])
        slow.busy = False
        await soon(lambda: slow.types().count("snapshot") == 2)
        assert slow.last("snapshot")["actors"]["p:ada"]["state"]["noted"] == 1
        await soon(lambda: stuck.ended)
        assert stuck.last("bye")["code"] == "too-slow"
        assert len(room.watchers) == 2
        assert notes(stuck) == []

    on_a_node(test, slow_client_seconds=1.5)


def test_watchers_hear_why_a_room_ends(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        watching = watcher(room)
        on.unwant("alpha")
        await soon(lambda: room.phase is RoomPhase.STOPPED)
        assert watching.last("rejoin")["room"] == "alpha"
        late = Listener()
        assert not room.watchers.enter("admin", late)
        assert late.types() == ["rejoin"]

    on_a_node(test)


def test_watchers_of_two_rooms_hear_of_their_own(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        beta = await on.runs("beta", BETA)
        of_alpha, of_beta = watcher(alpha), watcher(beta)
        await on.enters(alpha, "ada")
        await on.enters(beta, "bob")
        alpha.call("ada", 1, "note", {"value": 1})
        beta.call("bob", 1, "note", {"value": 2})
        await soon(lambda: notes(of_alpha) == [1] and notes(of_beta) == [2])
        assert "bob" not in str(of_alpha.heard)
        assert "ada" not in str(of_beta.heard)

    on_a_node(test)


def test_only_the_masters_key_lets_watchers_in(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        await on.runs("alpha", ALPHA)
        keys = {key.id: key.public for key in (MASTER, NODE)}
        url = on.node.url + session_path("trial", "alpha")

        def ticket(key: SigningKey, room: str = "alpha") -> str:
            audience = watch_audience(on.node.boot)
            claims = Ticket(sub="a", game="trial", room=room, aud=audience, exp=time.time() + 15, jti=room)
            return key.sign(claims)

        async def answer(token: str) -> str:
            async with connected(url) as raw:
                await raw.say({"type": "hello", "watch": token})
                said: str = (await raw.until("error", "snapshot"))["type"]
                return said

        on.node.told(Accepted(keys=keys, master_key=MASTER.id, origins=[]))
        assert await answer(ticket(NODE)) == "error", "nodes sign travels only"
        assert await answer(ticket(MASTER, "beta")) == "error"
        assert await answer(ticket(MASTER)) == "snapshot"
        on.node.told(Accepted(keys=keys, origins=[]))
        assert await answer(ticket(MASTER)) == "error", "a master that does not say so lets nobody watch"

    on_a_node(test)

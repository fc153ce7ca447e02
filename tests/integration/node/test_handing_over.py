"""A room goes from one node to another: what the nodes do when the master tells them, on a real store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from roomfleet.node.running.room import HostedRoom
from roomfleet.store import StoreUnavailable
from roomfleet.wire.link import Accepted, Desired, DesiredRoom, MovedRoom, RoomPhase
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.tickets import SigningKey, Ticket
from roomfleet.wire.urls import session_path
from support.game_folder import imports_forgotten
from support.hosted import Hosted, Listener, hosted, soon
from support.raw import connected
from support.trial_game import stored_epoch, stored_state, trial_game

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
Test = Callable[[Hosted, Hosted], Awaitable[None]]


@pytest.fixture
def on_two_nodes(tmp_path: Path) -> Iterator[Any]:
    """Runs a test on two nodes of the trial game with one store, which know each other's keys."""
    game = trial_game(tmp_path)

    def run(test: Test, **settings: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(40), AsyncExitStack() as stack:
                old, new = [
                    await stack.enter_async_context(hosted(game, tmp_path / "store.db", **settings))
                    for _ in range(2)
                ]
                keys = {**old.node.hello().keys, **new.node.hello().keys, MASTER.id: MASTER.public}
                for on in (old, new):
                    on.node.told(Accepted(keys=keys, origins=[]))
                await test(old, new)

        asyncio.run(main())

    with imports_forgotten(tmp_path):
        yield run


MASTER = SigningKey.from_seed(bytes(32))


def desired(epoch: int, frozen_at: float = 0.0) -> DesiredRoom:
    return DesiredRoom(room="alpha", epoch=epoch, uid="uid alpha", spec=ALPHA, frozen_at=frozen_at)


def announce(on: Hosted) -> None:
    """Alpha is about to run there."""
    on.node.told(Desired(rooms=[], prepare=[desired(0)]))


def hand_over(old: Hosted, new: Hosted) -> None:
    moved = MovedRoom(room="alpha", epoch=1, boot=new.node.boot, url=new.node.url)
    old.node.told(Desired(rooms=[], moving=[moved]))


async def stopped(room: HostedRoom) -> None:
    await soon(lambda: room.phase is RoomPhase.STOPPED)


def run_there(new: Hosted, room: HostedRoom) -> None:
    """The master has heard that the old node stopped it."""
    new.node.told(Desired(rooms=[desired(2, room.report().frozen_at)]))


async def enters(url: str, ticket: str, what: str) -> dict[str, Any]:
    """A client says hello there, and hears this."""
    async with connected(url) as client:
        await client.say({"type": "hello", "ticket": ticket})
        found: dict[str, Any] = await client.until(what)
        if what == "snapshot":
            await client.say({"type": "leave"})
        return found


def test_players_are_sent_on_and_find_everything_as_it_was(on_two_nodes: Any, tmp_path: Path) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        room = await old.runs("alpha", ALPHA)
        players = {name: await old.enters(room, name) for name in ("ada", "bob")}
        room.call("ada", 1, "note", {"value": 7})
        announce(new)
        hand_over(old, new)
        await stopped(room)
        assert stored_state(tmp_path, "p:ada")["noted"] == 7, "the last save had it"
        travels = {name: listener.last("travel") for name, listener in players.items()}
        assert all(listener.ended for listener in players.values())
        assert "rejoin" not in players["ada"].types()
        # They are there before the room, and wait.
        coming = asyncio.ensure_future(enters(travels["ada"]["url"], travels["ada"]["ticket"], "snapshot"))
        await asyncio.sleep(0.05)
        assert not coming.done()
        run_there(new, room)
        snapshot = await coming
        assert snapshot["actors"]["p:ada"]["state"]["noted"] == 7
        assert snapshot["now"] >= max(each["now"] for each in players["ada"].heard if "now" in each)
        moved = new.room("alpha")
        assert moved.frozen > 0
        await enters(travels["bob"]["url"], travels["bob"]["ticket"], "snapshot")

    on_two_nodes(test)


def test_seats_are_kept_for_those_who_were_sent_on(on_two_nodes: Any) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        room = await old.runs("alpha", ALPHA)
        await asyncio.gather(*(old.enters(room, name) for name in ("ada", "bob")))
        announce(new)
        hand_over(old, new)
        await stopped(room)
        run_there(new, room)
        await soon(lambda: new.phase("alpha") is RoomPhase.RUNNING)
        report = new.room("alpha").report()
        assert (report.players, report.resumable) == (0, 2)

    on_two_nodes(test)


def test_players_are_sent_on_while_the_last_save_waits_for_the_store(on_two_nodes: Any) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        room = await old.runs("alpha", ALPHA)
        listener = await old.enters(room, "ada")
        old.store.trouble = lambda name, args: StoreUnavailable("gone") if name == "commit_room" else None
        announce(new)
        hand_over(old, new)
        await soon(lambda: "travel" in listener.types())
        await soon(lambda: not room.saver.ok)  # type: ignore[union-attr]
        assert room.phase is RoomPhase.STOPPING, "it has the room until that is saved"
        old.store.trouble = lambda name, args: None
        await stopped(room)

    on_two_nodes(test)


def test_what_is_called_once_the_room_is_frozen_is_not_carried_out(on_two_nodes: Any, tmp_path: Path) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        room = await old.runs("alpha", ALPHA)
        await old.enters(room, "ada")
        gate = old.store.hold("commit_room")
        hand_over(old, new)
        await soon(lambda: room.phase is RoomPhase.STOPPING)
        room.call("ada", 1, "note", {"value": 9})
        gate.set()
        await stopped(room)
        assert stored_state(tmp_path, "p:ada")["noted"] == 0

    on_two_nodes(test)


def test_a_room_that_was_fenced_meanwhile_saves_nothing_and_says_so(
    on_two_nodes: Any, tmp_path: Path
) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        room = await old.runs("alpha", ALPHA)
        await old.enters(room, "ada")
        await new.runs("alpha", ALPHA, 5)
        hand_over(old, new)
        await soon(lambda: room.over)
        assert room.phase is RoomPhase.FENCED
        assert stored_epoch(tmp_path, "alpha", game="trial")[0] == 5

    on_two_nodes(test)


def test_a_destination_of_another_epoch_is_of_no_interest(on_two_nodes: Any) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        room = await old.runs("alpha", ALPHA, 3)
        listener = await old.enters(room, "ada")
        hand_over(old, new)  # of epoch 1
        await stopped(room)
        assert listener.types()[-1] == "rejoin"

    on_two_nodes(test)


def test_a_prepared_room_is_not_claimed(on_two_nodes: Any, tmp_path: Path) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        await old.runs("alpha", ALPHA)
        announce(new)
        assert new.phase("alpha") is None
        assert stored_epoch(tmp_path, "alpha", game="trial")[0] == 1
        assert not new.store.calls["take_room"]

    on_two_nodes(test)


def ticket_for(on: Hosted) -> tuple[str, str]:
    """URL and ticket for alpha on that node."""
    ticket = Ticket(
        sub="ada", game="trial", room="alpha", aud=on.node.boot, exp=time.time() + 15, jti=f"{time.time()}"
    )
    return on.node.url + session_path("trial", "alpha"), MASTER.sign(ticket)


def test_who_waits_for_a_room_that_does_not_come_after_all_is_sent_away(on_two_nodes: Any) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        announce(new)
        coming = asyncio.ensure_future(enters(*ticket_for(new), "error"))
        await asyncio.sleep(0.05)
        assert not coming.done()
        new.node.told(Desired(rooms=[]))
        assert (await coming)["code"] == "bad-ticket"

    on_two_nodes(test)


def test_who_waits_for_a_room_that_cannot_start_is_sent_away(on_two_nodes: Any) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        await old.runs("alpha", ALPHA, 5)
        announce(new)
        coming = asyncio.ensure_future(enters(*ticket_for(new), "error"))
        await asyncio.sleep(0.05)
        new.node.told(Desired(rooms=[desired(2, 1.0)]))  # fenced
        assert (await coming)["code"] == "bad-ticket"

    on_two_nodes(test)


def test_who_comes_for_a_room_that_starts_waits_for_it(on_two_nodes: Any) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        gate = new.store.hold("take_room")
        new.want("alpha", ALPHA)
        coming = asyncio.ensure_future(enters(*ticket_for(new), "snapshot"))
        await asyncio.sleep(0.05)
        gate.set()
        assert "p:ada" in (await coming)["actors"]

    on_two_nodes(test)


def test_many_players_are_sent_on_without_a_long_halt_of_the_others(on_two_nodes: Any) -> None:
    async def test(old: Hosted, new: Hosted) -> None:
        room = await old.runs("alpha", ALPHA)
        listeners: list[Listener] = [await old.enters(room, f"p{number}") for number in range(40)]
        hand_over(old, new)
        await stopped(room)
        assert all(listener.types()[-1] == "travel" for listener in listeners)
        tickets = {listener.last("travel")["ticket"] for listener in listeners}
        assert len(tickets) == 40

    on_two_nodes(test)

"""What went wrong in the predecessor, on a running fleet. More of it stands beside its subject."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from roomfleet.client import CallError, Client
from support.raw import in_room
from support.running import Running, eventually, running
from support.small_game import small_game

GAME = "old"

JOURNEYS = """
    from roomfleet.game import Actor, Refused, TravelRefused, command
    from small.rooms import Hero, Place

    class Parcel(Actor):
        def define(self):
            self.state.public(target="", wake=False, trips=0)

        async def kickoff(self):
            if self.state.target and self.state.target != self.room.name:
                self.state.trips += 1
                await self.travel(self.state.target, (20, 20), wake=self.state.wake)

    class Cat(Actor):
        def define(self):
            self.state.public(mood="asleep")

    class Traveller(Hero):
        @command
        def post(self, room: str, name: str, wake: bool = False) -> None:
            self.room.spawn(Parcel, at=(20, 20), name=name, target=room, wake=wake)

        @command
        def adopt(self) -> None:
            self.room.spawn(Cat, at=(50, 50), name="Tom").dock(self)

        @command
        async def store(self) -> None:
            await self.save()

        @command
        async def steer(self) -> bool:
            return await self.move_to((1e9, -1e9))

        @command
        async def leave_for(self, room: str) -> None:
            try:
                await self.travel(room, (10, 10))
            except TravelRefused as error:
                raise Refused(str(error)) from None

    class Stop(Place):
        player_class = Traveller
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two nodes, rooms spread over both; tests have rooms and players of their own."""
    folder = tmp_path_factory.mktemp("defects")
    names = ["harbour", "island", "cove", "reef", "bank", "atoll", "lagoon"]
    rooms: dict[str, dict[str, Any]] = {name: {"script": "small.journeys:Stop"} for name in names}
    rooms["shut"] = {"script": "small.journeys:Stop", "keep": "Never"}
    rooms["ruin"] = {"script": "small.journeys:Stop", "map": "m.washed-away"}
    game = small_game(folder / GAME, rooms, nodes=2, scripts={"journeys": JOURNEYS})
    with running(game, folder / "data") as fleet:
        yield fleet


def named(player: Client, name: str) -> dict[str, Any] | None:
    """The actor of that name, if the player sees one."""
    found = [actor for actor in player.actors.values() if actor["name"] == name]
    assert len(found) < 2, found
    return found[0] if found else None


async def until(player: Client, look: Callable[[Client], object]) -> None:
    await player.wait_for(look, 25)


def test_defect_05_steering_over_the_edge_keeps_nobody_waiting(fleet: Running) -> None:
    async def play() -> None:
        async with (
            in_room(fleet.url, GAME, "steerer", "harbour") as steerer,
            in_room(fleet.url, GAME, "watcher", "harbour") as watcher,
        ):
            for call in range(10):
                await steerer.say({"type": "call", "id": call, "method": "steer"})
            assert (await watcher.call(1, "tap"))["value"] == 1
            last = await steerer.call(11, "walk", x=200, y=150)
            assert last["type"] == "result"

    asyncio.run(play())


def test_defect_06_rooms_of_a_killed_node_run_again_without_it(fleet: Running) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="survivor") as player:
            await player.join("reef")
            await player.call("paint", colour="coral")
            assert player.you is not None
            await player.call("store")
            node = await asyncio.to_thread(fleet.node_of, "reef")
            epoch = (await asyncio.to_thread(fleet.room, "reef"))["epoch"]
            fleet.signal_node(node, signal.SIGKILL)
            await asyncio.to_thread(eventually, lambda: fleet.room("reef")["epoch"] > epoch)
            # The player is led back by itself, and stands there as it was saved.
            await until(player, lambda p: p.welcome is not None and p.state == "playing")
            taps = await _tap(player)
            assert taps == 1
            assert player.actors[player.you.id]["state"]["colour"] == "coral"

    asyncio.run(play())


async def _tap(player: Client) -> int:
    """A tap that was answered; calls that a lost connection dropped are made again."""
    while True:
        try:
            answer: int = await player.call("tap")
        except CallError as error:
            if error.code not in ("dropped", "not-connected"):
                raise
            await asyncio.sleep(0.02)
        else:
            return answer


def test_defect_08_what_is_docked_travels_along_and_stays_docked(fleet: Running) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="owner") as player:
            await player.join("bank")
            await player.call("adopt")
            await until(player, lambda p: named(p, "Tom"))
            await _go(player, "atoll")
            await until(player, lambda p: named(p, "Tom"))
            cat = named(player, "Tom")
            assert cat is not None
            assert cat["parent"] == "p:owner"
            assert player.position_of(cat["id"]) == player.position_of("p:owner") == (10, 10)
            # It was saved with its owner: both are there after the room was elsewhere.
            node = await asyncio.to_thread(fleet.node_of, "atoll")
            epoch = (await asyncio.to_thread(fleet.room, "atoll"))["epoch"]
            fleet.signal_node(node, signal.SIGKILL)
            await asyncio.to_thread(eventually, lambda: fleet.room("atoll")["epoch"] > epoch)
            await _tap(player)
            await until(player, lambda p: named(p, "Tom"))
            assert (named(player, "Tom") or {})["parent"] == "p:owner"
            async with Client(fleet.url, game=GAME, token="banker") as other:
                await other.join("bank")
                assert named(other, "Tom") is None

    asyncio.run(play())


async def _go(player: Client, room: str) -> None:
    try:
        await player.call("leave_for", room=room)
    except CallError as error:
        if error.code != "dropped":  # the room was left before the call's answer came
            raise
    await until(player, lambda p: p.room is not None and p.room.name == room and p.state == "playing")


def test_defect_11_an_npc_waits_in_the_store_for_a_sleeping_room(fleet: Running) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="sender") as player:
            await player.join("harbour")
            await player.call("post", room="island", name="parcel")
            await until(player, lambda p: p.state == "playing")
            # It left without waking the room …
            await until(player, lambda p: named(p, "parcel") is None)
            assert (await asyncio.to_thread(fleet.room, "island"))["phase"] == "Asleep"
        # … and is there when somebody comes.
        async with Client(fleet.url, game=GAME, token="receiver") as player:
            await player.join("island")
            await until(player, lambda p: named(p, "parcel"))
            assert (named(player, "parcel") or {})["state"]["trips"] == 1

    asyncio.run(play())


def test_defect_11_an_npc_may_wake_the_room_it_goes_to(fleet: Running) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="waker") as player:
            await player.join("harbour")
            await player.call("post", room="cove", name="alarm clock", wake=True)
            await asyncio.to_thread(fleet.wait_phase, "cove", "Running")
        async with Client(fleet.url, game=GAME, token="woken") as player:
            await player.join("cove")
            await until(player, lambda p: named(p, "alarm clock"))

    asyncio.run(play())


@pytest.mark.parametrize(
    ("room", "why"), [("nowhere", "no room nowhere"), ("shut", "closed"), ("ruin", "washed-away")]
)
def test_defect_11_a_player_stays_where_the_target_cannot_be_entered(
    fleet: Running, room: str, why: str
) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="stayer") as player:
            await player.join("harbour")
            with pytest.raises(CallError) as refusal:
                await player.call("leave_for", room=room)
            assert refusal.value.code == "refused"
            assert why in str(refusal.value)
            assert player.state == "playing"
            assert player.room is not None
            assert player.room.name == "harbour"
            assert await player.call("tap") > 0

    asyncio.run(play())


def test_defect_11_a_player_on_the_way_to_a_killed_node_gets_there(fleet: Running) -> None:
    async def play() -> None:
        async with Client(fleet.url, game=GAME, token="guide") as guide:
            await guide.join("lagoon")
            node = await asyncio.to_thread(fleet.node_of, "lagoon")
            async with Client(fleet.url, game=GAME, token="pilgrim") as pilgrim:
                await pilgrim.join("harbour")
                await pilgrim.call("paint", colour="grey brown")
                await pilgrim.call("store")
                fleet.signal_node(node, signal.SIGKILL)
                await _get_there(pilgrim, "lagoon")
                assert pilgrim.you is not None
                assert pilgrim.actors[pilgrim.you.id]["state"]["colour"] == "grey brown"
                await until(guide, lambda p: p.you is not None and "p:pilgrim" in p.actors)

    asyncio.run(play())


async def _get_there(player: Client, room: str) -> None:
    """Ask to be let through until it works: a refusal leaves the player where they are."""
    while player.room is None or player.room.name != room or player.state != "playing":
        try:
            await player.call("leave_for", room=room)
        except CallError as error:
            if error.code not in ("dropped", "not-connected", "refused"):
                raise
        await asyncio.sleep(0.05)

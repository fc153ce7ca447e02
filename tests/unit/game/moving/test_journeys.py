"""Travel: seats for players, departure of all in one group, arrival with what is docked."""

from __future__ import annotations

from typing import Any

import pytest

from roomfleet.game import Actor, ActorError, Player, Room, TravelRefused, command
from roomfleet.game.outbox import AtomicGroup, ChangeKind, SeatUnwanted, SeatWanted
from roomfleet.wire.session import Error, Result
from support.game_room import World, through_json


class Thing(Actor):
    def define(self) -> None:
        self.state.public(log=[])

    def on_timer(self, name: str) -> None:
        self.state.log.append([name, round(self.room.now, 3)])


class Spark(Thing):
    transient = True


class Hero(Player):
    def define(self) -> None:
        self.state.public(log=[])

    @command
    async def go(self, door: str) -> str:
        try:
            await self.enter(door)
        except TravelRefused as error:
            self.state.log.append(str(error))
            return "refused"
        self.state.log.append("after")
        return "after"

    @command
    async def dwell(self) -> None:
        await self.sleep(100)


class Town(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(log=[])

    def joined(self, player: Player) -> None:
        self.state.log.append(player.name)

    def left(self, player: Player) -> None:
        if isinstance(player, Hero):
            player.state.log.append(f"left {self.name}")


def travels(groups: list[AtomicGroup]) -> list[list[str]]:
    return [
        [change.actor for change in group.changes if change.kind is ChangeKind.TRAVEL]
        for group in groups
        if any(change.kind is ChangeKind.TRAVEL for change in group.changes)
    ]


def test_an_npc_goes_at_once_and_nothing_of_its_scripts_runs_after() -> None:
    ran: list[str] = []

    class Wanderer(Thing):
        async def kickoff(self) -> None:
            try:
                await self.sleep(1)
                self.state.log.append("leaving")
                await self.enter("gate", wake=True)
                ran.append("after")
            finally:
                ran.append("cleanup")

    world = World(Town)
    wanderer = world.room.spawn(Wanderer)
    world.compose()
    world.run(2)
    assert ran == ["cleanup"]
    assert world.out.travelled
    assert world.room.actors == []
    [[change]] = [group.changes for group in world.compose()]
    assert (change.kind, change.actor, change.to_room, change.wake) == ("travel", wanderer.id, "forest", True)
    assert change.arrival == {"at": "gate", "door": "gate", "from": "town", "wake": True}
    assert change.body["state"] == {"public": {"log": ["leaving"]}}
    assert change.body["path"] == []
    assert world.failures() == []


def test_it_leaves_when_its_step_ends_with_all_that_the_step_did() -> None:
    class Hasty(Thing):
        async def kickoff(self) -> None:
            self.travel("forest", at=(3, 4))
            self.state.log.append("same step")
            await self.sleep(0)
            self.state.log.append("never")

    world = World(Town)
    hasty = world.room.spawn(Hasty)
    world.step()
    change = world.changes()[hasty.id]
    assert change.body["state"] == {"public": {"log": ["same step"]}}
    assert change.arrival["at"] == [3, 4]


def test_a_player_waits_for_a_seat_and_lives_on_meanwhile() -> None:
    world = World(Town)
    ann = world.enter("ann")
    call, other = world.call("ann", "go", door="gate"), world.call("ann", "dwell")
    assert world.out.seats == [SeatWanted(1, "ann", "forest")]
    assert world.live.players == {"ann"}
    world.run(1)
    world.compose()
    world.live.seated(1, world.now)
    world.drain()
    assert world.live.players == frozenset()
    change = world.changes()["p:ann"]
    assert (change.kind, change.seat, change.to_room, change.wake) == ("travel", 1, "forest", False)
    assert world.answer(call) == Result(id=call, value=None)
    assert isinstance(world.answer(other), Error)
    assert ann.state.log == ["left town"] == change.body["state"]["public"]["log"]


def test_who_walks_away_from_a_door_does_not_wait_for_a_seat_any_more() -> None:
    world = World(Town)
    ann = world.enter("ann")
    world.call("ann", "go", door="gate")
    ann.move_to((0, 0))
    world.drain()
    assert world.out.seats[-1] == SeatUnwanted(1)
    world.live.seated(1, world.now)
    world.run(1)
    assert world.live.players == {"ann"}


def test_a_seat_that_is_refused_is_raised_and_the_player_stays() -> None:
    world = World(Town)
    ann = world.enter("ann")
    call = world.call("ann", "go", door="gate")
    world.live.seat_refused(1, "it is closed", world.now)
    world.drain()
    assert world.answer(call) == Result(id=call, value="refused")
    assert ann.state.log == ["ann cannot go to forest: it is closed"]
    world.live.seated(1, world.now)
    assert world.live.players == {"ann"}


def test_a_seat_is_unwanted_when_the_player_leaves_or_goes_elsewhere() -> None:
    world = World(Town)
    world.enter("ann")
    world.call("ann", "go", door="gate")
    world.call("ann", "go", door="hatch")
    assert world.out.seats == [
        SeatWanted(1, "ann", "forest"),
        SeatUnwanted(1),
        SeatWanted(2, "ann", "cellar"),
    ]
    world.leave("ann")
    assert world.out.seats[-1] == SeatUnwanted(2)


def test_all_that_is_docked_goes_along_in_one_group_parents_first() -> None:
    world = World(Town)
    ann = world.enter("ann")
    boat, cargo, spark = (world.room.spawn(cls) for cls in (Thing, Thing, Spark))
    ann.dock(boat)
    cargo.dock(ann)
    spark.dock(boat)
    world.compose()
    boat.travel("forest")
    world.drain()
    assert world.out.seats == [SeatWanted(1, "ann", "forest")]
    assert boat in world.room.actors
    world.live.seated(1, world.now)
    [group] = world.compose()
    assert [change.actor for change in group.changes] == [boat.id, "p:ann", cargo.id]
    assert [change.seat for change in group.changes] == [0, 1, 0]
    assert [change.body["parent"] for change in group.changes] == [None, boat.id, "p:ann"]
    assert world.room.actors == []


def test_a_player_who_gets_off_before_the_departure_needs_no_seat() -> None:
    world = World(Town)
    ann, bob = world.enter("ann"), world.enter("bob")
    boat = world.room.spawn(Thing)
    ann.dock(boat)
    bob.dock(boat)
    boat.travel("forest")
    world.drain()
    ann.undock()
    world.live.seated(2, world.now)
    world.drain()
    assert world.out.seats[-1] == SeatUnwanted(1)
    assert world.room.actors == [ann]


def test_arriving_with_what_is_docked() -> None:
    world = World(Town)
    ann = world.enter("ann")
    pet = world.room.spawn(Thing)
    pet.dock(ann)
    pet.after("ripe", 10)
    world.run(4)
    ann.travel("town2", at="beat")
    world.live.seated(1, world.now)
    changes = world.changes()
    there = World(Town, name="town2", now=9000.0)
    there.live.arrive(
        [(id_, through_json(change.body), change.arrival) for id_, change in changes.items()], there.now
    )
    there.watch("ann")
    ann, pet = there.room.actors
    assert pet.parent is ann
    assert pet.position in ((20, 20), (380, 20))
    assert there.room.state.log == ["ann"]
    there.run(7)
    assert pet.state.log == [["ripe", 9006.0]]
    assert {change.kind for change in there.changes().values()} == {"save"}


def test_an_arrival_at_a_tag_that_is_not_there_ends_at_the_entry_and_is_told() -> None:
    world = World(Town)
    body = {**world.live.new_player_body("ann", world.now)}
    world.live.arrive([("p:ann", body, {"at": "nowhere"})], world.now)
    world.drain()
    assert world.room.players[0].position == (200, 100)
    assert "has no tag 'nowhere'; there are: entry, beat" in world.failures()[0][2]


def test_an_arrival_whose_class_is_missing_is_told_and_harms_nobody() -> None:
    world = World(Town)
    good = world.live.new_player_body("ann", world.now)
    bad = {**good, "script": "nowhere.at_all:Hero"}
    world.live.arrive([("x-1-1", bad, {"at": None}), ("p:ann", good, {"at": None})], world.now)
    world.drain()
    assert world.live.players == {"ann"}
    assert "nowhere.at_all:Hero cannot be had" in world.failures()[0][2]
    assert "x-1-1" not in world.changes()


def test_timers_go_along_and_do_not_fire_here() -> None:
    world = World(Town)
    thing = world.room.spawn(Thing)
    thing.after("ripe", 5)
    thing.travel("forest")
    assert world.live.next_due() is None
    assert world.changes()[thing.id].body["timers"] == {"ripe": {"clock": "room", "left": 5}}
    world.run(10)
    assert thing.state.log == []
    assert not world.live.dirty


def test_a_door_within_the_room_just_leads_there() -> None:
    world = World(Town)
    thing = world.room.spawn(Thing, at=(10, 10))
    thing.enter("loop")
    assert thing.position in ((20, 20), (380, 20))
    assert not world.out.travelled


def test_another_script_that_awaits_a_travel_goes_on() -> None:
    class Ferry(Town):
        async def joined(self, player: Player) -> None:
            self.state.log.append(await player.travel("forest"))

    world = World(Ferry)
    world.enter("ann")
    world.live.seated(1, world.now)
    assert world.room.state.log == [True]


@pytest.mark.parametrize(
    ("travel", "text"),
    [
        (lambda thing: thing.enter("nope"), "no door 'nope'; there are: gate, hatch, loop"),
        (lambda thing: thing.travel(""), "name a Room of the game"),
        (lambda thing: thing.travel("forest", at=5), "5 is no place"),
    ],
)
def test_travels_that_cannot_be(travel: Any, text: str) -> None:
    world = World(Town)
    thing = world.room.spawn(Thing)
    with pytest.raises(ActorError, match=text):
        travel(thing)
    with pytest.raises(ActorError, match="transient"):
        world.room.spawn(Spark).travel("forest")
    assert thing in world.room.actors


def test_travel_of_an_actor_that_was_never_saved_is_one_change() -> None:
    world = World(Town)
    thing = world.room.spawn(Thing)
    thing.travel("forest")
    assert travels(world.compose()) == [[thing.id]]

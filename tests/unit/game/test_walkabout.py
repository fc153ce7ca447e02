"""The sample game, played on a simulated clock."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roomfleet.game.loader import Game
from roomfleet.game.outbox import SeatWanted
from roomfleet.wire.session import Error, ErrorCode, Result
from support.game_folder import imports_forgotten
from support.played import PlayedGame, PlayedRoom

FOLDER = Path(__file__).parents[3] / "examples" / "walkabout"
WEN = "p:Wen"


@pytest.fixture
def game() -> Iterator[Game]:
    with imports_forgotten(FOLDER):
        yield Game.load(FOLDER)


@pytest.fixture
def town(game: Game) -> PlayedRoom:
    return PlayedRoom(game, "town", "walkabout.rooms:Town", "map1.town")


@pytest.fixture
def meadow(game: Game) -> PlayedRoom:
    return PlayedRoom(game, "meadow", "walkabout.rooms:Meadow", "map1.meadow")


def the(room: PlayedRoom, kind: str) -> str:
    """The id of the one actor of a class."""
    [found] = [actor.id for actor in room.live.actors if actor.type == kind]
    return found


def test_the_town_has_a_guard_and_a_wanderer(town: PlayedRoom) -> None:
    assert sorted(actor.type for actor in town.live.actors) == ["Guard", "Wanderer"]


def test_a_hero_starts_at_the_entry(town: PlayedRoom) -> None:
    town.join("Wen")
    assert town.position(WEN) == (400, 330)
    assert town.live.welcome("Wen")["you"].commands == [
        "enter_door",
        "give",
        "pick",
        "say",
        "walk",
        "wave",
    ]
    assert town.seen("Wen", WEN)["state"] == {
        "hp": 10,
        "waves": 0,
        "visited": ["town"],
        "bag": {},
        "quests": [],
    }


def test_a_hero_walks_around_a_house(town: PlayedRoom) -> None:
    town.join("Wen")
    walk = town.call("Wen", "walk", x=100.0, y=340.0)  # the town hall is in between
    town.run(0.1)
    path = town.seen("Wen", WEN)["path"]
    assert len(path) >= 3
    for before, after in itertools.pairwise(path):
        for step in range(101):
            x = before[0] + (after[0] - before[0]) * step / 100
            y = before[1] + (after[1] - before[1]) * step / 100
            assert not (110 < x < 230 and 290 < y < 390)
    assert town.answer(walk) is None
    town.run(10)
    assert town.answer(walk) == Result(id=walk, value=True)
    assert town.position(WEN) == (100, 340)


def test_a_walk_is_superseded_by_the_next(town: PlayedRoom) -> None:
    town.join("Wen")
    first = town.call("Wen", "walk", x=60.0, y=440.0)
    town.run(0.5)
    second = town.call("Wen", "walk", x=400.0, y=450.0)
    town.run(10)
    assert town.answer(first) == Result(id=first, value=False)
    assert town.answer(second) == Result(id=second, value=True)


def test_what_a_hero_says_is_told_to_all(town: PlayedRoom) -> None:
    town.join("Wen")
    town.join("Ida")
    town.call("Wen", "say", text="  good \n morning ")
    [event] = town.events("said")
    assert event.data == {"who": WEN, "name": "Wen", "text": "good morning"}


@pytest.mark.parametrize("text", ["", "   ", "x" * 201])
def test_saying_nothing_or_too_much_is_refused(town: PlayedRoom, text: str) -> None:
    town.join("Wen")
    answer = town.answer(town.call("Wen", "say", text=text))
    assert isinstance(answer, Error)
    assert (answer.code, answer.message) == (ErrorCode.REFUSED, "say something, in at most 200 characters")
    assert town.events("said") == []


def test_those_nearby_answer_a_wave(town: PlayedRoom) -> None:
    town.join("Wen")
    answer = town.answer(town.call("Wen", "wave"))
    assert isinstance(answer, Result)
    town.run(0.1)
    assert town.seen("Wen", WEN)["state"]["waves"] == 1
    guard = town.seen("Wen", the(town, "Guard"))
    assert ("Good day, Wen." in answer.value) == bool(guard["state"]["waved_at"])
    while "Good day, Wen." not in answer.value:  # sooner or later its beat leads past the hero
        town.run(1)
        answer = town.answer(town.call("Wen", "wave"))
        assert isinstance(answer, Result)


def test_through_a_door_a_hero_comes_to_the_meadow(town: PlayedRoom, meadow: PlayedRoom) -> None:
    town.join("Wen")
    town.call("Wen", "enter_door", door="east gate")
    assert town.seats == []
    town.run(5)
    assert town.position(WEN) == (785, 250)
    assert town.seats == [SeatWanted(request=1, player="Wen", room="meadow")]
    town.run(30)  # the meadow starts; the hero waits at the gate
    assert town.live.players == {"Wen"}
    town.live.seated(1, town.now)
    town.drain()
    assert town.live.players == frozenset()
    [travel] = [change for change in town.travels if change.actor == WEN]
    assert (travel.to_room, travel.seat) == ("meadow", 1)
    meadow.arrive(travel)
    assert meadow.position(WEN) == (75, 250)
    assert meadow.seen("Wen", WEN)["state"]["visited"] == ["town", "meadow"]
    assert town.failures == meadow.failures == []


def test_without_a_seat_a_hero_stays_and_is_told(town: PlayedRoom) -> None:
    town.join("Wen")
    call = town.call("Wen", "enter_door", door="east gate")
    town.run(5)
    town.live.seat_refused(1, "the meadow is closed", town.now)
    town.drain()
    answer = town.answer(call)
    assert isinstance(answer, Error)
    assert "the meadow is closed" in answer.message
    town.call("Wen", "walk", x=700.0, y=250.0)
    town.run(5)
    assert town.position(WEN) == (700, 250)


def test_a_door_that_is_not_there_is_refused_with_those_there_are(town: PlayedRoom) -> None:
    town.join("Wen")
    answer = town.answer(town.call("Wen", "enter_door", door="west gate"))
    assert isinstance(answer, Error)
    assert answer.code is ErrorCode.REFUSED
    assert answer.message == "there is no door 'west gate' here; there are: east gate"


def stand(room: PlayedRoom, name: str, x: float, y: float) -> None:
    """Put a hero there."""
    room.live.player_actor(name).position = (x, y)  # type: ignore[union-attr]
    room.run(0.1)


def test_the_boathouse_of_a_hero_is_the_heros_own(meadow: PlayedRoom) -> None:
    meadow.join("Wen")
    stand(meadow, "Wen", 600, 445)
    meadow.call("Wen", "enter_door", door="boathouse")
    meadow.run(1)
    assert meadow.seats == [SeatWanted(request=1, player="Wen", room="boathouse", key="Wen")]


def test_what_lies_in_the_meadow_goes_into_the_bag_and_grows_again(meadow: PlayedRoom) -> None:
    meadow.join("Wen")
    finds = {actor.id for actor in meadow.live.actors if actor.type == "Find"}
    assert len(finds) == 8
    stand(meadow, "Wen", 95, 70)
    pick = meadow.call("Wen", "pick")
    assert meadow.answer(pick) == Result(id=pick, value="You have the Apple")
    meadow.run(0.1)
    assert meadow.seen("Wen", WEN)["state"]["bag"] == {"0": {"item": "apple", "count": 1}}
    assert sum(actor.type == "Find" for actor in meadow.live.actors) == 7
    answer = meadow.answer(meadow.call("Wen", "pick"))
    assert isinstance(answer, Error)
    assert answer.message == "nothing lies within reach"
    meadow.run(31)
    assert sum(actor.type == "Find" for actor in meadow.live.actors) == 8
    for _ in range(6 * 5 + 1):
        answer = meadow.answer(meadow.call("Wen", "pick"))
        meadow.run(31)
    assert isinstance(answer, Error)
    assert answer.message == "no room in the bag for the Apple: weight"
    assert meadow.failures == []


def test_a_thing_is_given_to_the_hero_who_stands_nearest(meadow: PlayedRoom) -> None:
    meadow.join("Wen")
    stand(meadow, "Wen", 95, 70)
    meadow.call("Wen", "pick")
    alone = meadow.answer(meadow.call("Wen", "give", slot=0))
    assert isinstance(alone, Error)
    assert alone.message == "nobody is near enough to take it"
    meadow.join("Ida")
    stand(meadow, "Ida", 95, 100)
    give = meadow.call("Wen", "give", slot=0)
    assert meadow.answer(give) == Result(id=give, value="You gave it to Ida")
    meadow.run(0.1)
    assert meadow.seen("Ida", "p:Ida")["state"]["bag"] == {"0": {"item": "apple", "count": 1}}
    assert meadow.seen("Wen", WEN)["state"]["bag"] == {}
    assert "bag" not in meadow.seen("Wen", "p:Ida")["state"]
    for slot in (0, -1, 99):
        empty = meadow.answer(meadow.call("Wen", "give", slot=slot))
        assert isinstance(empty, Error)
        assert empty.message == "that slot is empty"
    assert meadow.failures == []


def test_three_apples_for_the_guard_are_a_badge(town: PlayedRoom) -> None:
    town.join("Wen")
    wen: Any = town.live.player_actor("Wen")
    guard: Any = town.live.actors.get(the(town, "Guard"))
    wen.position = guard.position
    town.call("Wen", "wave")
    town.run(0.1)
    quest = {"title": "Bring the guard apples", "item": "apple", "count": 3, "done": False}
    assert town.seen("Wen", WEN)["state"]["quests"] == [quest]
    wen.state.bag.add("apple", 3)
    wen.position = guard.position
    thanks = town.answer(town.call("Wen", "wave"))
    assert isinstance(thanks, Result)
    assert "Thank you, Wen! Take this badge." in thanks.value
    town.run(0.1)
    seen = town.seen("Wen", WEN)["state"]
    assert seen["quests"] == [{**quest, "done": True}]
    assert seen["bag"] == {"0": {"item": "badge", "count": 1}}
    assert guard.state.pouch.count("apple") == 3


def test_the_guard_keeps_the_badge_while_a_bag_is_full(town: PlayedRoom) -> None:
    town.join("Wen")
    wen: Any = town.live.player_actor("Wen")
    guard: Any = town.live.actors.get(the(town, "Guard"))
    wen.state.bag.add("apple", 4)
    wen.state.bag.add("daisy", 25)
    wen.position = guard.position
    answer = town.answer(town.call("Wen", "wave"))
    assert isinstance(answer, Result)
    assert "Wen, make room in your bag for a badge." in answer.value
    assert (wen.state.bag.count("apple"), guard.state.pouch.count()) == (4, 0)


def test_who_comes_later_reads_what_was_said(town: PlayedRoom) -> None:
    town.join("Wen")
    for number in range(40):
        town.call("Wen", "say", text=f"line {number}")
    town.join("Ida")
    talk = town.copies["Ida"]["room"]["state"]["talk"]
    assert (len(talk), talk[-1]) == (30, {"name": "Wen", "text": "line 39"})
    town.stop()
    town.start()
    assert town.live.room.state.talk[-1]["text"] == "line 39"


def test_the_guard_walks_its_beat_and_goes_on_after_a_restart(town: PlayedRoom) -> None:
    guard = the(town, "Guard")
    posts = {(330, 180), (480, 180), (480, 320), (330, 320)}
    seen = set()
    for _ in range(60):
        town.run(1)
        seen.add(town.position(guard))
    assert posts <= seen
    before = town.position(guard)
    town.stop()
    town.start()
    assert town.position(guard) == before
    town.run(60)
    assert town.failures == []


@pytest.mark.parametrize("seed", range(5))
def test_the_wanderer_leaves_by_the_door_within_a_minute(game: Game, seed: int) -> None:
    town = PlayedRoom(game, "town", "walkabout.rooms:Town", "map1.town", seed=seed)
    wanderer = the(town, "Wanderer")
    town.run(70)
    [travel] = town.travels
    assert (travel.actor, travel.to_room, travel.arrival["at"], travel.wake) == (
        wanderer,
        "meadow",
        "from town",
        False,
    )


def test_an_hour_in_both_rooms_goes_by_without_a_failure(town: PlayedRoom, meadow: PlayedRoom) -> None:
    played = PlayedGame([town, meadow])
    dice = random.Random(3)
    town.join("Wen")
    for _ in range(240):
        played.run(15)
        [here] = [room for room in played.rooms.values() if "Wen" in room.live.players]
        match dice.randrange(4):
            case 0:
                here.call("Wen", "walk", x=dice.uniform(-50, 850), y=dice.uniform(-50, 550))
            case 1:
                here.call("Wen", "enter_door", door=here.live.map.doors[0].name)
            case 2:
                here.call("Wen", "wave")
            case _:
                here.call("Wen", "say", text="hello")
    assert town.failures == meadow.failures == []
    assert played.journeys[WEN][:2] == ["meadow", "town"]
    wanderers = {id_: rooms for id_, rooms in played.journeys.items() if id_ != WEN}
    assert len(wanderers) == 2
    assert all(len(rooms) > 30 for rooms in wanderers.values())

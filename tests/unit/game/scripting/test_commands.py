"""Marks and the checking of arguments."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from roomfleet.game import Actor, Player, Room, command, request
from roomfleet.game.errors import MarkError
from roomfleet.game.scripting.commands import commands_of, requests_of
from roomfleet.wire.session import Error, ErrorCode, Result
from support.game_room import World


class Guard(Actor):
    pass


class Hero(Player):
    @command
    def walk(self, x: float, y: float = 0) -> Any:
        return [x, y]

    @command
    def say(self, text: str, loud: bool = False) -> Any:
        return [text, loud]

    @command
    def pick(self, items: list[int], how: Literal["all", "some"] = "all", extra=None) -> Any:  # type: ignore[no-untyped-def]
        return [items, how, extra]

    @command
    def greet(self, other: Guard) -> str:
        return other.name

    @command
    def follow(self, other: Actor | None, others: list[Actor]) -> Any:
        return [other.id if other else None, [each.id for each in others]]

    @command
    def odd(self, what: object) -> None: ...

    @command
    def broken(self, what: "Nowhere") -> None: ...  # type: ignore[name-defined] # noqa: F821, UP037

    @request
    def trade(self) -> None: ...

    def private(self) -> None: ...


class Quiet(Hero):
    def say(self, text: str, loud: bool = False) -> Any:
        return "not marked"


class Town(Room):
    player_class = Hero

    def created(self) -> None:
        self.spawn(Guard, name="Gus")


@pytest.fixture
def world() -> World:
    world = World(Town)
    world.enter("ann")
    return world


@pytest.mark.parametrize(
    ("method", "args", "value"),
    [
        ("walk", {"x": 1, "y": 2.5}, [1.0, 2.5]),
        ("walk", {"x": 1}, [1.0, 0]),
        ("say", {"text": "hi", "loud": True}, ["hi", True]),
        (
            "pick",
            {"items": [1, 2], "how": "some", "extra": {"any": [None]}},
            [[1, 2], "some", {"any": [None]}],
        ),
        ("greet", {"other": "town-1-1"}, "Gus"),
        ("follow", {"other": None, "others": ["town-1-1", "p:ann"]}, [None, ["town-1-1", "p:ann"]]),
    ],
)
def test_good_arguments(world: World, method: str, args: dict[str, Any], value: Any) -> None:
    assert world.answer(world.call("ann", method, **args)) == Result(id=1, value=value)


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("walk", {"x": "1"}, "walk() argument 'x': Expected `float`, got `str`"),
        ("walk", {"x": True}, "walk() argument 'x': Expected `float`, got `bool`"),
        ("walk", {"x": None}, "walk() argument 'x': Expected `float`, got `null`"),
        ("walk", {}, "walk() needs the argument 'x'"),
        ("walk", {"x": 1, "z": 1}, "walk() has no argument 'z'; it has: x, y"),
        ("walk", {"x": 1, "self": 1}, "walk() has no argument 'self'; it has: x, y"),
        ("say", {"text": "hi", "loud": 1}, "say() argument 'loud': Expected `bool`, got `int`"),
        ("pick", {"items": [1, "2"]}, "pick() argument 'items': Expected `int`, got `str` - at `$[1]`"),
        ("pick", {"items": [], "how": "none"}, "pick() argument 'how': Invalid enum value 'none'"),
        ("greet", {"other": "p:ann"}, "greet() argument 'other': no Guard 'p:ann' in this room"),
        ("greet", {"other": "town-1-9"}, "greet() argument 'other': no Guard 'town-1-9' in this room"),
        ("greet", {"other": 5}, "greet() argument 'other': no Guard 5 in this room"),
        ("follow", {"other": None, "others": ["x"]}, "follow() argument 'others': no Actor 'x' in this room"),
    ],
)
def test_bad_arguments_are_named(world: World, method: str, args: dict[str, Any], text: str) -> None:
    answer = world.answer(_call(world, method, args))
    assert isinstance(answer, Error)
    assert answer.code is ErrorCode.BAD_ARGUMENTS
    assert answer.message.startswith(text)
    assert world.out.failures == []


def _call(world: World, method: str, args: dict[str, Any]) -> int:
    world.live.call("ann", 7, method, args, world.now)
    world.drain()
    return 7


@pytest.mark.parametrize(
    "method", ["private", "trade", "kickoff", "__init__", "state", "room", "move_to", "remove", "nothing", ""]
)
def test_only_commands_can_be_called(world: World, method: str) -> None:
    answer = world.answer(_call(world, method, {}))
    assert isinstance(answer, Error)
    assert answer.code is ErrorCode.NO_SUCH_METHOD


@pytest.mark.parametrize("method", ["broken"])
def test_an_annotation_that_is_of_no_use_is_the_scripts_fault(world: World, method: str) -> None:
    answer = world.answer(_call(world, method, {"what": 1}))
    assert isinstance(answer, Error)
    assert answer.code is ErrorCode.SCRIPT_ERROR
    assert [each.script for each in world.out.failures] == [f"Hero.{method}"]


def test_what_is_marked_and_what_overrides_without_a_mark() -> None:
    assert commands_of(Hero) == ["broken", "follow", "greet", "odd", "pick", "say", "walk"]
    assert "say" not in commands_of(Quiet)
    assert requests_of(Hero) == ["trade"]


def test_marks_on_what_cannot_be_called_by_name() -> None:
    with pytest.raises(MarkError, match=r"walk\(\*steps"):

        @command
        def walk(self: Any, *steps: int) -> None: ...

    with pytest.raises(MarkError, match=r"\*\*more"):

        @request
        def ask(self: Any, **more: int) -> None: ...

    with pytest.raises(MarkError, match="mark functions"):
        command(property(lambda self: 1))  # type: ignore[type-var]

"""What bots choose to do."""

from __future__ import annotations

from random import Random
from typing import Any, cast

from roomfleet.client.bots import Bot, BotReport
from roomfleet.client.client import Client
from roomfleet.wire.session import RoomInfo, You


class Standing:
    """A player in a room, with these commands."""

    def __init__(self, *commands: str, inside: bool = True) -> None:
        self.room = RoomInfo(name="town", map="map1.room1", width=300, height=200) if inside else None
        self.you = You(id="p:bot", commands=list(commands)) if inside else None


def choices(player: Standing, seed: int) -> list[tuple[str, dict[str, Any]] | None]:
    bot = Bot(cast(Client, player), Random(seed), report=BotReport())
    return [bot.choose() for _ in range(200)]


def test_the_same_seed_walks_the_same_ways() -> None:
    assert choices(Standing("walk", "say"), 1) == choices(Standing("walk", "say"), 1)
    assert choices(Standing("walk", "say"), 1) != choices(Standing("walk", "say"), 2)


def test_it_walks_within_the_room_and_talks_now_and_then() -> None:
    chosen = [one for one in choices(Standing("walk", "say", "fly"), 1) if one is not None]
    assert {method for method, _ in chosen} == {"walk", "say"}
    walks = [args for method, args in chosen if method == "walk"]
    assert len(walks) > 100
    assert all(0 <= args["x"] <= 300 and 0 <= args["y"] <= 200 for args in walks)


def test_it_does_only_what_it_may() -> None:
    assert {one and one[0] for one in choices(Standing("say"), 1)} == {"say"}
    assert set(choices(Standing("fly"), 1)) == {None}


def test_outside_of_a_room_it_does_nothing() -> None:
    assert set(choices(Standing("walk", inside=False), 1)) == {None}

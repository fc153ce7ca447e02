"""The addresses of the play websocket and of rooms."""

from __future__ import annotations

import pytest

from roomfleet.client.errors import BadAddress
from roomfleet.client.join import InstanceOf, is_room_url, play_url


@pytest.mark.parametrize(
    ("master", "room", "url"),
    [
        ("http://127.0.0.1:8080", None, "ws://127.0.0.1:8080/v1/games/walkabout/play"),
        ("http://127.0.0.1:8080/", "town", "ws://127.0.0.1:8080/v1/games/walkabout/play?room=town"),
        ("https://play.example/rf/", "a b&c", "wss://play.example/rf/v1/games/walkabout/play?room=a%20b%26c"),
        (
            "http://m",
            InstanceOf("cave", "ann & bob"),
            "ws://m/v1/games/walkabout/play?instanced_room=cave&key=ann%20%26%20bob",
        ),
    ],
)
def test_the_play_address_follows_from_the_masters(
    master: str, room: str | InstanceOf | None, url: str
) -> None:
    assert play_url(master, "walkabout", room) == url


def test_who_asks_to_be_brought_says_so_beside_the_room() -> None:
    assert play_url("http://m", "g", "a b", bring=True) == "ws://m/v1/games/g/play?room=a%20b&bring=true"
    assert play_url("http://m", "g", None, bring=True) == "ws://m/v1/games/g/play", "brought where?"


def test_a_games_name_is_one_segment_of_the_path() -> None:
    assert play_url("http://m", "a/b", None) == "ws://m/v1/games/a%2Fb/play"


@pytest.mark.parametrize("master", ["ws://m", "m:80", "http:///x", ""])
def test_an_address_that_is_none_is_named(master: str) -> None:
    with pytest.raises(BadAddress, match=r"http://host\[:port\]"):
        play_url(master, "walkabout", None)


def test_a_rooms_address_is_a_websockets() -> None:
    assert is_room_url("wss://play.example/walkabout/default/0/rooms/town")
    assert not is_room_url("http://play.example/")
    assert not is_room_url("ws:///town")

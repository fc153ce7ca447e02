"""Clients get URLs that they can reach, and only our own pages may connect."""

from __future__ import annotations

import pytest

from roomfleet.wire.urls import (
    host_in_url,
    http_url,
    origin_allowed,
    own_host_origin,
    reachable,
    seat_path,
    session_path,
)


def test_names_in_paths_are_percent_encoded() -> None:
    assert session_path("game", "a/b") == "/v1/games/game/rooms/a%2Fb/session"
    assert seat_path("game", "town") == "/v1/games/game/rooms/town/seats"


@pytest.mark.parametrize(
    ("url", "host", "reached"),
    [
        ("ws://0.0.0.0:4000/x", "192.168.1.5:8080", "ws://192.168.1.5:4000/x"),
        ("ws://[::]:4000/x", "[fe80::1]:8080", "ws://[fe80::1]:4000/x"),
        ("ws://0.0.0.0:4000/x", "", "ws://127.0.0.1:4000/x"),
        ("wss://play.example/x", "192.168.1.5", "wss://play.example/x"),
    ],
)
def test_a_url_of_every_interface_becomes_the_one_that_works(url: str, host: str, reached: str) -> None:
    assert reachable(url, host) == reached


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert host_in_url("::1") == "[::1]"
    assert host_in_url("127.0.0.1") == "127.0.0.1"
    assert host_in_url("localhost") == "localhost"


def test_the_same_place_by_http() -> None:
    assert http_url("ws://h:1/x") == "http://h:1/x"
    assert http_url("wss://h/x") == "https://h/x"
    assert http_url("https://h/x") == "https://h/x"


ALLOWED = ["http://localhost:8080", own_host_origin(8080)]


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://localhost:8080", "anything", True),
        ("http://192.168.1.5:8080", "192.168.1.5:41000", True),
        ("http://192.168.1.5:8080", "192.168.1.6:41000", False),
        ("http://192.168.1.5:9090", "192.168.1.5:41000", False),
        ("https://192.168.1.5:8080", "192.168.1.5:41000", False),
        ("http://evil.example:8080", "evil.example:8080", False),
        ("http://192.168.1.5:port", "192.168.1.5:41000", False),
        ("null", "192.168.1.5:41000", False),
        ("", "", False),
    ],
)
def test_pages_at_our_own_address_may_connect_and_no_others(origin: str, host: str, allowed: bool) -> None:
    assert origin_allowed(origin, ALLOWED, host) is allowed


def test_without_the_sign_for_our_own_address_only_the_list_counts() -> None:
    assert not origin_allowed("http://192.168.1.5:8080", ["http://localhost:8080"], "192.168.1.5:41000")

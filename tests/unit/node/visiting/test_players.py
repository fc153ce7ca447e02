"""The sessions of a room's players."""

from __future__ import annotations

from roomfleet.node.visiting.players import Players
from support.hosted import Listener


def test_each_connection_gets_a_resume_secret_of_its_own() -> None:
    players = Players()
    session = players.add("ada")
    first = players.connect(session, Listener())
    assert players.connect(session, Listener()) != first


def test_who_is_connected_waits_for_nothing() -> None:
    players = Players()
    ada = players.add("ada", until=5.0)
    players.add("bob", until=7.0)
    assert players.next_gone() == 5.0
    players.connect(ada, Listener())
    assert players.next_gone() == 7.0
    assert players.connected == 1
    players.remove("bob")
    assert players.next_gone() == float("inf")
    assert players.gone(100.0) == []


def test_who_dropped_is_gone_after_those_who_dropped_before() -> None:
    players = Players()
    ada, bob = players.add("ada"), players.add("bob")
    for session in (ada, bob):
        players.connect(session, Listener())
    players.drop(bob, 5.0)
    players.drop(ada, 6.0)
    assert players.connected == 0
    assert players.next_gone() == 5.0
    assert players.gone(5.5) == [bob]
    players.connect(bob, Listener())
    assert players.next_gone() == 6.0

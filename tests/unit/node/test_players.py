"""The sessions of a room's players."""

from __future__ import annotations

from roomfleet.node.players import Players
from support.hosted import Listener


def test_each_connection_gets_a_resume_secret_of_its_own() -> None:
    session = Players().add("ada")
    first = session.connect(Listener())
    assert session.connect(Listener()) != first


def test_who_is_connected_waits_for_nothing() -> None:
    players = Players()
    ada = players.add("ada", until=5.0)
    players.add("bob", until=7.0)
    assert players.next_gone() == 5.0
    ada.connect(Listener())
    assert players.next_gone() == 7.0
    assert players.connected == 1
    players.remove("bob")
    assert players.next_gone() == float("inf")

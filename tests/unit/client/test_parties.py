"""Sessions under their number, parties and invitations, as a client takes part in them."""

from __future__ import annotations

import pytest

from roomfleet.client import Invitation, State
from roomfleet.client.errors import BadAddress
from unit.client.world import TOWN, World

NUMBER = 1763752222123
WAITING = {
    "type": "waiting",
    "id": "j1",
    "room": "town",
    "position": 3,
    "eta_seconds": 4.5,
    "line_token": "line-1",
    "session": NUMBER,
}
ADMITTED = {
    "type": "admitted",
    "id": "j1",
    "room": "town",
    "url": TOWN,
    "ticket": "ticket-1",
    "expires_at": "2027-01-02T03:04:05Z",
    "session": NUMBER,
}
MEMBERS = [{"player": "ada", "ticket": "ticket-1"}, {"player": "bob", "ticket": "ticket-2"}]


def test_a_session_goes_on_under_its_number_and_a_new_one_has_none() -> None:
    world = World()
    world.join("town")
    play = world.accept()
    assert world.sent[play] == [{"type": "join", "token": "ada"}]
    world.say(play, ADMITTED)
    world.drop(max(world.links))
    world.advance(1)
    assert world.sent[world.accept()] == [{"type": "join", "token": "ada", "session": NUMBER}]
    world.do(world.session.leave())
    world.join("town")
    assert world.sent[world.accept()] == [{"type": "join", "token": "ada"}]


def test_a_party_keeps_its_place_and_has_an_invitation_for_each_other_member() -> None:
    world = World()
    world.do(world.session.join(world.now, "town", party=["the token of bob"]))
    play = world.accept()
    assert world.sent[play] == [{"type": "join", "token": "ada", "party": ["the token of bob"]}]
    world.say(play, {**WAITING, "party": ["ada", "bob"]})
    assert world.last.party == ["ada", "bob"]
    world.drop(play)
    world.advance(1)
    again = world.accept()
    assert world.sent[again] == [
        {
            "type": "join",
            "token": "ada",
            "line_token": "line-1",
            "session": NUMBER,
            "party": ["the token of bob"],
        }
    ]
    world.say(again, {**ADMITTED, "members": MEMBERS})
    assert world.state is State.LOADING
    assert world.last.invitations == (Invitation("bob", "town", TOWN, "ticket-2", NUMBER),)
    world.drop(max(world.links))
    world.advance(1)
    alone = world.accept()
    assert world.sent[alone] == [{"type": "join", "token": "ada", "session": NUMBER}]


def test_an_invitation_leads_into_the_room_without_the_master() -> None:
    world = World()
    invitation = Invitation("ada", "town", TOWN, "ticket-2", NUMBER)
    world.do(world.session.join(world.now, invitation=invitation))
    assert world.states == [State.CONNECTING, State.LOADING]
    link = world.accept()
    assert world.sent[link][0]["ticket"] == "ticket-2"


def test_an_invitation_that_came_too_late_leads_to_the_master() -> None:
    world = World()
    world.do(world.session.join(world.now, invitation=Invitation("ada", "town", TOWN, "old", NUMBER)))
    link = world.accept()
    world.say(link, {"type": "error", "id": None, "code": "bad-ticket", "message": "expired"})
    world.advance(1)
    assert world.url.endswith("/play?room=town")
    assert world.sent[world.accept()] == [{"type": "join", "token": "ada", "session": NUMBER}]


def test_an_invitation_to_nowhere_is_an_error_at_once() -> None:
    world = World()
    with pytest.raises(BadAddress, match="not the address of a room"):
        world.session.join(world.now, invitation=Invitation("ada", "town", "https://x/", "t", 0))
    assert world.session.state is State.IDLE

"""The whole client on a simulated clock: every way from one state to another."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from roomfleet.client.actions import State, StateChanged
from roomfleet.client.errors import BadAddress, CallError, Refused, SessionEnded, WrongState
from roomfleet.client.join import InstanceOf
from roomfleet.client.links import READY_SECONDS
from roomfleet.client.session import Session
from roomfleet.wire import joining
from roomfleet.wire.codec import FORMATS, JSON, MSGPACK, Format
from roomfleet.wire.session import ByeCode, Error, Event, Waiting
from roomfleet.wire.version import __version__
from unit.client.world import TAVERN, TOWN, World, hero, snapshot, welcome

PLAY = "ws://master:8080/v1/games/walkabout/play"
WAITING = {
    "type": "waiting",
    "id": "j1",
    "room": "town",
    "position": 3,
    "eta_seconds": 4.5,
    "line_token": "line-1",
}
TRAVEL = {"type": "travel", "room": "tavern", "url": TAVERN, "ticket": "ticket-2"}
REFUSED = {
    "type": "refused",
    "problem": {
        "type": "https://roomfleet.io/problems/no-such-room",
        "title": "No such room",
        "status": 404,
        "detail": "there is no room town; make it",
    },
}


def test_from_join_to_playing_by_way_of_the_line() -> None:
    world = World()
    world.join("town")
    assert world.url == PLAY + "?room=town"
    assert world.links[1].subprotocol == "roomfleet.play.v1"
    play = world.accept()
    assert world.sent[play] == [{"type": "join", "token": "ada"}]
    world.say(play, WAITING)
    assert world.last == StateChanged(state=State.WAITING, room="town", position=3, eta_seconds=4.5)
    link = world.admit(play)
    assert play not in world.links
    assert (world.url, world.links[link].subprotocol) == (TOWN, "roomfleet.v1")
    assert world.sent[link] == [
        {"type": "hello", "ticket": "ticket-1", "resume": None, "version": __version__}
    ]
    world.say(link, welcome())
    assert world.state is State.LOADING
    world.say(link, snapshot())
    assert world.states == [State.CONNECTING, State.WAITING, State.LOADING, State.PLAYING]
    assert world.session.shown is not None
    assert world.session.shown.copy["actors"] == {"p:ada": hero()}


def test_without_a_room_the_master_decides() -> None:
    world = World()
    world.join()
    assert world.url == PLAY


def test_a_refusal_is_final_and_says_why() -> None:
    world = World()
    world.join("town")
    world.say(world.accept(), REFUSED)
    assert world.state is State.REFUSED
    assert isinstance(world.session.ending, Refused)
    assert world.session.ending.problem.refusal == "no-such-room"
    assert not world.links
    world.advance(1000)
    assert len(world.opened) == 1


def test_a_master_that_cannot_be_reached_is_tried_again_ever_more_slowly() -> None:
    world = World()
    world.join("town")
    pauses = []
    for status in [None, 404, 502, 503, 504, 429, 500] + [None] * 20:
        assert world.links, "an attempt is under way"
        world.fail(status)
        assert world.state is State.CONNECTING
        assert world.session.deadline is not None
        pauses.append(world.session.deadline - world.now)
        world.advance(pauses[-1])
    assert 0.2 <= pauses[0] <= 0.4
    assert all(4 <= pause <= 8 for pause in pauses[5:])


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_address_that_will_never_do_is_refused(status: int) -> None:
    world = World()
    world.join("town")
    world.fail(status)
    assert world.state is State.REFUSED
    assert isinstance(world.session.ending, Refused)
    assert world.session.ending.problem.status == status


def test_an_upgrade_that_is_never_answered_is_given_up_and_tried_again() -> None:
    world = World()
    world.join("town")
    world.advance(12)
    assert len(world.opened) == 2
    assert list(world.links) == [2]


def test_a_place_in_line_is_kept_over_a_lost_connection() -> None:
    world = World()
    world.join("town")
    play = world.accept()
    world.say(play, WAITING)
    world.drop(play)
    assert world.state is State.CONNECTING
    world.advance(1)
    again = world.accept()
    assert world.sent[again] == [{"type": "join", "token": "ada", "line_token": "line-1"}]
    world.say(again, {**WAITING, "line_token": "line-2", "position": 1})
    assert world.session.line_token == "line-2"


def test_a_master_that_falls_silent_is_dialled_again_before_the_place_is_void() -> None:
    world = World()
    world.join("town")
    world.say(world.accept(), WAITING)
    world.advance(44)
    world.say(1, WAITING)
    world.advance(44)
    assert list(world.links) == [1]
    world.advance(2)
    assert list(world.links) == [2]


def test_a_ticket_that_opens_nothing_leads_back_to_the_master() -> None:
    world = World()
    world.join("town")
    link = world.admit(world.accept())
    world.say(link, {"type": "error", "id": None, "code": "bad-ticket", "message": "expired"})
    assert world.state is State.CONNECTING
    assert not world.links
    world.advance(1)
    assert world.url == PLAY + "?room=town"


def test_a_node_that_cannot_be_reached_leads_back_to_the_master() -> None:
    world = World()
    world.join("town")
    world.say(
        world.accept(),
        {
            "type": "admitted",
            "id": "j1",
            "room": "town",
            "url": TOWN,
            "ticket": "t",
            "expires_at": "2026-01-01T00:00:00Z",
        },
    )
    world.fail(403)
    assert world.state is State.CONNECTING
    world.advance(1)
    assert world.url == PLAY + "?room=town"


def test_a_node_that_never_sends_a_snapshot_leads_back_to_the_master() -> None:
    world = World()
    world.join("town")
    link = world.admit(world.accept())
    world.say(link, welcome())
    world.advance(16)
    assert link not in world.links
    assert world.url == PLAY + "?room=town"


def test_an_address_that_is_none_leads_back_to_the_master() -> None:
    world = World()
    world.join("town")
    world.say(
        world.accept(),
        {
            "type": "admitted",
            "id": "j1",
            "room": "town",
            "url": "nowhere",
            "ticket": "t",
            "expires_at": "2026-01-01T00:00:00Z",
        },
    )
    assert world.state is State.CONNECTING
    world.advance(1)
    assert len(world.opened) == 2


def test_a_dropped_connection_is_resumed_at_once_at_the_same_place() -> None:
    world = World()
    link = world.play()
    call = world.call("walk", x=1, y=2)
    world.drop(link)
    assert world.state is State.RECONNECTING
    assert world.failures == {call: "dropped"}
    again = world.accept()
    assert (world.now, world.url) == (1000, TOWN)
    assert world.sent[again] == [
        {"type": "hello", "ticket": None, "resume": "secret-1", "version": __version__}
    ]
    world.say(again, welcome(resume="secret-2"), snapshot())
    assert world.state is State.PLAYING


def test_what_was_seen_last_is_shown_while_reconnecting() -> None:
    world = World()
    world.drop(world.play())
    assert world.session.shown is not None
    assert "p:ada" in world.session.shown.copy["actors"]


def test_when_the_resume_fails_the_master_is_asked_until_it_lets_us_in() -> None:
    world = World()
    world.drop(world.play())
    world.fail()
    for _ in range(5):
        world.advance(8)
        assert world.url == PLAY + "?room=town"
        world.fail(502)
        assert world.state is State.RECONNECTING
    world.advance(8)
    link = world.admit(world.accept(), url="ws://node-9/town", ticket="ticket-9")
    world.say(link, welcome(), snapshot())
    assert world.state is State.PLAYING


def test_a_refused_resume_secret_leads_to_the_master() -> None:
    world = World()
    world.drop(world.play())
    world.say(world.accept(), {"type": "error", "id": None, "code": "bad-resume", "message": "unknown"})
    world.advance(1)
    assert world.url == PLAY + "?room=town"


def test_after_a_steady_while_a_drop_is_resumed_again() -> None:
    world = World()
    world.drop(world.play())
    link = world.accept()
    world.say(link, welcome(resume="secret-2"), snapshot())
    world.advance(6)
    world.drop(link)
    again = world.accept()
    assert world.sent[again][0]["resume"] == "secret-2"


def test_a_session_that_drops_again_and_again_is_not_resumed_without_end() -> None:
    world = World()
    world.drop(world.play())
    link = world.accept()
    world.say(link, welcome(resume="secret-2"), snapshot())
    world.drop(link)
    assert not world.links
    world.advance(0.1)
    assert not world.links, "there is a pause"
    world.advance(1)
    assert world.url == PLAY + "?room=town"


def patch(seq: int, op: list[Any]) -> dict[str, Any]:
    return {"type": "patch", "seq": seq, "now": 50.0 + seq / 20, "ops": [op]}


MISFIT = patch(2, ["set", ["p:bob", "state", "hp"], 1])


def test_a_patch_that_does_not_fit_gets_a_new_snapshot_and_those_before_it_do_not_count() -> None:
    world = World()
    link = world.play()
    world.say(link, MISFIT, patch(3, ["set", ["p:ada", "state", "hp"], 3]), MISFIT)
    assert world.sent[link].count({"type": "snapshot"}) == 1
    assert world.session.shown is not None
    assert world.session.shown.copy["actors"]["p:ada"]["state"]["hp"] == 10
    world.say(link, snapshot(), patch(5, ["set", ["p:ada", "state", "hp"], 5]))
    assert world.session.shown.copy["actors"]["p:ada"]["state"]["hp"] == 5
    world.say(link, MISFIT)
    assert world.sent[link].count({"type": "snapshot"}) == 2, "asked again for the next misfit"
    assert world.states.count(State.RECONNECTING) == 0


def test_a_room_that_sends_no_snapshot_when_asked_is_lost() -> None:
    world = World()
    link = world.play()
    world.say(link, MISFIT)
    world.advance(READY_SECONDS / 2)
    world.say(link, patch(3, ["set", ["p:ada", "state", "hp"], 3]))
    assert world.state is State.PLAYING
    world.advance(READY_SECONDS / 2)
    assert world.state is State.RECONNECTING
    assert world.last.reason == "the room sent no snapshot"


def test_a_snapshot_that_came_in_time_is_not_waited_for() -> None:
    world = World()
    link = world.play()
    world.say(link, MISFIT, snapshot())
    for _ in range(8):
        world.advance(READY_SECONDS / 2)
        world.say(link, patch(9, ["set", ["p:ada", "state", "hp"], 3]))
    assert world.state is State.PLAYING


def test_a_patch_before_the_snapshot_drops_the_connection() -> None:
    world = World()
    world.join("town")
    link = world.admit(world.accept())
    world.say(link, welcome(), MISFIT)
    assert world.state is State.CONNECTING


def test_messagepack_is_spoken_in_binary_frames_to_the_room_and_json_to_the_master() -> None:
    world = World(format=MSGPACK)
    link = world.play()
    assert [one.subprotocol for one in world.every_open] == [joining.SUBPROTOCOL, MSGPACK.subprotocol]
    call = world.call("walk", x=1.5)
    assert world.sent[link][-1] == {"type": "call", "id": call, "method": "walk", "args": {"x": 1.5}}
    world.say(link, {"type": "result", "id": call, "value": [1, None, "ö"]})
    assert world.answers[call] == [1, None, "ö"]
    world.leave()
    assert world.sent[link][-1] == {"type": "leave"}


@pytest.mark.parametrize(("format", "data"), [(JSON, b'{"type":"pong"}'), (MSGPACK, '{"type":"pong"}')])
def test_a_frame_of_the_other_kind_drops_the_connection(format: Format, data: str | bytes) -> None:
    world = World(format=format)
    link = world.play()
    world.do(world.session.received(link, data, world.now))
    assert world.last.reason == f"the room sent what is not {format.name}"


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "dance"}', '{"type": "patch"}', b"\xff"])
def test_what_is_no_message_drops_the_connection(text: str | bytes) -> None:
    world = World()
    link = world.play()
    world.do(world.session.received(link, text, world.now))
    assert world.state is State.RECONNECTING
    assert link not in world.links


def test_a_snapshot_before_the_welcome_drops_the_connection() -> None:
    world = World()
    world.join("town")
    link = world.admit(world.accept())
    world.say(link, snapshot())
    assert world.state is State.CONNECTING


def test_patches_change_the_copy_and_a_later_snapshot_replaces_it() -> None:
    world = World()
    link = world.play()
    world.say(link, {"type": "patch", "seq": 2, "now": 50.1, "ops": [["set", ["p:ada", "state", "hp"], 9]]})
    assert world.session.shown is not None
    assert world.session.shown.copy["actors"]["p:ada"]["state"] == {"hp": 9}
    world.say(link, snapshot(**{"p:bob": hero("bob")}))
    assert list(world.session.shown.copy["actors"]) == ["p:bob"]
    assert world.states.count(State.PLAYING) == 1


def test_the_first_pings_come_fast_and_pongs_set_the_clock() -> None:
    world = World()
    link = world.play()
    pings = []
    for _ in range(30):
        sent = [message["t"] for message in world.sent[link] if message["type"] == "ping"]
        for t in sent[len(pings) :]:
            world.say(link, {"type": "pong", "t": t, "now": t - 940})
        pings = sent
        world.advance(0.25)
    assert [t - 1000 for t in pings] == [0, 0.25, 0.5, 0.75, 1.0]
    world.advance(20)
    assert world.session.shown is not None
    assert world.session.shown.clock is not None
    world.session.shown.clock.room_now(world.now)
    assert world.session.shown.clock.room_now(world.now + 100) == pytest.approx(world.now + 100 - 940)


def test_a_silent_node_is_left_after_two_intervals() -> None:
    world = World(keep_alive_seconds=5)
    link = world.play()
    world.advance(3)
    world.say(link, {"type": "event", "name": "noise", "data": {}})
    world.advance(4.9)
    assert link in world.links
    world.advance(5.2)
    assert link not in world.links
    assert world.state is State.RECONNECTING


def test_a_node_that_falls_silent_on_a_call_is_left_within_seconds() -> None:
    world = World()
    link = world.play()
    world.advance(2)
    world.say(link, {"type": "pong", "t": world.now, "now": world.now})
    pings = len(world.pings(link))
    call = world.call("walk", x=1, y=1)
    world.advance(2.9)
    assert len(world.pings(link)) == pings
    world.advance(0.2)
    assert len(world.pings(link)) == pings + 1, "asked whether it is there"
    world.advance(2.8)
    assert link in world.links
    world.advance(0.2)
    assert link not in world.links
    assert world.state is State.RECONNECTING
    assert world.failures[call] == "dropped"


def test_a_word_that_was_on_its_way_before_a_call_does_not_vouch_for_the_node() -> None:
    world = World()
    link = world.play()
    world.advance(2)
    world.say(link, {"type": "pong", "t": world.now, "now": world.now})
    world.call("walk", x=1, y=1)
    world.advance(0.1)
    world.say(link, {"type": "event", "name": "noise", "data": {}})
    world.advance(6.1)
    assert link not in world.links


def test_a_call_that_takes_long_costs_one_ping_where_the_node_answers() -> None:
    world = World()
    link = world.play()
    world.advance(2)
    world.say(link, {"type": "pong", "t": world.now, "now": world.now})
    pings = len(world.pings(link))
    world.call("walk", x=1, y=1)
    world.advance(3.1)
    world.say(link, {"type": "pong", "t": world.now, "now": world.now})
    world.advance(15)
    assert len(world.pings(link)) == pings + 1
    assert world.state is State.PLAYING
    # And the next one after the usual pause again.
    world.advance(5.1)
    assert len(world.pings(link)) == pings + 2


def test_where_there_is_any_word_after_a_call_nothing_is_asked() -> None:
    world = World()
    link = world.play()
    world.advance(2)
    world.say(link, {"type": "pong", "t": world.now, "now": world.now})
    pings = len(world.pings(link))
    for _ in range(5):
        world.call("walk", x=1, y=1)
        world.advance(1)
        world.say(link, {"type": "event", "name": "noise", "data": {}})
    assert len(world.pings(link)) == pings


def test_a_node_that_answers_is_kept() -> None:
    world = World(keep_alive_seconds=5)
    link = world.play()
    for _ in range(100):
        world.advance(4)
        world.say(link, {"type": "pong", "t": world.now, "now": world.now})
    assert world.state is State.PLAYING
    assert list(world.links) == [link]


def test_through_a_door_the_old_room_is_shown_until_the_new_one_is_there() -> None:
    world = World()
    old = world.play()
    call = world.call("walk", x=1, y=2)
    world.say(old, {"type": "waiting", "room": "tavern", "position": 1, "eta_seconds": None})
    assert world.events[-1] == Waiting(room="tavern", position=1, eta_seconds=None)
    assert world.state is State.PLAYING
    world.say(old, TRAVEL)
    assert world.last == StateChanged(state=State.TRAVELLING, room="tavern")
    with pytest.raises(CallError) as refused:
        world.call("walk", x=3, y=4)
    assert refused.value.code == "not-connected"
    new = world.accept()
    assert world.url == TAVERN
    assert world.sent[new][0]["ticket"] == "ticket-2"
    world.say(old, {"type": "patch", "seq": 2, "now": 50.1, "ops": [["set", ["p:ada", "state", "hp"], 1]]})
    world.say(new, welcome("tavern", now=7.0, resume="secret-t"))
    assert old in world.links
    assert world.session.shown is not None
    assert world.session.shown.copy["actors"]["p:ada"]["state"] == {"hp": 1}
    world.say(new, snapshot(now=7.0))
    assert list(world.links) == [new]
    assert world.last == StateChanged(state=State.PLAYING, room="tavern")
    assert world.failures == {call: "dropped"}
    assert world.session.shown.clock is not None
    assert world.session.shown.clock.room_now(world.now) == 7.0


@pytest.mark.parametrize(
    "goodbye",
    [
        {"type": "bye", "code": "left", "reason": ""},
        {"type": "rejoin", "reason": "stopping"},
        {**TRAVEL, "room": "cellar"},
    ],
)
def test_what_the_old_room_says_while_travelling_no_longer_leads_anywhere(goodbye: dict[str, str]) -> None:
    world = World()
    old = world.play()
    world.say(old, TRAVEL, goodbye)
    assert world.state is State.TRAVELLING
    world.drop(old)
    new = world.accept()
    world.say(new, welcome("tavern"), snapshot())
    assert world.last.room == "tavern"


def test_a_journey_that_fails_goes_on_by_way_of_the_master() -> None:
    world = World()
    old = world.play()
    world.say(old, TRAVEL)
    world.fail()
    assert world.state is State.RECONNECTING
    assert old not in world.links
    world.advance(1)
    assert world.url == PLAY + "?room=tavern"


def test_after_a_journey_the_new_room_is_resumed() -> None:
    world = World()
    world.say(world.play(), TRAVEL)
    new = world.accept()
    world.say(new, welcome("tavern", resume="secret-t"), snapshot())
    world.drop(new)
    assert world.url == TAVERN
    assert world.sent[world.accept()][0]["resume"] == "secret-t"


def test_rejoin_goes_back_to_the_master_with_its_room_and_its_place_in_line() -> None:
    world = World()
    link = world.play()
    world.say(link, {"type": "rejoin", "reason": "full", "room": "tavern", "line_token": "line-7"})
    assert world.state is State.RECONNECTING
    assert world.last.reason == "full"
    assert (world.now, world.url) == (1000, PLAY + "?room=tavern")
    assert link not in world.links
    assert world.sent[world.accept()] == [{"type": "join", "token": "ada", "line_token": "line-7"}]


@pytest.mark.parametrize("room", [{}, {"room": None}])
def test_rejoin_without_a_room_lets_the_master_decide(room: dict[str, None]) -> None:
    world = World()
    world.say(world.play(), {"type": "rejoin", "reason": "moved", **room})
    assert world.url == PLAY


def test_rejoins_without_end_are_slowed_down() -> None:
    world = World()
    world.join("town")
    for _ in range(10):
        link = world.admit(world.accept())
        world.say(link, {"type": "rejoin", "reason": "not here", "room": "town"})
        if not world.links:
            world.advance(8)
    assert world.now > 1020


@pytest.mark.parametrize("code", list(ByeCode))
def test_every_bye_is_final(code: ByeCode) -> None:
    world = World()
    link = world.play()
    call = world.call("walk", x=1, y=2)
    world.say(link, {"type": "bye", "code": code.value, "reason": "because"})
    assert world.last == StateChanged(state=State.BYE, room="town", code=code, reason="because")
    assert isinstance(world.session.ending, SessionEnded)
    assert (world.session.ending.code, world.session.ending.reason) == (code, "because")
    assert world.failures == {call: "dropped"}
    assert not world.links
    assert world.session.deadline is None


def test_after_a_bye_one_may_join_again() -> None:
    world = World()
    world.say(world.play(), {"type": "bye", "code": "replaced", "reason": "elsewhere"})
    link = world.play()
    assert world.session.ending is None
    assert world.sent[link][0]["ticket"] == "ticket-1"


def test_one_cannot_join_twice() -> None:
    world = World()
    world.play()
    with pytest.raises(WrongState, match="already playing"):
        world.join("tavern")


def test_leave_tells_the_node_and_ends_it() -> None:
    world = World()
    link = world.play()
    world.leave()
    assert world.sent[link][-1] == {"type": "leave"}
    assert not world.links
    assert world.last.code is ByeCode.LEFT
    world.leave()
    assert world.states.count(State.BYE) == 1


def test_leave_is_also_told_where_the_welcome_is_still_on_its_way() -> None:
    world = World()
    world.join()
    world.admit(world.accept())
    link = world.accept()
    world.leave()
    assert world.sent[link][-1] == {"type": "leave"}


def test_leave_ends_it_in_every_state() -> None:
    def connecting(world: World) -> None:
        world.join()

    def pausing(world: World) -> None:
        world.join()
        world.fail()

    def waiting(world: World) -> None:
        world.join()
        world.say(world.accept(), WAITING)

    def loading(world: World) -> None:
        world.join()
        world.admit(world.accept())

    def travelling(world: World) -> None:
        world.say(world.play(), TRAVEL)

    def reconnecting(world: World) -> None:
        world.drop(world.play())

    for reach in (connecting, pausing, waiting, loading, travelling, reconnecting):
        world = World()
        reach(world)
        world.leave()
        assert world.state is State.BYE, reach
        assert not world.links, reach
        assert world.session.deadline is None, reach


def test_leave_before_a_join_does_nothing() -> None:
    world = World()
    world.leave()
    assert world.state is State.IDLE


def test_calls_are_answered_by_their_number() -> None:
    world = World()
    link = world.play()
    walk = world.call("walk", x=1, y=2)
    say = world.call("say", text="hi")
    fly = world.call("fly")
    assert world.sent[link][-2] == {"type": "call", "id": say, "method": "say", "args": {"text": "hi"}}
    world.say(
        link,
        {"type": "result", "id": say, "value": None},
        {"type": "result", "id": walk, "value": True},
        {"type": "result", "id": walk, "value": False},
        {"type": "error", "id": fly, "code": "no-such-method", "message": "there is no fly"},
    )
    assert world.answers == {say: None, walk: True}
    assert world.failures == {fly: "no-such-method"}


def test_a_call_before_the_room_is_there_is_not_sent() -> None:
    world = World()
    with pytest.raises(CallError, match="idle"):
        world.call("walk")
    link = world.play()
    world.drop(link)
    with pytest.raises(CallError, match="reconnecting"):
        world.call("walk")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("format", FORMATS.values())
def test_a_call_that_is_no_json_data_leaves_no_trace(format: Format) -> None:
    world = World(format=format)
    link = world.play()
    for value in (object(), float("nan"), 2**53, 10**30, b"x", {1: 2}, "\ud800", nested(99)):
        with pytest.raises(CallError, match="walk was not sent") as caught:
            world.call("walk", x=value)
        assert caught.value.code == "bad-arguments"
    assert [message["type"] for message in world.sent[link]].count("call") == 0
    world.drop(link)
    assert world.failures == {}


def test_room_events_and_errors_without_a_call_are_told() -> None:
    world = World()
    link = world.play()
    world.say(
        link,
        {"type": "event", "name": "said", "data": {"text": "hi"}},
        {"type": "error", "id": None, "code": "rate-limit", "message": "slower"},
    )
    assert world.events[-2] == Event(name="said", data={"text": "hi"})
    assert isinstance(world.events[-1], Error)
    assert world.state is State.PLAYING


def test_what_comes_from_a_closed_link_is_ignored() -> None:
    world = World()
    link = world.play()
    world.say(link, {"type": "rejoin", "reason": "moved"})
    events = len(world.events)
    world.do(world.session.received(link, json.dumps({"type": "bye", "code": "left", "reason": ""}), 1000))
    world.do(world.session.closed(link, "", 1000))
    world.do(world.session.opened(link, 1000))
    world.do(world.session.open_failed(link, "", 1000))
    assert len(world.events) == events


@pytest.mark.parametrize("address", ["master:8080", "ftp://master", "http://", ""])
def test_an_address_that_is_none_is_an_error_at_once(address: str) -> None:
    with pytest.raises(BadAddress, match="http://host"):
        Session(address, game="walkabout", token="ada", random=Random(1))


def test_who_asks_to_be_brought_asks_until_there_whatever_a_node_says_and_then_no_more() -> None:
    world = World()
    world.join("town", bring=True)
    assert world.url == PLAY + "?room=town&bring=true"
    link = world.admit(world.accept())
    world.say(link, {"type": "rejoin", "reason": "you are in another room", "room": "tavern"})
    assert world.url == PLAY + "?room=town&bring=true"
    link = world.admit(world.accept())
    world.say(link, welcome(), snapshot())
    assert world.state is State.PLAYING
    world.say(link, {"type": "pong", "t": world.now, "now": 13.0})
    world.advance(6)
    world.say(link, {"type": "rejoin", "reason": "moved", "room": "town"})
    assert world.url == PLAY + "?room=town"


def test_who_asks_for_an_instance_asks_by_its_key_until_a_door_leads_elsewhere() -> None:
    world = World()
    world.do(world.session.join(world.now, InstanceOf("cave", "ann & bob")))
    url = PLAY + "?instanced_room=cave&key=ann%20%26%20bob"
    assert world.url == url
    link = world.admit(world.accept())
    world.say(link, welcome(), snapshot())
    world.say(link, {"type": "pong", "t": world.now, "now": 13.0})
    world.advance(6)
    world.say(link, {"type": "rejoin", "reason": "moved", "room": "town"})
    assert world.url == url
    link = world.admit(world.accept())
    world.say(link, {"type": "rejoin", "reason": "you are in another room", "room": "tavern"})
    world.advance(10)
    assert world.url == PLAY + "?room=tavern"


def test_a_node_that_stands_still_is_left_for_the_master_soon_and_gets_more_time_with_each_attempt() -> None:
    world = World()
    world.join("town")
    for seconds in (2.5, 5, 10, 10):
        letter = {
            "id": "j1",
            "room": "town",
            "url": TOWN,
            "ticket": "t",
            "expires_at": "2026-01-01T00:00:00Z",
        }
        world.say(world.accept(), {"type": "admitted", **letter})
        link = max(world.links)
        world.advance(seconds - 0.01)
        assert link in world.links
        world.advance(0.02)
        assert link not in world.links
        world.advance(8)
        assert world.url == PLAY + "?room=town"

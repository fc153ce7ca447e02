"""The client over real websockets, against a fleet whose every word the test decides."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest

from integration.client.fake_fleet import FakeFleet, fake_fleet, snapshot, welcome
from roomfleet.client import CallError, Client, Event, Refused, SessionEnded, State, StateChanged, WrongState
from roomfleet.wire.session import ByeCode
from roomfleet.wire.version import __version__

TIMEOUT = 10


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


class Impatient(Random):
    """Chance as it makes the shortest pauses."""

    def random(self) -> float:
        return 0.0


def ada(fleet: FakeFleet, keep_alive_seconds: float = 20) -> Client:
    return Client(
        fleet.url,
        game="walkabout",
        token="ada",
        keep_alive_seconds=keep_alive_seconds,
        random=Impatient(),
    )


async def states_until(events: Any, last: State) -> list[State]:
    """The states that were entered, up to `last`."""
    states = []
    async with asyncio.timeout(TIMEOUT):
        async for event in events:
            if isinstance(event, StateChanged):
                states.append(event.state)
                if event.state is last:
                    break
    return states


def test_join_shows_the_room_and_says_who_it_is() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            assert (player.state, player.room, player.you, player.actors) == (State.IDLE, None, None, {})
            joining = asyncio.create_task(player.join(room="town"))
            play = await fleet.peer()
            assert play.request.arguments == {"room": [b"town"]}
            assert play.request.headers["User-Agent"] == f"roomfleet-python/{__version__}"
            assert play.request.headers["Sec-WebSocket-Protocol"] == "roomfleet.play.v1"
            assert await play.hear() == {"type": "join", "token": "ada"}
            await play.say(fleet.admitted())
            node, hello = await fleet.welcome()
            assert node.request.headers["User-Agent"] == f"roomfleet-python/{__version__}"
            assert node.request.headers["Sec-WebSocket-Protocol"] == "roomfleet.v1"
            assert hello["ticket"] == "ticket-1"
            await joining
            assert player.state is State.PLAYING
            assert player.room is not None
            assert (player.room.name, player.room.width) == ("town", 800)
            assert player.you is not None
            assert player.position_of(player.you.id) == (10, 20)
            assert player.position_of("nobody") is None
            assert player.now >= 50
            assert await play.hear() is None, "the play socket is closed"

    run(test())


def test_in_line_the_place_is_told() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            events = player.events()
            joining = asyncio.create_task(player.join())
            play = await fleet.peer()
            assert play.request.arguments == {}
            await play.hear()
            line = {"type": "waiting", "id": "j1", "room": "town", "eta_seconds": 2.0, "line_token": "l"}
            await play.say({**line, "position": 2}, {**line, "position": 1})
            await player.wait_for(lambda player: player.change.position == 1, TIMEOUT)
            assert player.state is State.WAITING
            await play.say(fleet.admitted())
            await fleet.welcome()
            await joining
            assert await states_until(events, State.PLAYING) == [
                State.CONNECTING,
                State.WAITING,
                State.WAITING,
                State.LOADING,
                State.PLAYING,
            ]

    run(test())


def test_a_refusal_is_raised() -> None:
    async def test() -> None:
        problem = {"type": "x/no-such-room", "title": "No", "status": 404, "detail": "there is no room town"}
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join("town"))
            play = await fleet.peer()
            await play.say({"type": "refused", "problem": problem})
            with pytest.raises(Refused, match="there is no room town") as refused:
                await joining
            assert refused.value.problem.refusal == "no-such-room"
            assert player.state is State.REFUSED

    run(test())


def test_a_master_that_is_away_is_tried_until_it_is_there() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            fleet.answer_upgrades_with = [404, 503]
            joining = asyncio.create_task(player.join())
            await fleet.let_in()
            await joining
            assert fleet.answer_upgrades_with == []

    run(test())


def test_where_nobody_listens_it_keeps_trying_until_it_is_left() -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            async with Client(url, game="walkabout", token="ada") as player:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(player.join(), 0.01)
                assert player.state is State.BYE, "a join that is cancelled leaves"
                events = player.events()
                joining = asyncio.create_task(player.join())
                tries = [await anext(events) for _ in range(3)]
                assert [isinstance(tried, StateChanged) and tried.state for tried in tries] == [
                    State.CONNECTING
                ] * 3
                await player.leave()
                with pytest.raises(SessionEnded):
                    await joining

    run(test())


def test_a_master_that_forbids_is_not_tried_again() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            fleet.answer_upgrades_with = [403]
            with pytest.raises(Refused, match="403"):
                await player.join()

    run(test())


def test_calls_are_answered_or_raise() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            with pytest.raises(CallError) as error:
                await player.call("walk", x=1, y=2)
            assert error.value.code == "not-connected"
            joining = asyncio.create_task(player.join())
            node = await fleet.let_in()
            await joining
            walk, fly = (
                asyncio.create_task(player.call("walk", x=1, y=2)),
                asyncio.create_task(player.call("fly")),
            )
            first, second = await node.hear(), await node.hear()
            assert first is not None
            assert second is not None
            assert (first["method"], first["args"], second["method"]) == ("walk", {"x": 1, "y": 2}, "fly")
            await node.say(
                {"type": "error", "id": second["id"], "code": "no-such-method", "message": "there is no fly"},
                {"type": "result", "id": first["id"], "value": True},
            )
            assert await walk is True
            with pytest.raises(CallError, match="there is no fly"):
                await fly

    run(test())


def test_a_call_that_is_cancelled_harms_nobody() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            node = await fleet.let_in()
            await joining
            call = asyncio.create_task(player.call("walk", x=1, y=2))
            message = await node.hear()
            assert message is not None
            call.cancel()
            await node.say({"type": "result", "id": message["id"], "value": True})
            await node.say({"type": "event", "name": "done"})
            await player.wait_for(lambda player: player.messages >= 5, TIMEOUT)
            assert player.state is State.PLAYING

    run(test())


def test_patches_and_events_arrive() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            node = await fleet.let_in()
            await joining
            events = player.events()
            await node.say(
                {"type": "patch", "seq": 2, "now": 50.1, "ops": [["set", ["p:ada", "state", "hp"], 3]]},
                {"type": "event", "name": "said", "data": {"text": "hi"}},
            )
            await player.wait_for(lambda player: player.actors["p:ada"]["state"]["hp"] == 3, TIMEOUT)
            assert await asyncio.wait_for(anext(events), TIMEOUT) == Event(name="said", data={"text": "hi"})

    run(test())


def test_a_dropped_connection_is_resumed() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            node = await fleet.let_in()
            await joining
            events = player.events()
            call = asyncio.create_task(player.call("walk", x=1, y=2))
            await node.hear()
            node.cut()
            with pytest.raises(CallError) as error:
                await call
            assert error.value.code == "dropped"
            _, hello = await fleet.welcome(resume="secret-2")
            assert (hello["ticket"], hello["resume"]) == (None, "secret-1")
            assert await states_until(events, State.PLAYING) == [State.RECONNECTING, State.PLAYING]

    run(test())


def test_a_patch_that_does_not_fit_gets_a_new_snapshot() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            node = await fleet.let_in()
            await joining
            await node.say({"type": "patch", "seq": 2, "now": 50.1, "ops": [["leave", "p:bob", "left"]]})
            assert await node.hear() == {"type": "snapshot"}
            await node.say(snapshot(actors={}))
            await player.wait_for(lambda player: player.actors == {}, TIMEOUT)
            assert player.state is State.PLAYING

    run(test())


def test_a_silent_node_counts_as_dropped_and_one_that_answers_does_not() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet, keep_alive_seconds=1) as player:
            fleet.answers_pings = False
            joining = asyncio.create_task(player.join())
            await fleet.let_in()
            await joining
            await player.wait_for(lambda player: player.state is State.RECONNECTING, TIMEOUT)
            assert "silent" in player.change.reason
            fleet.answers_pings = True
            _, hello = await fleet.welcome()
            assert hello["resume"] == "secret-1"
            await player.wait_for(lambda player: player.round_trip is not None, TIMEOUT)
            assert player.state is State.PLAYING

    run(test())


def test_a_lost_node_leads_back_by_way_of_the_master() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join("town"))
            node = await fleet.let_in()
            await joining
            events = player.events()
            fleet.answer_upgrades_with = [502, 503]
            node.cut()
            play = await fleet.peer()
            assert play.request.arguments == {"room": [b"town"]}
            await play.hear()
            await play.say(fleet.admitted("town-elsewhere", ticket="ticket-2"))
            _, hello = await fleet.welcome("town-elsewhere")
            assert hello["ticket"] == "ticket-2"
            states = await states_until(events, State.PLAYING)
            assert states[0] is State.RECONNECTING
            assert states[-2:] == [State.LOADING, State.PLAYING]

    run(test())


def test_rejoin_goes_back_to_the_master_with_its_place() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            node = await fleet.let_in()
            await joining
            await node.say({"type": "rejoin", "reason": "moving", "room": "tavern", "line_token": "l-7"})
            play = await fleet.peer()
            assert play.request.arguments == {"room": [b"tavern"]}
            assert await play.hear() == {"type": "join", "token": "ada", "line_token": "l-7"}
            await play.say(fleet.admitted("tavern"))
            await fleet.welcome("tavern")
            await player.wait_for(lambda player: player.room and player.room.name == "tavern", TIMEOUT)

    run(test())


def test_travel_shows_the_old_room_until_the_new_one_is_there() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            town = await fleet.let_in()
            await joining
            events = player.events()
            await town.say({"type": "waiting", "room": "tavern", "position": 1})
            await town.say({"type": "travel", "room": "tavern", "url": fleet.room("tavern"), "ticket": "t-2"})
            tavern = await fleet.peer()
            hello = await tavern.hear()
            assert hello is not None
            assert hello["ticket"] == "t-2"
            assert player.state is State.TRAVELLING
            assert player.room is not None
            assert player.room.name == "town"
            await tavern.say(welcome("tavern"), snapshot())
            assert await town.hear() is None
            assert await states_until(events, State.PLAYING) == [State.TRAVELLING, State.PLAYING]
            assert player.room.name == "tavern"

    run(test())


def test_a_journey_to_a_lost_node_goes_on_by_way_of_the_master() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            town = await fleet.let_in()
            await joining
            fleet.answer_upgrades_with = [503]
            await town.say({"type": "travel", "room": "tavern", "url": fleet.room("tavern"), "ticket": "t-2"})
            await fleet.let_in("tavern")
            await player.wait_for(lambda player: player.room and player.room.name == "tavern", TIMEOUT)

    run(test())


def test_one_who_was_replaced_may_take_back() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            node = await fleet.let_in()
            await joining
            events = player.events()
            await node.say({"type": "bye", "code": "replaced", "reason": "you joined elsewhere"})
            told = [event async for event in events]
            assert told == [
                StateChanged(
                    state=State.BYE, room="town", code=ByeCode.REPLACED, reason="you joined elsewhere"
                )
            ]
            with pytest.raises(SessionEnded, match="you joined elsewhere"):
                await player.wait_for(lambda player: False)
            joining = asyncio.create_task(player.join())
            await fleet.let_in()
            await joining
            assert player.state is State.PLAYING

    run(test())


def test_leaving_the_block_leaves_the_game() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet:
            async with ada(fleet) as player:
                joining = asyncio.create_task(player.join())
                node = await fleet.let_in()
                await joining
            assert await node.hear() == {"type": "leave"}
            assert await node.hear() is None
            assert player.state is State.BYE

    run(test())


def test_join_while_in_returns_and_another_room_is_an_error() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            joining = asyncio.create_task(player.join())
            await fleet.let_in()
            await joining
            await player.join()
            await player.join("town")
            with pytest.raises(WrongState, match="leave first"):
                await player.join("tavern")

    run(test())


def test_wait_for_times_out_and_hands_on_what_the_predicate_raises() -> None:
    async def test() -> None:
        async with fake_fleet() as fleet, ada(fleet) as player:
            with pytest.raises(TimeoutError):
                await player.wait_for(lambda player: False, timeout=0.01)
            with pytest.raises(KeyError, match="p:bob"):
                await player.wait_for(lambda player: player.actors["p:bob"])
            joining = asyncio.create_task(player.join())
            await fleet.let_in()
            await joining
            # No message needed: time goes on.
            await player.wait_for(lambda player: player.now > 50.01, TIMEOUT)

    run(test())

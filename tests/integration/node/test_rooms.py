"""A node's rooms on a real store: entering, leaving, stopping and breaking, in every inconvenient order."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from roomfleet.game.live import LiveRoom
from roomfleet.store import Create, DamagedDocument, StoreUnavailable, Travel, claim, open_store, where
from roomfleet.wire.link import Accepted, RoomPhase
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.tickets import SigningKey, Ticket
from roomfleet.wire.urls import session_path
from support.hosted import Hosted, Listener, soon
from support.raw import connected as connected_to
from support.takeover import taken_over
from support.trial_game import stored_actors, stored_epoch, stored_state

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
BETA = RoomSpec(map="map1.beta", script="trial.rooms:Place")


def connected(listener: Listener) -> bool:
    return listener.types()[:2] == ["welcome", "snapshot"] and not listener.ended


def test_who_leaves_and_comes_back_at_once_gets_in(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        listener = await on.enters(room, "ada")
        assert connected(listener)
        for _ in range(5):
            gate = on.store.hold("commit_room")
            room.call("ada", 1, "note", {"value": 1})
            room.visits.leave("ada", listener)
            coming = asyncio.ensure_future(on.enters(room, "ada"))
            await asyncio.sleep(0)
            gate.set()
            listener = await coming
            assert connected(listener), listener.heard
            assert listener.last("snapshot")["actors"]["p:ada"]["state"]["noted"] == 1

    on_a_node(test)


def test_two_connections_of_one_player_at_once_end_in_one_session(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        both = await asyncio.gather(on.enters(room, "ada"), on.enters(room, "ada"))
        assert sorted(listener.ended for listener in both) == [False, True]
        (replaced,) = [listener for listener in both if listener.ended]
        assert replaced.last("bye")["code"] == "replaced"
        assert room.report().players == 1
        assert len(on.node.doors.resumes) == 1

    on_a_node(test)


def test_a_resume_secret_is_good_for_the_last_connection_only_and_forgotten_with_the_session(
    on_a_node: Any,
) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        first = await on.enters(room, "ada")
        old = first.last("welcome")["resume"]
        room.visits.dropped("ada", first)
        second = Listener()
        found = on.node.doors.resumes.get(old)
        assert found == (room, "ada")
        assert room.visits.resume("ada", second)
        assert on.node.doors.resumes.get(old) is None
        fresh = second.last("welcome")["resume"]
        assert on.node.doors.resumes.get(fresh) == (room, "ada")
        room.visits.leave("ada", second)
        assert on.node.doors.resumes.get(fresh) is None
        assert not on.node.doors.resumes

    on_a_node(test)


def test_it_is_reported_once_who_came_in_and_to_a_new_master_who_is_there(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        ada = await on.enters(room, "ada")
        await on.enters(room, "bob")
        assert sorted(room.report().seated) == ["ada", "bob"]
        assert room.report().seated == []
        await on.enters(room, "cid")
        room.visits.leave("ada", ada)
        await soon(lambda: room.report().players == 2)
        assert sorted(room.report(again=True).seated) == ["bob", "cid"]

    on_a_node(test)


def test_who_does_not_come_back_in_time_has_left(on_a_node: Any, tmp_path: Path) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        listener = await on.enters(room, "ada")
        secret = listener.last("welcome")["resume"]
        room.visits.dropped("ada", listener)
        assert room.report().resumable == 1
        await soon(lambda: room.report().resumable == 0)
        assert on.node.doors.resumes.get(secret) is None
        await soon(lambda: stored_actors(tmp_path)["p:ada"].presence == "away")

    on_a_node(test, reconnect_seconds=0.05)


def test_a_full_room_takes_no_more_also_while_others_are_on_their_way_in(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", RoomSpec(map="map1.alpha", script="trial.rooms:Place", capacity=2))
        listeners = await asyncio.gather(*(on.enters(room, f"player {number}") for number in range(5)))
        assert sum(connected(listener) for listener in listeners) == 2
        for listener in listeners:
            assert connected(listener) or listener.last("rejoin")["room"] == "alpha"

    on_a_node(test)


def test_a_seat_that_is_kept_for_a_traveller_is_nobody_elses(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", RoomSpec(map="map1.alpha", script="trial.rooms:Place", capacity=1))
        assert room.visits.reserve("ada", 0.2) == ""
        assert "full" in room.visits.reserve("bob", 0.2)
        assert room.report().resumable == 1
        assert not connected(await on.enters(room, "bob"))
        assert connected(await on.enters(room, "ada"))
        assert room.report().resumable == 0

    on_a_node(test)


def test_a_kept_seat_that_nobody_takes_is_free_again_and_said_to_be(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", RoomSpec(map="map1.alpha", script="trial.rooms:Place", capacity=1))
        assert room.visits.reserve("ada", 0.05) == ""
        await soon(lambda: room.report().resumable == 0)
        assert connected(await on.enters(room, "bob"))

    on_a_node(test)


def test_a_room_that_breaks_saves_nothing_of_what_it_had_half_done(
    on_a_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect_error_log: Any
) -> None:
    expect_error_log("room alpha broke")

    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        listener = await on.enters(room, "ada")
        room.call("ada", 1, "keep", {"value": 1})
        await soon(lambda: "result" in listener.types())

        def broken(self: LiveRoom, *args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError("a defect of the room's own machinery")

        room.call("ada", 2, "note", {"value": 5})
        commits = on.store.calls["commit_room"]
        with monkeypatch.context() as patched:
            patched.setattr(LiveRoom, "call", broken)
            room.call("ada", 3, "note", {"value": 6})
        assert room.phase is RoomPhase.FAILED
        assert "ZeroDivisionError" in room.message
        assert listener.ended
        assert on.room("alpha") is None
        assert not on.node.doors.resumes
        await asyncio.sleep(0)
        assert on.store.calls["commit_room"] - commits <= 1, "at most one that was under way"
        # Its next owner goes on from what was saved.
        on.wanted.clear()
        again = await on.runs("alpha", ALPHA, epoch=2)
        listener = await on.enters(again, "ada")
        assert listener.last("snapshot")["actors"]["p:ada"]["state"]["kept"] == 1
        assert stored_state(tmp_path, "p:ada")["noted"] in (0, 5)

    on_a_node(test)


def test_a_room_that_was_taken_over_closes_at_its_next_save_and_says_so(
    on_a_node: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        listener = await on.enters(room, "ada")
        await taken_over(on, "alpha", 5)
        room.call("ada", 1, "keep", {"value": 9})
        await soon(lambda: room.phase is RoomPhase.FENCED)
        assert "result" not in listener.types()
        assert listener.heard[-1]["type"] == "rejoin"
        assert room.report().found_epoch == 5
        assert stored_state(tmp_path, "p:ada")["kept"] == 0
        assert stored_epoch(tmp_path, "alpha")[0] == 5

    on_a_node(test)
    assert "room alpha at epoch 1 was taken over (found epoch 5)" in caplog.text


def test_what_was_on_its_way_to_the_store_when_the_takeover_was_found_counts_as_lost(
    on_a_node: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        await on.enters(room, "ada")
        await soon(lambda: room.saver is not None and room.saver.unsaved_since is None)
        let_go = on.store.hold("commit_room")
        commits = on.store.calls["commit_room"]
        room.call("ada", 1, "keep", {"value": 9})
        await soon(lambda: on.store.calls["commit_room"] > commits)
        room.fence(5)
        let_go.set()

    on_a_node(test)
    assert "was taken over (found epoch 5); 1 actors had changes that were not saved" in caplog.text


def test_a_join_that_meets_the_takeover_first_closes_the_room_too(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        await taken_over(on, "alpha", 5)
        listener = await on.enters(room, "ada")
        assert listener.types() == ["rejoin"]
        assert room.phase is RoomPhase.FENCED

    on_a_node(test)


def test_while_the_master_is_away_a_node_finds_out_by_itself_what_it_lost(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha, beta = await on.runs("alpha", ALPHA), await on.runs("beta", BETA)
        await taken_over(on, "alpha", 5)
        await soon(lambda: alpha.phase is RoomPhase.FENCED)
        assert beta.phase is RoomPhase.RUNNING

    on_a_node(test)


def test_a_newer_epoch_for_a_running_room_stops_it_first_and_then_starts_it(
    on_a_node: Any, tmp_path: Path
) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        listener = await on.enters(room, "ada")
        room.call("ada", 1, "note", {"value": 3})
        gate = on.store.hold("commit_room")
        on.want("alpha", ALPHA, epoch=2)
        await soon(lambda: room.phase is RoomPhase.STOPPING)
        # Told again and again while the old one still saves: nothing else happens.
        for _ in range(3):
            on.want("alpha", ALPHA, epoch=2)
            await asyncio.sleep(0)
        assert on.room("alpha") is room
        gate.set()
        await soon(lambda: on.phase("alpha") is RoomPhase.RUNNING)
        assert on.room("alpha").epoch == 2
        assert listener.heard[-1]["type"] == "rejoin"
        assert stored_state(tmp_path, "p:ada")["noted"] == 3

    on_a_node(test)


def test_a_room_called_off_while_it_starts_ends_stopped(on_a_node: Any, tmp_path: Path) -> None:
    async def test(on: Hosted) -> None:
        gate = on.store.hold("take_room")
        on.want("alpha", ALPHA)
        await soon(lambda: on.store.calls["take_room"])
        room = on.room("alpha")
        on.unwant("alpha")
        gate.set()
        await soon(lambda: on.room("alpha") is None)
        assert room.phase is RoomPhase.STOPPED
        assert stored_epoch(tmp_path, "alpha") == (1, stored_epoch(tmp_path, "alpha")[1], "")

    on_a_node(test)


def test_a_drain_waits_for_rooms_that_start_and_for_stops_under_way(on_a_node: Any, tmp_path: Path) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        listener = await on.enters(alpha, "ada")
        alpha.call("ada", 1, "note", {"value": 4})
        committing = on.store.hold("commit_room")
        on.unwant("alpha")
        claims = on.store.calls["take_room"]
        starting = on.store.hold("take_room")
        on.want("beta", BETA)
        await soon(lambda: alpha.phase is RoomPhase.STOPPING and on.store.calls["take_room"] > claims)
        beta = on.room("beta")
        draining = asyncio.ensure_future(on.node.drain())
        await asyncio.sleep(0)
        starting.set()
        committing.set()
        await draining
        assert (alpha.phase, beta.phase) == (RoomPhase.STOPPED, RoomPhase.STOPPED)
        assert listener.ended
        assert stored_state(tmp_path, "p:ada")["noted"] == 4

    on_a_node(test)


def test_a_claim_that_the_store_does_not_answer_is_given_up_for_a_higher_epoch(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        on.store.trouble = lambda name, args: StoreUnavailable("gone") if name == "take_room" else None
        on.want("alpha", ALPHA)
        room = on.room("alpha")
        await soon(lambda: room.phase is RoomPhase.FENCED)
        assert room.found_epoch == 1, "so that the master's next epoch is higher"
        assert on.room("alpha") is None

    on_a_node(test)


def test_a_damaged_document_of_one_traveller_ends_no_loop(on_a_node: Any, expect_error_log: Any) -> None:
    expect_error_log("cannot look for arrivals")

    async def test(on: Hosted) -> None:
        await on.runs("alpha", ALPHA)
        damaged = True

        def trouble(name: str, args: tuple[Any, ...]) -> BaseException | None:
            if name == "actors_arriving" and damaged:
                return DamagedDocument("of actor x", "it is not JSON")
            return None

        on.store.trouble = trouble
        await soon(lambda: on.store.calls["actors_arriving"] >= 2)
        damaged = False
        before = on.store.calls["actors_arriving"]
        await soon(lambda: on.store.calls["actors_arriving"] > before)

    on_a_node(test)


def test_an_arrival_for_a_room_that_is_stopping_is_there_when_it_runs_again(
    on_a_node: Any, tmp_path: Path
) -> None:
    async def test(on: Hosted) -> None:
        alpha, beta = await on.runs("alpha", ALPHA), await on.runs("beta", BETA)
        await on.enters(alpha, "ada")
        gate = on.store.hold("actors_arriving")
        looking = asyncio.ensure_future(on.node.arrivals.look())
        await soon(lambda: on.store.calls["actors_arriving"])
        stopping = asyncio.ensure_future(beta.stop())
        await soon(lambda: beta.phase is RoomPhase.STOPPING or on.room("beta") is None)
        alpha.call("ada", 1, "send", {"name": "sent", "room": "beta", "wake": False})
        await soon(lambda: any(actor.room == "beta" for actor in stored_actors(tmp_path).values()))
        gate.set()
        await asyncio.gather(looking, stopping)
        again = await on.runs("beta", BETA, epoch=2)
        listener = await on.enters(again, "bob")
        await soon(
            lambda: (
                any(actor["name"] == "sent" for actor in listener.last("snapshot")["actors"].values())
                or "sent" in str(listener.heard)
            )
        )

    on_a_node(test)


def presence_in_document(data: Path, actor: str) -> str:
    """As the actor's own document says it, whatever a journal knows."""
    with closing(sqlite3.connect(data / "store.db")) as db:
        [presence] = db.execute("SELECT presence FROM actors WHERE id = ?", (actor,)).fetchone()
        return str(presence)


def test_a_player_whose_class_is_gone_is_told_so_and_may_come_back_when_it_is_there(
    on_a_node: Any, tmp_path: Path
) -> None:
    async def test(on: Hosted) -> None:
        room = await on.runs("alpha", ALPHA)
        listener = await on.enters(room, "ada")
        room.visits.leave("ada", listener)
        await soon(lambda: presence_in_document(tmp_path, "trial/p:ada") == "away")
        with closing(sqlite3.connect(tmp_path / "store.db")) as db:
            db.execute("UPDATE actors SET body = replace(body, 'trial.rooms:Hero', 'trial.rooms:Gone')")
            db.commit()
        for _ in range(2):
            listener = await on.enters(room, "ada")
            assert listener.types() == ["bye"]
            assert "trial.rooms:Gone" in listener.last("bye")["reason"]
        with closing(sqlite3.connect(tmp_path / "store.db")) as db:
            db.execute("UPDATE actors SET body = replace(body, 'trial.rooms:Gone', 'trial.rooms:Hero')")
            db.commit()
        assert connected(await on.enters(room, "ada"))

    on_a_node(test)


def test_one_ticket_from_two_connections_at_once_lets_one_in(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        key = SigningKey.from_seed(bytes(32))
        on.node.told(Accepted(keys={key.id: key.public}, origins=[]))
        await on.runs("alpha", ALPHA)
        ticket = key.sign(
            Ticket(sub="ada", game="trial", room="alpha", aud=on.node.boot, exp=time.time() + 15, jti="1")
        )
        url = on.node.url + session_path("trial", "alpha")
        gate = on.store.hold("get_actor")
        async with connected_to(url) as first, connected_to(url) as second:
            await first.say({"type": "hello", "ticket": ticket})
            await soon(lambda: on.store.calls["get_actor"])
            await second.say({"type": "hello", "ticket": ticket})
            assert (await second.until("error"))["code"] == "bad-ticket"
            gate.set()
            await first.until("snapshot")
            await first.say({"type": "leave"})
            await first.rest()

    on_a_node(test)


def test_a_ticket_with_which_nobody_was_let_in_may_be_used_again(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        key = SigningKey.from_seed(bytes(32))
        on.node.told(Accepted(keys={key.id: key.public}, origins=[]))
        await on.runs("alpha", ALPHA)
        ticket = key.sign(
            Ticket(sub="ada", game="trial", room="alpha", aud=on.node.boot, exp=time.time() + 15, jti="1")
        )
        url = on.node.url + session_path("trial", "alpha")
        on.store.trouble = lambda name, args: StoreUnavailable("gone") if name == "get_actor" else None
        async with connected_to(url) as first:
            await first.say({"type": "hello", "ticket": ticket})
            await first.until("rejoin")
        on.store.trouble = lambda name, args: None
        async with connected_to(url) as second:
            await second.say({"type": "hello", "ticket": ticket})
            await second.until("snapshot")
            await second.say({"type": "leave"})
            await second.rest()

    on_a_node(test)


def test_a_node_that_starts_lets_arrive_who_was_leaving_a_room_that_was_killed(
    on_a_node: Any, tmp_path: Path
) -> None:
    async def pause(attempt: int) -> None:
        await asyncio.sleep(0.01)

    async def killed_while_leaving() -> None:
        store = open_store(f"sqlite://{tmp_path / 'store.db'}")
        claimed = await claim(
            store,
            room="trial/alpha",
            epoch=1,
            node="lost",
            url="",
            boot="lost",
            uid="uid alpha",
            map="map1.alpha",
            on_delete="Retain",
            pause=pause,
        )
        times = {"ceiling_ms": 0, "saved_at_ms": 0}
        await claimed.session.commit([Create("trial/npc", {})], **times)
        await claimed.session.commit([Travel("trial/npc", {}, "trial/beta")], **times)
        assert await where(store, "trial/npc") == "trial/alpha", "decided, and not applied"
        await store.close()

    asyncio.run(killed_while_leaving())

    async def test(on: Hosted) -> None:
        on.node.told(Accepted(keys={}, origins=[]))
        deadline = asyncio.get_running_loop().time() + 10
        while await where(on.store.inner, "trial/npc") != "trial/beta":
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.01)

    on_a_node(test)

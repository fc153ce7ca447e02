"""What every adapter must do: subclass, give a fixture ``url`` of an empty store, and all of it runs on
yours.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roomfleet.store import (
    ActorRecord,
    Create,
    Delete,
    Fenced,
    HeldBy,
    Live,
    MapChanged,
    Presence,
    Save,
    Session,
    SessionEnded,
    Store,
    StoreUnavailable,
    Transit,
    Travel,
    WrongInstallation,
    arrivals,
    check_epochs,
    installation,
    open_store,
    sweep,
    vacate,
    where,
)
from roomfleet.store.operations import Replaced
from roomfleet.store.records import Batch, Owner, RoomSave, RoomSpec, encode
from support import store_worker
from support.store_tools import ROOM, claim_room, op, pause, put

INN = "g/inn"
OWNER = Owner("n", "ws://n", "boot")
SPEC = RoomSpec("uid", "m", "Retain")


def run(url: str, test: Callable[[Store], Awaitable[None]]) -> None:
    """Run the test on an open store, and close it."""

    async def main() -> None:
        store = open_store(url)
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(main())


def saved(state: dict[str, Any] | None = None, at: int | None = 1, owner: Owner | None = None) -> RoomSave:
    return RoomSave(None if state is None else msgspec.Raw(encode(state)), 5, at, owner)


class OperationsConformance:
    """The operations, one by one (`roomfleet.store.operations`)."""

    def test_a_room_is_inserted_once(self, url: str) -> None:
        async def test(store: Store) -> None:
            assert await store.get_room(ROOM) is None
            await store.insert_room(ROOM)
            await store.take_room(ROOM, 3, OWNER, SPEC)
            await store.insert_room(ROOM)
            found = await store.get_room(ROOM)
            assert found is not None
            assert (found.epoch, found.seq, found.ops, found.saved_at) == (3, 0, (), None)
            assert (found.owner, found.spec) == (OWNER, SPEC)

        run(url, test)

    def test_a_room_is_taken_only_at_a_higher_epoch(self, url: str) -> None:
        async def test(store: Store) -> None:
            assert await store.take_room(ROOM, 1, OWNER, SPEC) is None
            await store.insert_room(ROOM)
            first = await store.take_room(ROOM, 2, OWNER, SPEC)
            assert first is not None
            assert first.epoch == 2
            for epoch in (1, 2):
                assert await store.take_room(ROOM, epoch, OWNER, SPEC) is None
            again = await store.take_room(ROOM, 9, Owner("other"), None)
            assert again is not None
            assert (again.epoch, again.owner, again.spec) == (9, Owner("other"), SPEC)

        run(url, test)

    def test_of_many_claims_at_one_epoch_one_succeeds(self, url: str) -> None:
        async def test(store: Store) -> None:
            other = open_store(url)
            await store.insert_room(ROOM)
            for epoch in range(1, 6):
                taken = await asyncio.gather(
                    *(s.take_room(ROOM, epoch, Owner(str(n)), SPEC) for n, s in enumerate([store, other] * 5))
                )
                assert len([doc for doc in taken if doc is not None]) == 1
            await other.close()

        run(url, test)

    def test_saved_data_keep_their_map(self, url: str) -> None:
        async def test(store: Store) -> None:
            await store.insert_room(ROOM)
            other = RoomSpec("uid2", "other", "Delete")
            await store.take_room(ROOM, 1, OWNER, SPEC)
            assert (await store.take_room(ROOM, 2, OWNER, other)) is not None, "nothing was saved yet"
            assert await store.commit_room(ROOM, 2, 0, Batch(1, (), saved({})))
            assert (await store.take_room(ROOM, 3, OWNER, SPEC)) is None
            assert (await store.take_room(ROOM, 3, OWNER, None)) is not None
            taken = await store.take_room(ROOM, 4, OWNER, msgspec.structs.replace(other, uid="uid3"))
            assert taken is not None
            assert taken.spec == RoomSpec("uid3", "other", "Delete")

        run(url, test)

    def test_a_commit_needs_its_epoch_and_seq(self, url: str) -> None:
        async def test(store: Store) -> None:
            await store.insert_room(ROOM)
            await store.take_room(ROOM, 4, OWNER, SPEC)
            ops = (op("g/a", 1, body={"on": True}, create=True), op("g/b", 2, transit=Transit(INN, ROOM)))
            for epoch, seq in ((3, 0), (5, 0), (4, 1)):
                assert not await store.commit_room(ROOM, epoch, seq, Batch(seq + 1, ops, saved({"x": 1})))
            assert not await store.commit_room("g/none", 4, 0, Batch(1, ops))
            assert await store.commit_room(ROOM, 4, 0, Batch(1, ops, saved({"x": 1})))
            assert not await store.commit_room(ROOM, 4, 0, Batch(1, (), saved({"x": 2})))
            found = await store.get_room(ROOM)
            assert found is not None
            assert (found.seq, found.ops, found.state) == (1, ops, {"x": 1})
            assert (found.ceiling, found.saved_at, found.owner) == (5, 1, OWNER)

        run(url, test)

    def test_a_commit_changes_only_what_it_names(self, url: str) -> None:
        async def test(store: Store) -> None:
            await store.insert_room(ROOM)
            await store.take_room(ROOM, 1, OWNER, SPEC)
            await store.commit_room(ROOM, 1, 0, Batch(1, (), saved({"x": 1})))
            await store.commit_room(ROOM, 1, 1, Batch(2, (op("g/a", 1),)))
            found = await store.get_room(ROOM)
            assert found is not None
            assert (found.state, found.ceiling, found.saved_at, found.owner) == ({"x": 1}, 5, 1, OWNER)
            await store.commit_room(ROOM, 1, 2, Batch(3, (), saved(None, None, Owner())))
            found = await store.get_room(ROOM)
            assert found is not None
            assert (found.state, found.saved_at, found.owner, found.ops) == ({"x": 1}, None, Owner(), ())

        run(url, test)

    def test_an_actor_is_replaced_only_by_a_higher_version(self, url: str) -> None:
        async def test(store: Store) -> None:
            await put(store, [op("g/a", 5, body={"n": 5})])
            for v in (4, 5):
                assert await store.replace_actors([op("g/a", v, body={"n": 0})], insert=False) == [
                    Replaced.DONE
                ]
                with_create = [op("g/a", v, body={"n": 0}, create=True)]
                assert (await store.replace_actors(with_create, insert=True))[0] in Replaced
            found = await store.get_actor("g/a")
            assert found is not None
            assert (found.v, found.body) == (5, {"n": 5})
            await store.replace_actors([op("g/a", 6, body={"n": 6}, create=True)], insert=True)
            assert (await store.get_actor("g/a")).body == {"n": 6}  # type: ignore[union-attr]

        run(url, test)

    def test_only_creations_insert(self, url: str) -> None:
        async def test(store: Store) -> None:
            assert await store.replace_actors([op("g/a", 2)], insert=True) == [Replaced.DONE]
            assert await store.replace_actors([op("g/a", 2, create=True)], insert=False) == [Replaced.DONE]
            assert await store.get_actor("g/a") is None
            assert await store.replace_actors([op("g/a", 2, create=True, token="t")], insert=True) == [
                Replaced.DONE
            ]
            assert await store.get_actor("g/a") == ActorRecord("g/a", 2, ROOM, {}, token="t")

        run(url, test)

    def test_each_op_is_done_whatever_becomes_of_the_others(self, url: str) -> None:
        async def test(store: Store) -> None:
            await put(store, [op("g/a", 9), op("g/c", 1)])
            ops = [op("g/a", 1, create=True), op("g/b", 1, create=True), op("g/missing", 4), op("g/c", 2)]
            assert len(await store.replace_actors(ops, insert=True)) == 4
            versions = [found and found.v for found in [await store.get_actor(one.id) for one in ops]]
            assert versions == [9, 1, None, 2]

        run(url, test)

    def test_of_racing_insertions_one_counts(self, url: str) -> None:
        async def test(store: Store) -> None:
            other = open_store(url)
            for n in range(20):
                await asyncio.gather(
                    *(
                        s.replace_actors([op(f"g/{n}", 1, room, create=True, token=room)], insert=True)
                        for s, room in ((store, ROOM), (other, INN), (store, INN), (other, ROOM))
                    )
                )
                found = await store.get_actor(f"g/{n}")
                assert found is not None
                assert found.token == found.room
            await other.close()

        run(url, test)

    def test_a_tombstone_stays_and_only_get_shows_it(self, url: str) -> None:
        async def test(store: Store) -> None:
            await put(store, [op("g/a", 1, transit=Transit(ROOM, INN))])
            await store.replace_actors([op("g/a", 2, "", presence=Presence.DELETED)], insert=True)
            found = await store.get_actor("g/a")
            assert found is not None
            assert (found.v, found.deleted, found.body, found.transit) == (2, True, {}, None)
            assert await store.actors_in(ROOM, away=True) == []
            assert await store.actors_arriving([ROOM]) == []

        run(url, test)

    def test_actors_are_found_by_room_and_by_transit(self, url: str) -> None:
        async def test(store: Store) -> None:
            there = op("g/a", 1)
            gone = op("g/b", 1, presence=Presence.AWAY)
            coming = op("g/c", 1, transit=Transit(ROOM, INN, {"door": "west", "open": True}))
            await put(
                store, [there, gone, coming, op("g/d", 1, INN), op("g/e", 1, INN, transit=Transit(INN, ROOM))]
            )
            assert {a.id for a in await store.actors_in(ROOM, away=False)} == {"g/a", "g/c"}
            assert {a.id for a in await store.actors_in(ROOM, away=True)} == {"g/a", "g/b", "g/c"}
            arriving = await store.actors_arriving([ROOM, "g/none"])
            assert [(a.id, a.transit) for a in arriving] == [("g/c", coming.transit)]
            assert {a.id for a in await store.actors_arriving([ROOM, INN])} == {"g/c", "g/e"}
            await store.replace_actors([op("g/c", 2)], insert=False)
            assert await store.actors_arriving([ROOM]) == []
            assert await store.actors_arriving([]) == []

        run(url, test)

    def test_epochs_of_many_rooms_come_in_one_answer(self, url: str) -> None:
        async def test(store: Store) -> None:
            rooms = [f"g/{n}" for n in range(1200)]
            await asyncio.gather(*(store.insert_room(room) for room in rooms[:600]))
            await asyncio.gather(
                *(store.take_room(room, n + 1, OWNER, SPEC) for n, room in enumerate(rooms[:600]))
            )
            assert await store.room_epochs(rooms) == {room: n + 1 for n, room in enumerate(rooms[:600])}

        run(url, test)

    def test_rooms_with_ops_are_listed_by_game(self, url: str) -> None:
        async def test(store: Store) -> None:
            for room in (ROOM, INN, "other/town"):
                await store.insert_room(room)
                await store.take_room(room, 1, OWNER, SPEC)
            for room in (ROOM, "other/town"):
                await store.commit_room(room, 1, 0, Batch(1, (op("g/a", 1),)))
            assert await store.rooms_with_ops("g") == [ROOM]
            await store.commit_room(ROOM, 1, 1, Batch(2, ()))
            assert await store.rooms_with_ops("g") == []

        run(url, test)

    def test_what_a_game_keeps_comes_back_as_it_was(self, url: str) -> None:
        body = {
            "true": True,
            "false": False,
            "none": None,
            "zero": 0,
            "one": 1,
            "float": 1.0,
            "small": 1e-12,
            "big": 2**53,
            "negative": -5,
            "text": "Grüße \N{SNOWMAN} \x00 '\"\\ \N{GRINNING FACE}",
            "": "empty key",
            "a.b": {"$set": [1, [True, {"x": [None]}], {}], "list": []},
        }

        async def test(store: Store) -> None:
            transit = Transit(INN, ROOM, body)
            await put(store, [op("g/a", 1, INN, body, transit=transit)])
            assert await store.actors_in(INN, away=False) == [
                ActorRecord("g/a", 1, INN, body, transit=transit)
            ]
            await store.insert_room(ROOM)
            await store.take_room(ROOM, 1, OWNER, SPEC)
            ops = (op("g/a", 2, INN, body, transit=transit, create=True),)
            await store.commit_room(ROOM, 1, 0, Batch(1, ops, saved(body)))
            found = await store.get_room(ROOM)
            assert found is not None
            assert [encode(one) for one in (found.ops, found.state)] == [encode(ops), encode(body)]

        run(url, test)

    def test_an_installation_has_one_id(self, url: str) -> None:
        async def test(store: Store) -> None:
            other = open_store(url)
            ids = await asyncio.gather(*(s.installation_id(str(n)) for n, s in enumerate([store, other] * 4)))
            assert len(set(ids)) == 1
            assert await installation(other) == ids[0]
            assert await installation(other, expected=ids[0]) == ids[0]
            with pytest.raises(WrongInstallation, match=ids[0]):
                await installation(store, expected="mine")
            await other.close()

        run(url, test)

    def test_a_closed_store_says_so(self, url: str) -> None:
        async def test(store: Store) -> None:
            write = asyncio.create_task(store.insert_room(ROOM))
            await asyncio.sleep(0)
            await store.close()
            await write
            with pytest.raises(StoreUnavailable, match="closed"):
                await store.get_room(ROOM)

        run(url, test)


class ProtocolConformance:
    """The save protocol on the store, in one process."""

    def test_a_room_goes_on_where_it_was_saved(self, url: str) -> None:
        async def test(store: Store) -> None:
            claimed = await claim_room(store, ROOM, 1)
            assert (claimed.first, claimed.state, claimed.actors, claimed.ceiling_ms) == (True, {}, (), 0)
            await claimed.session.commit(
                [Create("g/a", {"n": 1})], state={"x": 1}, ceiling_ms=9, saved_at_ms=100
            )
            await claimed.session.commit([Save("g/a", {"n": 2})], ceiling_ms=19, saved_at_ms=101)
            again = await claim_room(store, ROOM, 2)
            assert (again.first, again.state, again.ceiling_ms) == (False, {"x": 1}, 19)
            assert [(a.id, a.v, a.body) for a in again.actors] == [("g/a", 2, {"n": 2})]

        run(url, test)

    def test_a_fenced_session_saves_nothing(self, url: str) -> None:
        async def test(store: Store) -> None:
            old = (await claim_room(store, ROOM, 1)).session
            await old.commit([Create("g/a", {"n": 1})], ceiling_ms=0, saved_at_ms=0)
            await claim_room(store, ROOM, 7)
            with pytest.raises(Fenced) as fenced:
                await old.commit([Save("g/a", {"n": 2})], state={"old": 1}, ceiling_ms=0, saved_at_ms=0)
            assert (fenced.value.found_epoch, old.fenced) == (7, True)
            with pytest.raises(Fenced):
                await old.spawn("g/p", {})
            with pytest.raises(Fenced) as refused:
                await claim_room(store, ROOM, 7)
            assert refused.value.found_epoch == 7
            found = await claim_room(store, ROOM, 8)
            assert (found.state, [a.body for a in found.actors]) == ({}, [{"n": 1}])

        run(url, test)

    def test_lost_rooms_are_found_by_their_epochs(self, url: str) -> None:
        async def test(store: Store) -> None:
            sessions = [(await claim_room(store, f"g/{n}", 1)).session for n in range(5)]
            await claim_room(store, "g/3", 4)
            assert await check_epochs(store, sessions) == [sessions[3]]
            assert (sessions[3].fenced, sessions[3].found_epoch) == (True, 4)
            assert await check_epochs(store, sessions) == []

        run(url, test)

    def test_another_map_is_refused_and_harms_nobody(self, url: str) -> None:
        async def test(store: Store) -> None:
            session = (await claim_room(store, ROOM, 1)).session
            await session.commit(ceiling_ms=0, saved_at_ms=0)
            with pytest.raises(MapChanged, match="'m'"):
                await claim_room(store, ROOM, 2, map="m2")
            await session.commit(ceiling_ms=0, saved_at_ms=0)

        run(url, test)

    def test_an_actor_travels_and_comes_back(self, url: str) -> None:
        async def test(store: Store) -> None:
            town, inn = [(await claim_room(store, room, 1)).session for room in (ROOM, INN)]
            both = {ROOM: town, INN: inn}
            assert isinstance(await town.spawn("g/p", {"n": 1}), Live)
            for here, there in ((town, inn), (inn, town), (town, inn)):
                travel = Travel("g/p", {"n": 2}, there.room, {"door": "d"})
                done = await here.commit([travel], ceiling_ms=0, saved_at_ms=0)
                assert [(a.room, a.body) for a in done.departed] == [(there.room, {"n": 2})]
                assert await arrivals(store, both) == []
                await here.applied()
                assert await where(store, "g/p") == there.room
                assert await here.spawn("g/p", {}) == HeldBy(there.room, in_transit=True)
                [(room, actor)] = await arrivals(store, both)
                assert (room, actor.transit) == (there.room, Transit(there.room, here.room, {"door": "d"}))
                assert await arrivals(store, both) == []
                assert await there.spawn("g/p", {}) == HeldBy(there.room, in_transit=False)
                await there.commit([Save("g/p", {"n": 3})], ceiling_ms=0, saved_at_ms=0)
            await inn.commit([Delete("g/p")], ceiling_ms=0, saved_at_ms=0)
            await inn.applied()
            assert await where(store, "g/p") is None

        run(url, test)

    def test_an_arrival_waits_for_its_room(self, url: str) -> None:
        async def test(store: Store) -> None:
            town = (await claim_room(store, ROOM, 1)).session
            changes = [Create("g/a", {}), Create("g/b", {})]
            await town.commit(changes, ceiling_ms=0, saved_at_ms=0)
            changes2 = [Travel(a, {"with": "both"}, INN) for a in ("g/a", "g/b")]
            await town.commit(changes2, ceiling_ms=0, saved_at_ms=0)
            # Its node dies here: decided, not applied.
            inn = await claim_room(store, INN, 1)
            assert inn.actors == ()
            assert await sweep(store, ROOM, pause) == 2
            assert await sweep(store, "g/none", pause) == 0
            assert [a.id for _, a in await arrivals(store, {INN: inn.session})] == ["g/a", "g/b"]
            again = await claim_room(store, INN, 2)
            assert {a.id for a in again.actors} == {"g/a", "g/b"}

        run(url, test)

    def test_a_player_who_left_stays_in_the_room_but_not_live(self, url: str) -> None:
        async def test(store: Store) -> None:
            town = (await claim_room(store, ROOM, 1)).session
            await town.spawn("g/p", {"n": 1})
            await town.commit([Save("g/p", {"n": 2}, away=True)], ceiling_ms=0, saved_at_ms=0)
            assert "g/p" not in town.live
            again = await claim_room(store, ROOM, 2)
            assert again.actors == ()
            spawned = await again.session.spawn("g/p", {"n": 0})
            assert isinstance(spawned, Live)
            assert (spawned.record.body, spawned.record.away) == ({"n": 2}, True)
            await again.session.commit([Save("g/p", {"n": 3})], ceiling_ms=0, saved_at_ms=0)
            assert [a.body for a in (await claim_room(store, ROOM, 3)).actors] == [{"n": 3}]

        run(url, test)

    def test_a_deleted_player_is_born_again(self, url: str) -> None:
        async def test(store: Store) -> None:
            town, inn = [(await claim_room(store, room, 1)).session for room in (ROOM, INN)]
            await town.spawn("g/p", {"life": 1})
            await town.commit([Delete("g/p")], ceiling_ms=0, saved_at_ms=0)
            await town.applied()
            spawned = await inn.spawn("g/p", {"life": 2})
            assert isinstance(spawned, Live)
            assert (spawned.record.v, spawned.record.body) == (3, {"life": 2})
            assert await town.spawn("g/p", {}) == HeldBy(INN, in_transit=False)

        run(url, test)

    def test_a_clean_stop_leaves_an_empty_journal_and_the_exact_time(self, url: str) -> None:
        async def test(store: Store) -> None:
            town = (await claim_room(store, ROOM, 1)).session
            await town.commit([Create("g/a", {})], ceiling_ms=10_500, saved_at_ms=1)
            await town.release([Save("g/a", {"n": 1})], state={"x": 2}, ceiling_ms=600, saved_at_ms=2)
            assert await store.rooms_with_ops("g") == []
            found = await store.get_room(ROOM)
            assert found is not None
            assert (found.owner, found.saved_at, found.state) == (Owner(), 2, {"x": 2})
            with pytest.raises(SessionEnded):
                await town.commit(ceiling_ms=0, saved_at_ms=0)
            again = await claim_room(store, ROOM, 2)
            assert (again.ceiling_ms, [a.body for a in again.actors]) == (600, [{"n": 1}])

        run(url, test)

    def test_actors_on_their_way_to_a_room_nobody_runs_are_sent_back(self, url: str) -> None:
        async def test(store: Store) -> None:
            town = (await claim_room(store, ROOM, 1)).session
            inn = (await claim_room(store, INN, 1)).session
            await inn.commit([Create("g/innkeeper", {})], state={"x": 1}, ceiling_ms=4, saved_at_ms=3)
            await town.spawn("g/p", {"n": 1})
            await town.commit([Travel("g/p", {"n": 2}, INN)], ceiling_ms=0, saved_at_ms=0)
            await town.applied()

            def back(actor: ActorRecord) -> Travel | None:
                return None if actor.transit is None else Travel(actor.id, actor.body, actor.transit.origin)

            sent = await vacate(store, room=INN, epoch=2, node="n2", decide=back, forget=False, pause=pause)
            assert sent == 1
            [(room, actor)] = await arrivals(store, {ROOM: town})
            assert (room, actor.body) == (ROOM, {"n": 2})
            with pytest.raises(Fenced):
                await inn.commit(ceiling_ms=0, saved_at_ms=0)
            again = await claim_room(store, INN, 3)
            assert (again.first, again.state, again.ceiling_ms) == (False, {"x": 1}, 4)
            assert [a.id for a in again.actors] == ["g/innkeeper"]

        run(url, test)

    def test_a_forgotten_room_begins_anew(self, url: str) -> None:
        async def test(store: Store) -> None:
            inn = (await claim_room(store, INN, 1)).session
            await inn.spawn("g/p", {"n": 1})
            changes = [Create("g/npc", {}), Save("g/p", {"n": 2}, away=True)]
            await inn.commit(changes, state={"x": 1}, ceiling_ms=4, saved_at_ms=3)

            def leave(actor: ActorRecord) -> Travel | Delete:
                return Travel(actor.id, actor.body, ROOM) if actor.id == "g/p" else Delete(actor.id)

            assert (
                await vacate(store, room=INN, epoch=2, node="n2", decide=leave, forget=True, pause=pause) == 2
            )
            again = await claim_room(store, INN, 3, map="another")
            assert (again.first, again.state, again.actors, again.ceiling_ms) == (True, {}, (), 0)
            assert [a.id for a in (await claim_room(store, ROOM, 1)).actors] == ["g/p"]

        run(url, test)

    def test_many_rooms_save_at_once(self, url: str) -> None:
        async def test(store: Store) -> None:
            async def live(room: str) -> Session:
                session = (await claim_room(store, room, 1)).session
                for n in range(5):
                    change = Save("g/" + room, {"n": n}) if n else Create("g/" + room, {"n": n})
                    await session.commit([change], state={"n": n}, ceiling_ms=0, saved_at_ms=0)
                return session

            rooms = [f"g/{n}" for n in range(40)]
            await asyncio.gather(*map(live, rooms))
            claimed = await asyncio.gather(*(claim_room(store, room, 2) for room in rooms))
            assert [(c.state, [a.body for a in c.actors]) for c in claimed] == [({"n": 4}, [{"n": 4}])] * 40

        run(url, test)


class Workers:
    """Processes of the test, killed at its end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.all: list[subprocess.Popen[str]] = []

    def start(self, job: str, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(store_worker.__file__)), job, self._url, *words]
        self.all.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return self.all[-1]

    def go(self) -> None:
        """Let all begin together, when each has said that it is ready."""
        for worker in self.all:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in self.all:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()

    def lines(self, worker: subprocess.Popen[str]) -> list[str]:
        """All that it says until its end, which must be a good one."""
        said, _ = worker.communicate()
        assert worker.returncode == 0
        return said.split()

    def end(self) -> None:
        for worker in self.all:
            worker.kill()
            worker.communicate()


class ProcessesConformance:
    """The promises, with several processes on one store, and processes that are killed."""

    @pytest.fixture
    def workers(self, url: str) -> Iterator[Workers]:
        workers = Workers(url)
        yield workers
        workers.end()

    def test_whatever_is_acknowledged_to_processes_that_fight_for_a_room_is_saved(
        self, url: str, workers: Workers
    ) -> None:
        async def begin(store: Store) -> None:
            await put(store, [op("g/a", 1, body={"life": []})])

        async def end(store: Store) -> None:
            claimed = await claim_room(store, ROOM, 1_000_000)
            log = claimed.state["log"]
            assert set(acknowledged) <= set(log)
            assert len(set(log)) == len(log)
            epochs = [int(label.split(":")[0]) for label in log]
            assert epochs == sorted(epochs), "no save of an older epoch came after one of a newer"
            assert [actor.body for actor in claimed.actors] == [{"life": log}]

        run(url, begin)
        fighters = [workers.start("fight", name, "60") for name in ("one", "two", "three")]
        workers.go()
        acknowledged = [label for fighter in fighters for label in workers.lines(fighter)]
        assert len(acknowledged) >= 180
        run(url, end)

    def test_each_player_is_spawned_by_one_of_several_processes(self, url: str, workers: Workers) -> None:
        spawners = {name: workers.start("spawn", name, "30") for name in ("one", "two", "three")}
        workers.go()
        live = {name: workers.lines(spawner) for name, spawner in spawners.items()}
        assert sorted(actor for actors in live.values() for actor in actors) == sorted(
            f"g/p:{n}" for n in range(30)
        )

        async def test(store: Store) -> None:
            for name, actors in live.items():
                for actor in actors:
                    assert await where(store, actor) == f"g/{name}"

        run(url, test)

    def test_what_was_acknowledged_before_kill_9_is_saved(self, url: str, workers: Workers) -> None:
        async def begin(store: Store) -> None:
            await put(store, [op(actor, 1, body={"count": 0}) for actor in ("g/a", "g/b", "g/c")])

        run(url, begin)
        for epoch in range(1, 9, 2):
            worker = workers.start("save", "saver", str(epoch))
            assert worker.stdout is not None
            for _ in range(10):
                last = worker.stdout.readline()
            worker.kill()
            last = [last, *worker.stdout.readlines()][-1]

            async def test(store: Store, acknowledged: int = int(last), epoch: int = epoch) -> None:
                claimed = await claim_room(store, ROOM, epoch + 1)
                total = claimed.state["total"]
                assert total >= acknowledged
                assert [actor.body["count"] for actor in claimed.actors] == [total] * 3

            run(url, test)

    def test_what_was_decided_and_not_applied_is_replayed_by_the_next_owner(
        self, url: str, workers: Workers
    ) -> None:
        worker = workers.start("die_decided", "dying")
        assert worker.communicate()[0] == "decided\n"
        assert worker.returncode == -9

        async def test(store: Store) -> None:
            assert await store.get_actor("g/a") is None
            claimed = await claim_room(store, ROOM, 2)
            assert [(a.id, a.body) for a in claimed.actors] == [("g/a", {"n": 1}), ("g/b", {"n": 2})]
            assert (claimed.state, claimed.ceiling_ms, claimed.first) == ({"by": "dying"}, 7, False)

        run(url, test)


class StoreConformance(OperationsConformance, ProtocolConformance, ProcessesConformance):
    """All of it."""

"""The conformance suite, part two: the save protocol on the store, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from roomfleet.store import (
    ActorRecord,
    Change,
    Create,
    Delete,
    Fenced,
    HeldBy,
    Live,
    MapChanged,
    Save,
    Session,
    SessionEnded,
    Store,
    Transit,
    Travel,
    arrivals,
    check_epochs,
    sweep,
    vacate,
    where,
)
from roomfleet.store.records import Owner
from support.store_tools import ROOM, claim_room, pause, run

INN = "g/inn"


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
            await town.commit([Save("g/a", {"n": 1})], ceiling_ms=11_000, saved_at_ms=2)
            await town.release(state={"x": 2}, ceiling_ms=600, saved_at_ms=2)
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

            def back(actors: Sequence[ActorRecord], _: int) -> Iterator[list[Change]]:
                for actor in actors:
                    if actor.transit is not None:
                        yield [Travel(actor.id, actor.body, actor.transit.origin)]

            sent = await vacate(store, room=INN, epoch=2, node="n2", leave=back, forget=False, pause=pause)
            assert [(actor.id, actor.room) for actor in sent] == [("g/p", ROOM)]
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
            changes: list[Change] = [Create("g/npc", {}), Save("g/p", {"n": 2}, away=True)]
            await inn.commit(changes, state={"x": 1}, ceiling_ms=4, saved_at_ms=3)

            def leave(actors: Sequence[ActorRecord], _: int) -> Iterator[list[Change]]:
                for actor in actors:
                    yield [Travel(actor.id, actor.body, ROOM) if actor.id == "g/p" else Delete(actor.id)]

            sent = await vacate(store, room=INN, epoch=2, node="n2", leave=leave, forget=True, pause=pause)
            assert [actor.id for actor in sent] == ["g/p"]
            again = await claim_room(store, INN, 3, map="another")
            assert (again.first, again.state, again.actors, again.ceiling_ms) == (True, {}, (), 0)
            assert [a.id for a in (await claim_room(store, ROOM, 1)).actors] == ["g/p"]

        run(url, test)

    def test_many_rooms_save_at_once(self, url: str) -> None:
        async def test(store: Store) -> None:
            async def live(room: str) -> Session:
                session = (await claim_room(store, room, 1)).session
                for n in range(5):
                    change: Change = Save("g/" + room, {"n": n}) if n else Create("g/" + room, {"n": n})
                    await session.commit([change], state={"n": n}, ceiling_ms=0, saved_at_ms=0)
                return session

            rooms = [f"g/{n}" for n in range(40)]
            await asyncio.gather(*map(live, rooms))
            claimed = await asyncio.gather(*(claim_room(store, room, 2) for room in rooms))
            assert [(c.state, [a.body for a in c.actors]) for c in claimed] == [({"n": 4}, [{"n": 4}])] * 40

        run(url, test)

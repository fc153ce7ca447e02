"""The conformance suite, part one: the operations of a store, one by one."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from roomfleet.store import (
    ActorRecord,
    Presence,
    Store,
    StoreUnavailable,
    Transit,
    WrongInstallation,
    installation,
    open_store,
)
from roomfleet.store.operations import Replaced
from roomfleet.store.records import Batch, Owner, RoomSave, RoomSpec, encode
from support.store_tools import ROOM, op, put, run

INN = "g/inn"
OWNER = Owner("n", "ws://n", "boot")
SPEC = RoomSpec("uid", "m", "Retain")


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
            assert await store.actors_arriving({ROOM}) == []

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
            arriving = await store.actors_arriving({ROOM, "g/none"})
            assert [(a.id, a.transit) for a in arriving] == [("g/c", coming.transit)]
            assert await store.rooms_awaited("g") == sorted([ROOM, INN])
            assert await store.rooms_awaited("other") == []
            assert {a.id for a in await store.actors_arriving({ROOM, INN})} == {"g/c", "g/e"}
            crowd = {f"g/{n}" for n in range(1200)}
            assert [a.id for a in await store.actors_arriving(crowd | {INN})] == ["g/e"]
            assert await store.actors_arriving(crowd) == []
            await store.replace_actors([op("g/c", 2)], insert=False)
            assert await store.actors_arriving({ROOM}) == []
            assert await store.actors_arriving(set()) == []
            assert await store.rooms_awaited("g") == [INN]

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

    def test_rooms_to_delete_are_those_with_data_marked_so(self, url: str) -> None:
        async def test(store: Store) -> None:
            going = RoomSpec("uid", "m", "Delete")
            specs = {"g/new": going, "g/kept": SPEC, "other/inn": going, "g/none": None, INN: going}
            for room, spec in specs.items():
                await store.insert_room(room)
                await store.take_room(room, 1, OWNER, spec)
                if room != "g/new":
                    assert await store.commit_room(room, 1, 0, Batch(1, (), saved({})))
            assert sorted(await store.rooms_to_delete("g")) == [(INN, "uid", 1)]
            assert sorted(await store.rooms_to_delete("other")) == [("other/inn", "uid", 1)]
            await store.take_room("g/kept", 2, OWNER, RoomSpec("uid2", "m", "Delete"))
            await store.take_room(INN, 2, Owner(), None)
            assert sorted(await store.rooms_to_delete("g")) == [(INN, "uid", 2), ("g/kept", "uid2", 2)]
            assert await store.commit_room(INN, 2, 1, Batch(2, (), saved({}, None)))
            assert await store.rooms_to_delete("g") == [("g/kept", "uid2", 2)]

        run(url, test)

    def test_what_becomes_of_data_may_change_for_the_object_that_they_belong_to(self, url: str) -> None:
        async def test(store: Store) -> None:
            assert not await store.mark_room(ROOM, "uid", "Delete")
            await store.insert_room(ROOM)
            await store.take_room(ROOM, 1, OWNER, SPEC)
            await store.commit_room(ROOM, 1, 0, Batch(1, (op("g/a", 1),), saved({"x": 1})))
            before = await store.get_room(ROOM)
            assert before is not None
            assert not await store.mark_room(ROOM, "another", "Delete")
            assert await store.get_room(ROOM) == before
            assert await store.mark_room(ROOM, "uid", "Delete")
            after = msgspec.structs.replace(before, spec=RoomSpec("uid", "m", "Delete"))
            assert await store.get_room(ROOM) == after
            assert await store.rooms_to_delete("g") == [(ROOM, "uid", 1)]
            assert await store.mark_room(ROOM, "uid", "Retain")
            assert await store.mark_room(ROOM, "uid", "Retain")
            assert await store.get_room(ROOM) == before

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

    def test_a_store_is_taken_over_from_the_installation_that_is_named_and_from_no_other(
        self, url: str
    ) -> None:
        async def test(store: Store) -> None:
            assert await installation(store, expected="old", adopts="any") == "old"
            for adopts in ("", "other"):
                with pytest.raises(WrongInstallation, match="ROOMFLEET_ADOPT_INSTALLATION=old"):
                    await installation(store, expected="new", adopts=adopts)
            assert await installation(store, expected="new", adopts="old") == "new"
            assert await installation(store, expected="new", adopts="old") == "new"
            with pytest.raises(WrongInstallation):
                await installation(store, expected="old")

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

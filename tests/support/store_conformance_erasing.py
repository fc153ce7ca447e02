"""The conformance suite: erasing a room whose object is gone, broken off at every write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from roomfleet.store import (
    ActorRecord,
    Change,
    Create,
    Fenced,
    Live,
    Save,
    Store,
    StoreUnavailable,
    Travel,
    arrivals,
    claim,
    erase,
    open_store,
    sweep,
)
from roomfleet.store.protocol import Erased
from support.store_tools import ROOM, claim_room, pause, run

INN = "g/inn"
BIG = 600 * 1024
WRITES = ("insert_room", "take_room", "commit_room", "replace_actors")


class BrokenOff(Exception):
    """The process was killed here."""


class Dying:
    """A store whose user is killed at its nth write: before it, or with it done and nothing after."""

    def __init__(self, store: Store, writes: int, done: bool) -> None:
        self._store = store
        self._left = writes
        self._done = done

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._store, name)
        if name not in WRITES:
            return operation

        async def write(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._done:
                raise BrokenOff
            result = await operation(*arguments, **named)
            if self._left == 0:
                raise BrokenOff
            return result

        return write


def leave(actors: Sequence[ActorRecord], time_ms: int) -> Iterable[Sequence[Change]]:
    """Players go to the inn, with the pet that is docked to them."""
    for actor in actors:
        if actor.id.startswith("g/p:"):
            pets = [one for one in actors if one.body.get("parent") == actor.id]
            yield [
                Travel(actor.id, {**actor.body, "time": time_ms}, INN, asleep=True),
                *(Travel(pet.id, pet.body, INN) for pet in pets),
            ]


async def erased(store: Any, uid: str = "u", epoch: int = 3) -> Erased | None:
    return await erase(store, room=ROOM, uid=uid, epoch=epoch, node="n9", leave=leave, pause=pause)


async def furnish(store: Store, *, on_delete: str = "Delete") -> None:
    """Two players who are away or were cut off, one on the way here, a pet, NPCs; a crash with ops left."""
    town = (
        await claim(
            store,
            room=ROOM,
            epoch=3,
            node="n",
            url="ws://n",
            boot="b",
            uid="u",
            map="m",
            on_delete=on_delete,
            pause=pause,
        )
    ).session
    inn = (await claim_room(store, INN, 1)).session
    for session, player in ((town, "g/p:ada"), (town, "g/p:bob"), (inn, "g/p:carl")):
        assert isinstance(await session.spawn(player, {"bag": player}), Live)
    await inn.commit([Travel("g/p:carl", {"bag": "g/p:carl"}, ROOM)], state={}, ceiling_ms=0, saved_at_ms=1)
    await inn.applied()
    await inn.release(ceiling_ms=0, saved_at_ms=1)
    await town.commit([Create("g/big", {"x": "x" * BIG})], state={"x": 1}, ceiling_ms=7, saved_at_ms=1)
    away = Save("g/p:ada", {"bag": "g/p:ada", "x": "y" * BIG}, away=True)
    await town.commit([away], ceiling_ms=7, saved_at_ms=2)
    changes = [Save("g/p:bob", {"bag": "g/p:bob", "x": "y" * BIG}), Create("g/pet", {"parent": "g/p:bob"})]
    await town.commit(changes, ceiling_ms=7, saved_at_ms=2)


async def check(store: Store) -> None:
    """The room is empty, its epoch stays; the players are at the inn, once, with what they had."""
    found = await store.get_room(ROOM)
    assert found is not None
    assert (found.state, found.saved_at) == ({}, None)
    assert found.epoch > 3
    assert await store.actors_in(ROOM, away=True) == []
    big = await store.get_actor("g/big")
    assert big is not None
    assert big.deleted
    inn = await claim_room(store, INN, 100)
    assert [(actor.id, actor.room) for actor in inn.actors] == [("g/pet", INN)]
    for player in ("g/p:ada", "g/p:bob", "g/p:carl"):
        spawned = await inn.session.spawn(player, {})
        assert isinstance(spawned, Live)
        assert (spawned.record.body["bag"], spawned.record.body["time"]) == (player, 7)
    assert await store.rooms_to_delete("g") == []


class ErasingConformance:
    """Erasing a room (`roomfleet.store.protocol.erase`)."""

    def test_an_erased_room_is_empty_and_its_players_are_elsewhere(self, url: str) -> None:
        async def test(store: Store) -> None:
            await furnish(store)
            assert await store.rooms_to_delete("g") == [(ROOM, "u", 3)]
            assert await erased(store) == Erased(4, 1)
            await check(store)
            assert await erased(store) is None
            again = await claim_room(store, ROOM, 100, map="another")
            assert (again.first, again.state, again.actors) == (True, {}, ())

        run(url, test)

    @pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
    @pytest.mark.parametrize("writes", range(1, 10))
    def test_erasing_that_was_broken_off_is_completed(self, url: str, writes: int, done: bool) -> None:
        async def test(store: Store) -> None:
            await furnish(store)
            with pytest.raises(BrokenOff):
                await erased(Dying(store, writes, done))
            # A claim in between finds the room whole but for its guests, or empty.
            room = await store.get_room(ROOM)
            assert room is not None
            big = await store.get_actor("g/big")
            assert big is not None
            if room.saved_at is not None:
                assert (room.state, big.deleted) == ({"x": 1}, False)
                assert await store.rooms_to_delete("g") == [(ROOM, "u", room.epoch)]
                assert await erased(store) is not None
            else:
                assert room.state == {}
                assert await erased(store) is None
            # As a node's start does.
            await sweep(store, ROOM, pause)
            await check(store)

        run(url, test)

    def test_data_of_another_uid_or_to_be_kept_are_left_alone(self, url: str) -> None:
        async def test(store: Store) -> None:
            await furnish(store)
            before = await store.get_room(ROOM)
            assert await erased(store, "another") is None
            assert await store.get_room(ROOM) == before
            await store.mark_room(ROOM, "u", "Retain")
            assert await erased(store) is None
            assert (await store.get_room(ROOM)).epoch == 3  # type: ignore[union-attr]
            assert (
                await erase(store, room="g/none", uid="u", epoch=9, node="n", leave=leave, pause=pause)
                is None
            )

        run(url, test)

    def test_what_was_saved_above_the_ordered_epoch_stays(self, url: str) -> None:
        async def test(store: Store) -> None:
            await furnish(store)
            again = (await claim_room(store, ROOM, 4)).session
            await store.mark_room(ROOM, "u", "Delete")
            await again.commit([Create("g/new", {})], state={"x": 2}, ceiling_ms=8, saved_at_ms=3)
            before = await store.get_room(ROOM)
            with pytest.raises(Fenced) as error:
                await erased(store, epoch=3)
            assert error.value.found_epoch == 4
            assert await store.get_room(ROOM) == before
            await again.commit([Save("g/new", {"kept": 1})], ceiling_ms=9, saved_at_ms=4)
            await again.release(ceiling_ms=9, saved_at_ms=4)
            with pytest.raises(Fenced):
                await erased(store, epoch=3)
            assert await erased(store, epoch=4) is not None
            assert await store.rooms_to_delete("g") == []

        run(url, test)

    def test_a_run_after_erasing_was_broken_off_keeps_what_it_saves(self, url: str) -> None:
        async def test(store: Store) -> None:
            await furnish(store)
            with pytest.raises(BrokenOff):
                await erased(Dying(store, 1, True))
            again = (await claim_room(store, ROOM, 5)).session
            await store.mark_room(ROOM, "u", "Delete")
            await again.commit([], state={"x": 2}, ceiling_ms=8, saved_at_ms=3)
            await again.release(ceiling_ms=8, saved_at_ms=3)
            with pytest.raises(Fenced):
                await erased(store, epoch=4)
            assert (await store.get_room(ROOM)).state == {"x": 2}  # type: ignore[union-attr]

        run(url, test)

    def test_who_claims_the_room_meanwhile_has_it(self, url: str) -> None:
        async def test(store: Store) -> None:
            await furnish(store)
            other = open_store(url)

            claims: list[Any] = []

            def leave_late(actors: Sequence[ActorRecord], time_ms: int) -> Iterable[Sequence[Change]]:
                claims.append(actors)
                return leave(actors, time_ms)

            class Overtaken(Dying):
                def __getattr__(self, name: str) -> Any:
                    operation = getattr(self._store, name)
                    if name != "commit_room":
                        return operation

                    async def write(*arguments: Any) -> Any:
                        if not claims[1:]:
                            claims.append(await claim_room(other, ROOM, 9, uid="new"))
                        return await operation(*arguments)

                    return write

            with pytest.raises(Fenced):
                await erase(
                    Overtaken(store, 0, False),  # type: ignore[arg-type]
                    room=ROOM,
                    uid="u",
                    epoch=3,
                    node="n9",
                    leave=leave_late,
                    pause=pause,
                )
            claimed = claims[1]
            assert (claimed.state, claimed.first) == ({"x": 1}, False)
            here = {actor.id for actor in claimed.actors} | {
                actor.id for _, actor in await arrivals(store, {ROOM: claimed.session})
            }
            assert here == {"g/big", "g/p:bob", "g/p:carl", "g/pet"}
            await other.close()

        run(url, test)

    def test_a_store_in_trouble_leaves_it_for_later(self, url: str) -> None:
        async def test(store: Store) -> None:
            await furnish(store)

            class Down(Dying):
                def __getattr__(self, name: str) -> Any:
                    if name in WRITES:
                        raise StoreUnavailable("down")
                    return getattr(self._store, name)

            with pytest.raises(StoreUnavailable):
                await erased(Down(store, 0, False))
            assert await erased(store) == Erased(4, 1)
            await check(store)

        run(url, test)

"""Orders wait until the store has said whose it is; another installation's is left alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import cast

from roomfleet.node.linking.ownership import Ownership
from roomfleet.store import Store, StoreUnavailable
from roomfleet.wire.link import Accepted, Desired, Drain, FindMarked, ToNode


class Database:
    """All that is asked of a store here."""

    place = "a test's database"

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.there = asyncio.Event()
        self.there.set()
        self.down = 0
        self.asked = 0

    async def installation_id(self, new: str) -> str:
        self.asked += 1
        await self.there.wait()
        if self.down:
            self.down -= 1
            raise StoreUnavailable("down")
        self.owner = self.owner or new
        return self.owner

    async def adopt_installation(self, old: str, new: str) -> None:
        if self.owner == old:
            self.owner = new


class Bench:
    """What was followed, and why nothing was."""

    def __init__(self, owner: str) -> None:
        self.database = Database(owner)
        self.followed: list[ToNode] = []
        self.refused: list[str] = []
        self.ownership = Ownership(
            cast(Store, self.database), random.Random(1), self.followed.append, self.refused.append
        )

    async def until(self, look: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not look():  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.001)


def accepted(installation: str, adopts: str = "") -> Accepted:
    return Accepted(keys={}, origins=[], installation=installation, adopts=adopts)


DESIRED, MARKED = Desired(rooms=[]), FindMarked()


def run(owner: str, play: Callable[[Bench], Awaitable[None]]) -> None:
    async def whole() -> None:
        await play(Bench(owner))

    asyncio.run(whole())


def test_orders_are_followed_in_turn_once_the_database_is_known_to_be_ours() -> None:
    async def play(bench: Bench) -> None:
        bench.database.there.clear()
        for message in (accepted("ours"), DESIRED, MARKED):
            bench.ownership.told(message)
        await bench.until(lambda: bench.database.asked)
        assert bench.followed == []
        bench.database.there.set()
        await bench.until(lambda: bench.followed)
        assert bench.followed == [accepted("ours"), DESIRED, MARKED]
        bench.ownership.told(accepted("ours"))
        bench.ownership.told(DESIRED)
        assert len(bench.followed) == 5
        assert bench.database.asked == 1

    for owner in ("", "ours"):
        run(owner, play)


def test_nothing_is_followed_with_another_installation_s_database_but_to_drain() -> None:
    async def play(bench: Bench) -> None:
        for message in (accepted("ours"), DESIRED):
            bench.ownership.told(message)
        await bench.until(lambda: bench.refused)
        bench.ownership.told(DESIRED)
        bench.ownership.told(Drain())
        assert bench.followed == [Drain()]
        (why,) = bench.refused
        assert "a test's database belongs to installation theirs, this is installation ours" in why
        assert bench.database.owner == "theirs"

    run("theirs", play)


def test_a_database_is_adopted_from_the_installation_that_the_master_names() -> None:
    async def play(bench: Bench) -> None:
        for message in (accepted("ours", adopts="theirs"), DESIRED):
            bench.ownership.told(message)
        await bench.until(lambda: bench.followed)
        assert bench.database.owner == "ours"

    run("theirs", play)


def test_a_store_that_is_away_is_asked_again_and_orders_of_a_lost_link_are_forgotten() -> None:
    async def play(bench: Bench) -> None:
        bench.database.down = 3
        for message in (accepted("ours"), MARKED):
            bench.ownership.told(message)
        bench.ownership.link_down()
        bench.ownership.told(DESIRED)
        await bench.until(lambda: bench.followed)
        assert bench.followed == [DESIRED]

    run("", play)


def test_another_master_makes_the_node_ask_anew() -> None:
    async def play(bench: Bench) -> None:
        bench.ownership.told(accepted("ours"))
        await bench.until(lambda: bench.followed)
        bench.ownership.told(accepted("theirs"))
        bench.ownership.told(DESIRED)
        await bench.until(lambda: bench.refused)
        assert bench.followed == [accepted("ours")]

    run("", play)


def test_a_master_that_says_no_installation_is_followed_at_once() -> None:
    async def play(bench: Bench) -> None:
        bench.ownership.told(accepted(""))
        bench.ownership.told(DESIRED)
        assert len(bench.followed) == 2

    run("any", play)

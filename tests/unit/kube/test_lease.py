"""One holder at a time, on a clock of the test's own."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any, cast

from roomfleet.master.kube.client import Api
from roomfleet.master.kube.errors import ApiDown, Conflict, NotFound
from roomfleet.master.kube.lease import LEASE_SECONDS, SILENT_SECONDS, Lease


class Server:
    """One Lease object, with preconditions."""

    def __init__(self) -> None:
        self.obj: dict[str, Any] | None = None
        self.down = False

    async def get(self, path: str) -> dict[str, Any]:
        if self.down:
            raise ApiDown(path)
        if self.obj is None:
            raise NotFound(path)
        return copy.deepcopy(self.obj)

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._store(body)

    async def replace(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert self.obj is not None
        if body["metadata"].get("resourceVersion") != self.obj["metadata"]["resourceVersion"]:
            raise Conflict(path)
        return self._store(body)

    def _store(self, body: dict[str, Any]) -> dict[str, Any]:
        version = int(self.obj["metadata"]["resourceVersion"]) + 1 if self.obj is not None else 1
        self.obj = copy.deepcopy(body)
        self.obj["metadata"]["resourceVersion"] = str(version)
        return self.obj


def never() -> None:
    raise AssertionError("it is not lost")


class Clock:
    now = 100.0


def lease_of(server: Server, clock: Clock, name: str, lost: Callable[[], None] = never) -> Lease:
    return Lease(cast(Api, server), "ns", name, lambda: clock.now, lost)


def holder(server: Server) -> str:
    assert server.obj is not None
    return str(server.obj["spec"]["holderIdentity"])


def test_one_takes_it_and_gives_it_up_at_its_end() -> None:
    async def play() -> None:
        server, clock = Server(), Clock()
        one = lease_of(server, clock, "one")
        assert not one.may_act()
        one.start()
        await one.near.wait()
        assert one.may_act()
        assert holder(server) == "one"
        await one.stop()
        assert not one.may_act()
        assert holder(server) == ""
        two = lease_of(server, clock, "two")
        two.start()
        await two.near.wait()
        assert two.may_act()
        await two.stop()

    asyncio.run(play())


def test_what_was_not_renewed_in_time_allows_nothing() -> None:
    async def play() -> None:
        server, clock = Server(), Clock()
        one = lease_of(server, clock, "one")
        one.start()
        await one.near.wait()
        server.down = True
        clock.now += LEASE_SECONDS - 0.01
        assert one.may_act()
        clock.now += 0.02
        assert not one.may_act()
        server.down = False
        await one.stop()

    asyncio.run(play())


def test_another_takes_it_when_it_saw_no_renewal_for_its_whole_length_and_the_first_ends() -> None:
    async def play() -> None:
        server, clock = Server(), Clock()
        lost = asyncio.Event()
        one, two = lease_of(server, clock, "one", lost.set), lease_of(server, clock, "two", lost.set)
        assert await one._renew()
        one._held = True
        assert not await two._renew()
        assert not two.near.is_set()
        clock.now += SILENT_SECONDS
        assert not await two._renew()
        assert two.near.is_set()
        clock.now += LEASE_SECONDS - SILENT_SECONDS - 0.01
        assert not await two._renew()
        clock.now += 0.02
        assert await two._renew()
        assert holder(server) == "two"
        one.start()
        await lost.wait()
        assert not one.may_act()
        await one.stop()
        assert holder(server) == "two"

    asyncio.run(play())


def test_a_renewal_that_another_saw_begins_its_wait_anew() -> None:
    async def play() -> None:
        server, clock = Server(), Clock()
        one, two = lease_of(server, clock, "one"), lease_of(server, clock, "two")
        await one._renew()
        for _ in range(20):
            assert not await two._renew()
            clock.now += 1
            assert await one._renew()
        assert not await two._renew()
        assert holder(server) == "one"

    asyncio.run(play())

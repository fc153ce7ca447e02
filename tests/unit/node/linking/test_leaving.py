"""A node that was told to end: when it waits for the master to move its rooms, and when it does not."""

from __future__ import annotations

import asyncio
import logging

import pytest

from roomfleet.node.linking import leaving as leaving_module
from roomfleet.node.linking.leaving import Leaving
from roomfleet.wire.link import Draining, FromNode


class Standing:
    """The node as it leaves."""

    def __init__(self, *, link: bool = True) -> None:
        self.link = link
        self.empty = False
        self.sent: list[FromNode] = []
        self.leaving = Leaving(self.send, lambda: self.empty)

    def send(self, message: FromNode) -> bool:
        self.sent.append(message)
        return self.link

    async def ends(self, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            await self.leaving.until_empty()


def test_without_a_master_it_waits_for_nothing() -> None:
    asyncio.run(Standing(link=False).ends())


def test_it_asks_and_waits_until_it_is_empty() -> None:
    async def test() -> None:
        node = Standing()
        ending = asyncio.ensure_future(node.ends())
        await asyncio.sleep(0)
        assert node.sent == [Draining()]
        node.leaving.answered(30)
        await asyncio.sleep(0.1)
        assert not ending.done()
        node.empty = True
        await ending

    asyncio.run(test())


def test_an_empty_node_waits_for_the_answer_so_that_nothing_comes_meanwhile() -> None:
    async def test() -> None:
        node = Standing()
        node.empty = True
        ending = asyncio.ensure_future(node.ends())
        await asyncio.sleep(0.05)
        assert not ending.done()
        node.leaving.answered(30)
        await ending

    asyncio.run(test())


def test_a_master_that_does_not_answer_is_not_there(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leaving_module, "ANSWER_SECONDS", 0.05)
    with caplog.at_level(logging.WARNING):
        asyncio.run(Standing().ends())
    assert "the master does not answer" in caplog.text


def test_at_the_deadline_it_ends_with_what_it_has(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        node = Standing()
        ending = asyncio.ensure_future(node.ends())
        await asyncio.sleep(0)
        node.leaving.answered(0.1)
        await ending

    with caplog.at_level(logging.WARNING):
        asyncio.run(test())
    assert "not every room could be moved within 0.1 s" in caplog.text


def test_told_again_it_ends_at_once() -> None:
    async def test() -> None:
        node = Standing()
        ending = asyncio.ensure_future(node.ends())
        await asyncio.sleep(0)
        node.leaving.answered(30)
        await asyncio.sleep(0)
        node.leaving.at_once()
        await ending

    asyncio.run(test())


def test_a_master_that_goes_away_for_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving_module, "MASTERLESS_SECONDS", 0.1)

    async def test() -> None:
        node = Standing()
        ending = asyncio.ensure_future(node.ends())
        await asyncio.sleep(0)
        node.leaving.answered(30)
        node.leaving.link_is(up=False)
        await ending

    asyncio.run(test())


def test_a_master_that_comes_back_in_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving_module, "MASTERLESS_SECONDS", 0.2)

    async def test() -> None:
        node = Standing()
        ending = asyncio.ensure_future(node.ends())
        await asyncio.sleep(0)
        node.leaving.answered(30)
        node.leaving.link_is(up=False)
        await asyncio.sleep(0.05)
        node.leaving.link_is(up=True)
        await asyncio.sleep(0.3)
        assert not ending.done()
        node.empty = True
        await ending

    asyncio.run(test())

"""Asking a node where a player is: an answer, none, and one that comes too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from roomfleet.master import finding
from roomfleet.master.core import Key
from roomfleet.master.finding import Finder
from roomfleet.wire.link import Find, Found, Presence, ToNode

NODE = Key("game", "default-0")


class Node:
    """What it was asked."""

    def __init__(self) -> None:
        self.finder = Finder(self.told)
        self.asked: list[Find] = []

    def told(self, node: Key, boot: str, message: ToNode) -> None:
        assert (node, boot) == (NODE, "b0")
        assert isinstance(message, Find)
        self.asked.append(message)

    def says(self, find: Find, room: str | None) -> bool:
        found = Found(id=find.id, player=find.player, room=room, presence=Presence.CONNECTED)
        return self.finder.heard(found)


def run(test: Callable[[Node], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(Node())

    asyncio.run(main())


def test_each_question_gets_its_own_answer_in_any_order() -> None:
    async def test(node: Node) -> None:
        one = asyncio.ensure_future(node.finder.ask(NODE, "b0", "ada"))
        two = asyncio.ensure_future(node.finder.ask(NODE, "b0", "ada"))
        await asyncio.sleep(0)
        first, second = node.asked
        assert node.says(second, "den")
        assert node.says(first, "hall")
        assert [(await one).room, (await two).room] == ["hall", "den"]  # type: ignore[union-attr]

    run(test)


def test_a_node_that_does_not_answer_is_not_waited_for_and_its_late_answer_is_nobody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finding, "ANSWER_SECONDS", 0.01)

    async def test(node: Node) -> None:
        assert await node.finder.ask(NODE, "b0", "ada") is None
        assert node.says(node.asked[0], "hall"), "no join of the core's"

    run(test)


def test_an_answer_to_a_joins_question_is_left_to_the_core() -> None:
    async def test(node: Node) -> None:
        assert not node.finder.heard(Found(id="a-join", player="ada", room="hall"))

    run(test)

"""Nudges, and the master's absence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from roomfleet.node.travelling import nudging
from roomfleet.node.travelling.nudging import Nudges
from roomfleet.wire.link import FromNode, Nudge


class Master:
    def __init__(self) -> None:
        self.up = True
        self.heard: list[tuple[str, bool]] = []

    def send(self, message: FromNode) -> bool:
        assert isinstance(message, Nudge)
        if self.up:
            self.heard.append((message.room, message.wake))
        return self.up


def tried(test: Callable[[Master, Nudges], None]) -> None:
    async def main() -> None:
        master = Master()
        test(master, Nudges(master.send))

    asyncio.run(main())


def test_what_the_master_could_not_hear_it_hears_when_it_is_back() -> None:
    def test(master: Master, nudges: Nudges) -> None:
        master.up = False
        nudges.say("beta", wake=False)
        nudges.say("beta", wake=True)
        nudges.say("beta", wake=False)
        nudges.say("gamma", wake=False)
        nudges.link_up()
        master.up = True
        nudges.link_up()
        assert sorted(master.heard) == [("beta", True), ("gamma", False)]

    tried(test)


def test_what_was_said_just_before_the_link_broke_is_said_again() -> None:
    def test(master: Master, nudges: Nudges) -> None:
        nudges.say("beta", wake=True)
        nudges.link_up()
        assert master.heard == [("beta", True), ("beta", True)]

    tried(test)


def test_what_was_said_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def test(master: Master, nudges: Nudges) -> None:
        monkeypatch.setattr(nudging, "KEPT_SECONDS", -1.0)
        for number in range(1_000):
            nudges.say(f"room{number}", wake=False)
        assert len(nudges._sent) == 1
        master.heard.clear()
        nudges.link_up()
        assert master.heard == []

    tried(test)


def test_what_waits_for_the_master_is_kept_however_much_is_said(monkeypatch: Any) -> None:
    def test(master: Master, nudges: Nudges) -> None:
        monkeypatch.setattr(nudging, "KEPT_SECONDS", -1.0)
        master.up = False
        nudges.say("first", wake=True)
        master.up = True
        nudges.say("second", wake=False)
        nudges.say("third", wake=False)
        master.heard.clear()
        nudges.link_up()
        assert master.heard == [("first", True)]

    tried(test)

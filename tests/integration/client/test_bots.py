"""Bots over real websockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from integration.client.fake_fleet import FakeFleet, Peer, fake_fleet, snapshot, welcome
from roomfleet.client import Refused, run_bots


async def serve(fleet: FakeFleet, tokens: set[str], calls: list[dict[str, Any]]) -> None:
    """Let everybody in; every walk ends well, and nobody may talk."""
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(serve_one(fleet, await fleet.peers.get(), tokens, calls))


async def serve_one(fleet: FakeFleet, peer: Peer, tokens: set[str], calls: list[dict[str, Any]]) -> None:
    while (message := await peer.hear()) is not None:
        match message:
            case {"type": "join", "token": token}:
                tokens.add(token)
                await peer.say(fleet.admitted())
            case {"type": "hello"}:
                await peer.say(welcome(), snapshot())
            case {"type": "call", "id": call, "method": "walk"}:
                calls.append(message)
                await peer.say({"type": "result", "id": call, "value": True})
            case {"type": "call", "id": call}:
                calls.append(message)
                await peer.say({"type": "error", "id": call, "code": "refused", "message": "hush"})


def test_bots_join_act_and_leave() -> None:
    async def test() -> None:
        tokens: set[str] = set()
        calls: list[dict[str, Any]] = []
        async with fake_fleet() as fleet:
            serving = asyncio.create_task(serve(fleet, tokens, calls))
            report = await run_bots(fleet.url, 3, 2, seed=4, pause=(0.01, 0.02))
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        assert tokens == {"bot-0000", "bot-0001", "bot-0002"}
        assert report.joined == len(report.join_seconds) == 3
        assert report.calls >= len(calls) > 3
        assert report.messages > len(calls)
        talks = sum(call["method"] == "say" for call in calls)
        assert 0 < report.errors["refused"] <= talks
        assert set(report.errors) == {"refused"}

    asyncio.run(asyncio.wait_for(test(), 30))


def test_a_bot_that_is_turned_away_is_told() -> None:
    async def test() -> None:
        problem = {"type": "x/no-such-room", "title": "No", "status": 404, "detail": "no such room"}
        async with fake_fleet() as fleet:
            bots = asyncio.create_task(run_bots(fleet.url, 1, 5))
            await (await fleet.peer()).say({"type": "refused", "problem": problem})
            with pytest.raises(ExceptionGroup) as refused:
                await bots
            assert refused.group_contains(Refused, match="no such room")

    asyncio.run(asyncio.wait_for(test(), 30))

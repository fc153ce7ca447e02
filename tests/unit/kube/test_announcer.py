"""What an event on a Room says."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from roomfleet.master.core.effects import Announce
from roomfleet.master.core.model import Key
from roomfleet.master.kube.announcer import Announcer, event_of
from roomfleet.master.kube.client import Api
from roomfleet.master.kube.gate import Gate


def test_an_event_names_its_room_and_is_a_warning_when_something_is_wrong() -> None:
    effect = Announce(Key("game", "town"), "Failed", "no such map", warning=True)
    event = event_of(effect, "u1", "2026-01-01T00:00:00Z", "master-0")
    assert event["involvedObject"] == {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "Room",
        "name": "town",
        "namespace": "game",
        "uid": "u1",
    }
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "Failed", "no such map")
    assert event["metadata"]["namespace"] == "game"
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"


def test_names_of_events_differ_and_fit_also_for_the_longest_room_name() -> None:
    effect = Announce(Key("game", "r" * 63), "Running", "runs", warning=False)
    names = {event_of(effect, "u1", "now", "m")["metadata"]["name"] for _ in range(50)}
    assert len(names) == 50
    assert max(map(len, names)) <= 253
    assert event_of(effect, "u1", "now", "m")["type"] == "Normal"


def test_a_long_message_is_cut_to_what_an_event_may_hold() -> None:
    effect = Announce(Key("game", "town"), "Failed", "é" * 2000, warning=True)
    assert len(event_of(effect, "u1", "now", "m")["message"]) <= 1024


def test_events_come_seldom_while_other_writes_wait_and_soon_after() -> None:
    class Server:
        def __init__(self) -> None:
            self.posted: list[str] = []
            self.on_down: object = None

        async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            self.posted.append(body["reason"])
            return body

    async def play() -> None:
        server, busy = Server(), True
        gate = Gate(cast(Api, server), lambda: True, back=lambda: None)
        announcer = Announcer(cast(Api, server), gate, "m", lambda: busy)
        announcer.start()
        for number in range(5):
            announcer.announce(Announce(Key("game", "town"), f"N{number}", ""), "u1")
        await asyncio.sleep(0.2)
        assert len(server.posted) <= 1
        busy = False
        async with asyncio.timeout(10):
            while len(server.posted) < 5:  # noqa: ASYNC110 - the announcer has no event for it
                await asyncio.sleep(0.005)
        assert server.posted == ["N0", "N1", "N2", "N3", "N4"]
        await announcer.stop()
        await gate.stop()

    asyncio.run(play())

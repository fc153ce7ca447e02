"""The adapter between the core and the API server: what it keeps from the core."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, cast

import pytest

from roomfleet.master.core.effects import Record
from roomfleet.master.core.events import Event, Recorded, RecordOutcome, RoomApplied
from roomfleet.master.core.model import Key, Phase, RoomStatus
from roomfleet.master.kube import fleet as fleet_module
from roomfleet.master.kube.client import Api
from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.errors import Conflict
from roomfleet.master.kube.fleet import KubeFleet
from roomfleet.master.kube.gate import Gate

HALL = Key("game", "hall")
Json = dict[str, Any]


class Server:
    """One Room that nobody changes; so many writes are refused with 409."""

    def __init__(self, conflicts: int) -> None:
        self.conflicts = conflicts
        self.tried = 0
        self.changed = False
        metadata = {"namespace": "game", "name": "hall", "uid": "u", "resourceVersion": "5", "generation": 1}
        kind = {"apiVersion": "roomfleet.io/v1alpha1", "kind": "Room"}
        self.obj: Json = {**kind, "metadata": metadata, "spec": {"map": "m.hall"}}
        self.on_down: object = None

    async def list(self, path: str) -> tuple[list[Json], int]:
        return [copy.deepcopy(self.obj)] if path.endswith("/rooms") else [], 5

    async def get(self, path: str) -> Json:
        return copy.deepcopy(self.obj)

    async def replace(self, path: str, body: Json) -> Json:
        self.tried += 1
        if self.tried <= self.conflicts:
            if self.changed:
                self.obj["metadata"]["resourceVersion"] = str(5 + self.tried)
            raise Conflict(path)
        self.obj["metadata"]["resourceVersion"] = "100"
        self.obj["status"] = body["status"]
        return copy.deepcopy(self.obj)


def told(server: Server) -> list[Event]:
    """What the core hears from when it says where the room is to be, until the outcome."""

    async def play() -> list[Event]:
        events: list[Event] = []
        done = asyncio.Event()

        def handle(event: Event) -> None:
            events.append(event)
            if isinstance(event, Recorded):
                done.set()

        api = cast(Api, server)
        gate = Gate(api, lambda: True, back=lambda: None)
        fleet = KubeFleet(api, gate, ("game",), "master", handle, Echoes())
        fleet.start()
        await fleet.synced.wait()
        events.clear()
        status = RoomStatus(phase=Phase.STARTING, node="n-0", epoch=1)
        fleet.record(Record(HALL, "u", "5", status, True))
        await asyncio.wait_for(done.wait(), 20)
        await fleet.stop()
        await gate.stop()
        return events

    return asyncio.run(play())


def test_a_server_that_is_in_its_own_way_is_asked_again_at_a_steady_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet_module, "CONFLICT_SECONDS", 0.001)
    server = Server(conflicts=20)
    outcome = [event for event in told(server) if isinstance(event, Recorded)]
    assert [one.outcome for one in outcome] == [RecordOutcome.WRITTEN]
    assert server.tried == 21


def test_a_conflict_with_somebody_s_change_is_the_core_s_to_decide_about() -> None:
    server = Server(conflicts=1)
    server.changed = True
    events = told(server)
    assert [type(event) for event in events[-2:]] == [RoomApplied, Recorded]
    assert isinstance(events[-1], Recorded)
    assert events[-1].outcome is RecordOutcome.CONFLICT
    assert server.tried == 1

"""Live moves in a cluster: nodes are told to end, cordoned or scaled away; rooms and players go elsewhere."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from roomfleet.client import Client
from support.kube import Cluster
from support.operating import Operated, operated
from support.promised import keeping_on
from support.trial_game import SHORT, kept, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {"alpha": {}, "beta": {}}


def test_rooms_move_when_a_node_ends_is_cordoned_or_scaled_away(cluster: Cluster, tmp_path: Path) -> None:
    async def moved(fleet: Operated, node: str) -> None:
        for name in ROOMS:
            await until(
                lambda name=name: (  # type: ignore[misc]
                    fleet.status(name)["node"] == node and ready(fleet, name) == ("True", "Running")
                ),
                f"{name} on {node}",
            )

    async def play(fleet: Operated) -> None:
        async with keeping_on(fleet, {f"d-{name}": name for name in ROOMS}) as diaries:
            await asyncio.to_thread(patch, fleet, cordoned=[0])
            await moved(fleet, "default-1")
            await until(
                lambda: "default-0 is being emptied" in fleet_status(fleet).get("message", ""),
                "the fleet says so",
            )
            await diaries.more(3, "everybody saves there")
            await asyncio.to_thread(patch, fleet, cordoned=[])
            fleet.signal_node("default-1", signal.SIGTERM)
            await moved(fleet, "default-0")
            assert await asyncio.to_thread(fleet.nodes["default-1"].wait, 20) == 0
            await diaries.more(3, "everybody saves there")
            fleet.start_node("default-1")
            await until(lambda: len(fleet.connected()) == 2, "the node is back")
        events = await asyncio.to_thread(fleet.kubectl, "get", "events", "-o", "json")
        reasons = [event["reason"] for event in json.loads(events)["items"]]
        assert reasons.count("Moved") == 3, "alpha once, then both"
        async with Client(fleet.url, game=fleet.game, token="ada") as ada:
            await ada.join("alpha")
            await ada.call("keep", value=5)
            await asyncio.to_thread(fleet.kubectl, "scale", "rfleet/default", "--replicas=1")
            gone = [name for name in fleet.nodes if name != fleet.node_of("alpha")]
            await until(
                lambda: any(node.poll() == 0 for node in fleet.nodes.values()), f"one of {gone} has ended"
            )
            assert await kept(ada, 6) == 6

    game = trial_game(tmp_path, rooms=ROOMS)
    with operated(cluster, tmp_path, source=game, environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def patch(fleet: Operated, **spec: Any) -> None:
    """Change the RoomFleet's spec."""
    fleet.kubectl("patch", "rfleet", "default", "--type=merge", "-p", json.dumps({"spec": spec}))


def fleet_status(fleet: Operated) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.kubectl("get", "rfleet", "default", "-o", "json"))["status"]
    return found


def ready(fleet: Operated, room: str) -> tuple[str, str]:
    """The condition Ready: status and reason."""
    conditions = {each["type"]: each for each in fleet.status(room)["conditions"]}
    return conditions["Ready"]["status"], conditions["Ready"]["reason"]

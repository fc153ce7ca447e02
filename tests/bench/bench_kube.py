"""The operator on a real API server: the room queue, creation, joins, what it takes, and what it writes.

    python tests/bench/bench_kube.py [--rooms N …] [--joins N] [--json FILE]

etcd (without fsync), kube-apiserver, operator and this script share the machine. For the queue, the Rooms
(`keep: Always`) are there before the operator starts, and nodes that say at once that each room runs: the
time goes from the first complete list (/readyz) to the last room of which a node was told, which is after
its place was recorded, or to a minute after, with as many rooms as have come so far.
`bare_writes_per_second` is what the API server takes of such writes from a loop with as many connections,
without an operator, just before and just after: what to hold the queue against on a busy machine
(`placed_per_bare_write`). The phase Running is one more write for each room, most of them after the records:
`running_per_second` counts until the last of both. Milliseconds of CPU are for each room placed, over that
time. Joins go to a real node with SQLite. All of it takes two to four minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import ssl
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from roomfleet.client import Client
from support.fake_nodes import FakeNodes
from support.kube import Cluster, find_binaries
from support.kube_binaries import HOW_TO_GET_THEM
from support.kube_objects import create_rooms, list_rooms, phases, rooms_path, write_statuses
from support.many_rooms import FLEET, make_game
from support.operating import SECRET, Operated, operated
from support.running import eventually

PER_NODE = 100
CREATED = 200
IDLE_SECONDS = 5.0
COMING_AND_GOING = 200
COMING_SECONDS = 15.0
PLACING_SECONDS = 60.0
RUNNING_SECONDS = 20.0
"""Waited at most for places, and after that for the phases: with 10,000 rooms those come much later."""
BARE = 500
TICKS = os.sysconf("SC_CLK_TCK")
STATUS_WRITES = re.compile(
    r'^apiserver_request_total\{[^}]*resource="rooms"[^}]*subresource="status"[^}]*verb="PUT"[^}]*\} (\S+)',
    re.MULTILINE,
)

Figures = dict[str, float]


def percentile(times: list[float], share: float) -> float:
    """What this share of the times kept within, ms."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def writes_of_status(cluster: Cluster) -> float:
    """Writes of the status of Rooms, as the API server counts them."""
    request = urllib.request.Request(
        cluster.url + "/metrics", headers={"Authorization": f"Bearer {cluster.token}"}
    )
    context = ssl.create_default_context(cafile=str(cluster.ca))
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        text = answer.read().decode()
    return sum(float(number) for number in STATUS_WRITES.findall(text))


def pid_of(fleet: Operated) -> int:
    assert fleet.operator is not None
    return fleet.operator.pid


def all_running(cluster: Cluster, fleet: Operated, rooms: int) -> bool:
    return phases(list_rooms(cluster, fleet.game).values()).count("Running") == rooms


class Watch:
    """When each Room was first seen with a phase, by a watch of its own."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.seen: dict[str, float] = {}
        version = cluster.request("GET", rooms_path(namespace) + "?limit=1").object["metadata"]
        request = urllib.request.Request(
            f"{cluster.url}{rooms_path(namespace)}?watch=true&timeoutSeconds=600"
            f"&resourceVersion={version['resourceVersion']}",
            headers={"Authorization": f"Bearer {cluster.token}"},
        )
        context = ssl.create_default_context(cafile=str(cluster.ca))
        self._answer = urllib.request.urlopen(request, context=context, timeout=600)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._answer:
            room = json.loads(line)["object"]
            if room.get("status", {}).get("phase"):
                self.seen.setdefault(room["metadata"]["name"], time.monotonic())


def measure_creation(cluster: Cluster, fleet: Operated) -> Figures:
    """Rooms created one after the other while the others run: until their status is seen."""
    watch = Watch(cluster, fleet.game)
    times = []
    for number in range(CREATED):
        name = f"new{number}"
        room = {
            "apiVersion": "roomfleet.io/v1alpha1",
            "kind": "Room",
            "metadata": {"name": name},
            "spec": {"map": "map1.room"},
        }
        assert cluster.request("POST", rooms_path(fleet.game), room).ok
        created = time.monotonic()
        eventually(lambda name=name: name in watch.seen, what=f"status of {name}")  # type: ignore[misc]
        times.append(max(0.0, watch.seen[name] - created))
    return {
        "create_to_status_p50_ms": percentile(times, 0.5),
        "create_to_status_p99_ms": percentile(times, 0.99),
    }


def measure_queue(cluster: Cluster, folder: Path, rooms: int) -> Figures:
    """Rooms already there, all of them wanted: recorded and told to a node."""
    source = make_game(folder / "many", 1)
    nodes = -(-rooms // PER_NODE) + 1
    (source / "k8s" / "all.yaml").write_text(FLEET.format(nodes=nodes, rooms=PER_NODE))
    figures: Figures = {}
    with operated(cluster, folder, source=source, start=False) as fleet:
        fleet.kubectl("apply", "-f", str(fleet.game_dir / "k8s"))
        began = time.monotonic()
        create_rooms(
            cluster, fleet.game, {f"r{n}": {"map": "map1.room", "keep": "Always"} for n in range(rooms)}
        )
        figures["created_per_second"] = rooms / (time.monotonic() - began)
        namespace = cluster.namespace()
        create_rooms(cluster, namespace, {f"bare{number}": {"map": "map1.room"} for number in range(BARE)})
        bare = bare_writes(cluster, namespace, 1)
        fake = FakeNodes(fleet.link_port, fleet.game, SECRET, nodes, PER_NODE)
        try:
            writes = writes_of_status(cluster)
            fleet.start_operator(ready=False)
            fleet.wait_ready(120)
            ready, used = time.monotonic(), cpu_seconds(pid_of(fleet))
            served = cpu_seconds(cluster.pid("kube-apiserver"))
            wait_at_most(PLACING_SECONDS, lambda: len(fake.told) >= rooms)
            told = sorted(fake.told.values())
            took = time.monotonic() - ready
            figures["placed"] = len(told)
            figures["placed_per_second"] = len(told) / (told[-1] - ready)
            used = cpu_seconds(pid_of(fleet)) - used
            served = cpu_seconds(cluster.pid("kube-apiserver")) - served
            figures["placing_cpu_share"] = used / took
            figures["placing_apiserver_cpu_share"] = served / took
            figures["cpu_ms_per_placed_room"] = used / len(told) * 1000
            figures["apiserver_cpu_ms_per_placed_room"] = served / len(told) * 1000
            figures["writes_per_placed_room"] = (writes_of_status(cluster) - writes) / len(told)
            if len(told) == rooms and rooms <= 1_000:
                wait_at_most(RUNNING_SECONDS, lambda: all_running(cluster, fleet, rooms), every=0.5)
                figures["running_written_after_s"] = time.monotonic() - ready
                figures["running_per_second"] = rooms / figures["running_written_after_s"]
            objects = list_rooms(cluster, fleet.game).values()
            epochs = [room.get("status", {}).get("epoch", 0) for room in objects]
            figures["placed_more_than_once"] = sum(epoch > 1 for epoch in epochs)
            figures["rss_mib"] = resident_mib(pid_of(fleet))
            if rooms <= 1_000:
                figures |= measure_idle(pid_of(fleet))
                figures |= measure_creation(cluster, fleet)
                writes = writes_of_status(cluster)
                changes = fake.come_and_go(COMING_AND_GOING, COMING_SECONDS)
                figures["changes_per_second"] = changes / COMING_SECONDS
                figures["writes_per_second"] = (writes_of_status(cluster) - writes) / COMING_SECONDS
        finally:
            fake.stop()
    bare += bare_writes(cluster, namespace, 2)
    figures["bare_writes_per_second"] = bare / 2
    figures["bare_patches_per_second"] = bare_writes(cluster, namespace, 3, merge=True)
    figures["placed_per_bare_write"] = figures["placed_per_second"] / figures["bare_writes_per_second"]
    return figures


def bare_writes(cluster: Cluster, namespace: str, epoch: int, *, merge: bool = False) -> float:
    """Statuses like those that record a place, a second. `merge`: by a patch instead."""
    conditions = [
        {
            "type": type,
            "status": "False",
            "reason": "Starting",
            "message": "default-12 is starting the room",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for type in ("Ready", "Placed", "Saved")
    ]
    status = {
        "phase": "Starting",
        "node": "default-12",
        "epoch": epoch,
        "players": 0,
        "waiting": 0,
        "observedGeneration": 1,
        "message": "default-12 is starting the room",
        "conditions": conditions,
    }
    rooms = list_rooms(cluster, namespace).values()
    began = time.monotonic()
    write_statuses(cluster, rooms, status, merge=merge)
    return BARE / (time.monotonic() - began)


def wait_at_most(seconds: float, done: Callable[[], bool], every: float = 0.1) -> None:
    """Until it is done, or the time is over; looked at so often (s)."""
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:
        time.sleep(every)


def measure_idle(pid: int) -> Figures:
    used = cpu_seconds(pid)
    time.sleep(IDLE_SECONDS)
    return {
        "idle_rss_mib": resident_mib(pid),
        "idle_cpu_percent": (cpu_seconds(pid) - used) / IDLE_SECONDS * 100,
    }


def measure_joins(cluster: Cluster, folder: Path, joins: int) -> Figures:
    """From a client's first dial to its first snapshot, room asleep: recorded in Kubernetes on the way."""
    source = make_game(folder / "many", 1)
    (source / "k8s" / "all.yaml").write_text(FLEET.format(nodes=1, rooms=joins + 1))

    async def each(fleet: Operated) -> list[float]:
        times = []
        for number in range(joins):
            client = Client(fleet.url, game=fleet.game, token=f"player{number}")
            began = time.perf_counter()
            await client.join(f"r{number}")
            times.append(time.perf_counter() - began)
            await client.leave()
        return times

    environment = {"ROOMFLEET_CAPACITY": str(joins + 1)}
    with operated(cluster, folder, source=source, start=False, environment=environment) as fleet:
        fleet.kubectl("apply", "-f", str(fleet.game_dir / "k8s"))
        create_rooms(cluster, fleet.game, {f"r{number}": {"map": "map1.room"} for number in range(joins)})
        fleet.start(nodes=1)
        times = asyncio.run(each(fleet))
    return {"join_asleep_p50_ms": percentile(times, 0.5), "join_asleep_p99_ms": percentile(times, 0.99)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rooms", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--joins", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    binaries = find_binaries(print)
    if binaries is None:
        print(HOW_TO_GET_THEM)
        return
    table: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        parts: list[tuple[str, Callable[[Cluster, Path], Figures]]] = [
            *(
                (f"{rooms} rooms", lambda cluster, where, rooms=rooms: measure_queue(cluster, where, rooms))  # type: ignore[misc]
                for rooms in options.rooms
            ),
            ("joins", lambda cluster, where: measure_joins(cluster, where, options.joins)),
        ]
        for name, measure in parts:
            where = Path(folder) / name.replace(" ", "-")
            where.mkdir()
            cluster = Cluster(where / "kube", binaries)
            cluster.start()
            try:
                cluster.apply_crds()
                table[name] = measure(cluster, where)
            finally:
                cluster.stop()
            for what, value in table[name].items():
                print(f"{name:14}{what:28}{value:12.2f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()

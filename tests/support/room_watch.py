"""Every Room object of a namespace as it was, from a watch that the test keeps by itself."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from support.kube import MERGE, Cluster
from support.kube_objects import rooms_path
from support.running import eventually


@dataclass(frozen=True)
class Seen:
    """A Room's status at one of its versions."""

    room: str
    version: int
    epoch: int
    node: str
    phase: str


class RoomWatch:
    """What was seen, in the order of versions."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self.seen: list[Seen] = []
        self.failure = ""
        listed = cluster.request("GET", rooms_path(namespace))
        assert listed.ok, listed.message
        for room in listed.object["items"]:
            self._note(room)
        version = listed.object["metadata"]["resourceVersion"]
        where = urlsplit(cluster.url)
        self._connection = http.client.HTTPSConnection(
            where.hostname or "",
            where.port,
            context=ssl.create_default_context(cafile=str(cluster.ca)),
            timeout=60,
        )
        headers = {"Authorization": f"Bearer {cluster.token}"}
        self._connection.request(
            "GET", f"{rooms_path(namespace)}?watch=true&resourceVersion={version}", headers=headers
        )
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def complete(self) -> list[Seen]:
        """Everything up to now: returns when a change made now was seen."""
        room = self.seen[0].room
        answer = self._cluster.request(
            "PATCH",
            rooms_path(self._namespace, room),
            {"metadata": {"annotations": {"tests/mark": "the end"}}},
            content_type=MERGE,
        )
        assert answer.ok, answer.message
        mark = int(answer.object["metadata"]["resourceVersion"])
        eventually(lambda: self.failure or self.seen[-1].version >= mark, what="the watch to come that far")
        assert not self.failure, self.failure
        return list(self.seen)

    def close(self) -> None:
        self._connection.sock.shutdown(2)
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        while line := self._answer.readline():
            event = json.loads(line)
            if event["type"] not in ("ADDED", "MODIFIED"):
                self.failure = f"the watch said {event}"
                return
            self._note(event["object"])

    def _note(self, room: dict[str, dict[str, str]]) -> None:
        metadata, status = room["metadata"], room.get("status", {})
        self.seen.append(
            Seen(
                metadata["name"],
                int(metadata["resourceVersion"]),
                int(status.get("epoch", 0)),
                status.get("node", ""),
                status.get("phase", ""),
            )
        )


@contextmanager
def watched_rooms(cluster: Cluster, namespace: str) -> Iterator[RoomWatch]:
    """A watch for the length of a block."""
    made = RoomWatch(cluster, namespace)
    try:
        yield made
    finally:
        made.close()


def placed_once_each(seen: list[Seen]) -> int:
    """Check that epochs rise by one for each placing, and that none was ever with two nodes. How many
    placings there were.
    """
    epochs: dict[str, int] = {}
    nodes: dict[tuple[str, int], str] = {}
    placings = 0
    for one in seen:
        before = epochs.setdefault(one.room, one.epoch)
        assert one.epoch - before in (0, 1), f"{one.room} went from epoch {before} to {one.epoch}"
        epochs[one.room] = one.epoch
        if not one.node:
            continue
        placings += (one.room, one.epoch) not in nodes
        node = nodes.setdefault((one.room, one.epoch), one.node)
        assert node == one.node, f"epoch {one.epoch} of {one.room} was with {node} and {one.node}"
    return placings

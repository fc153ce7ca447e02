"""Many objects at once, for tests and benchmarks: over kept connections, far quicker than kubectl."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from support.kube import MERGE, Cluster

GROUP = "/apis/roomfleet.io/v1alpha1"
Json = dict[str, Any]

KIND = {"apiVersion": "roomfleet.io/v1alpha1", "kind": "Room"}
CONNECTIONS = 8


def rooms_path(namespace: str, name: str = "", subresource: str = "") -> str:
    """The path of a namespace's Rooms, of one of them, or of its `status`."""
    return "/".join(part for part in (f"{GROUP}/namespaces/{namespace}/rooms", name, subresource) if part)


def create_rooms(cluster: Cluster, namespace: str, specs: Mapping[str, Mapping[str, Any]]) -> None:
    """Create a Room of each name and spec; returns when all are there."""
    bodies = [{**KIND, "metadata": {"name": name}, "spec": dict(spec)} for name, spec in specs.items()]
    _send(cluster, "POST", [(rooms_path(namespace), body) for body in bodies], "application/json")


def write_statuses(cluster: Cluster, rooms: Iterable[Json], status: Json, *, merge: bool = False) -> None:
    """Write that status onto each of the Rooms; returns when all is written.

    As the master does it, replaced if the Room is still as given; or merged into what is there.
    """
    requests = []
    for room in rooms:
        known = room["metadata"]
        path = rooms_path(known["namespace"], known["name"], "status")
        metadata = {field: known[field] for field in ("namespace", "name", "uid", "resourceVersion")}
        body = {"status": status} if merge else {**KIND, "metadata": metadata, "status": status}
        requests.append((path if merge else path + "?fieldValidation=Ignore", body))
    _send(cluster, *(("PATCH", requests, MERGE) if merge else ("PUT", requests, "application/json")))


def _send(cluster: Cluster, method: str, requests: list[tuple[str, Any]], content_type: str) -> None:
    headers = {"Authorization": f"Bearer {cluster.token}", "Content-Type": content_type}

    def some(part: list[tuple[str, Any]]) -> None:
        where = urlsplit(cluster.url)
        context = ssl.create_default_context(cafile=str(cluster.ca))
        connection = http.client.HTTPSConnection(
            where.hostname or "", where.port, timeout=30, context=context
        )
        try:
            for path, body in part:
                connection.request(method, path, json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
                assert answer.status < 300, text.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(some, (requests[start::CONNECTIONS] for start in range(CONNECTIONS))))


def list_rooms(cluster: Cluster, namespace: str) -> dict[str, dict[str, Any]]:
    """Every Room object, by name."""
    answer = cluster.request("GET", rooms_path(namespace), timeout=60)
    assert answer.ok, answer.message
    return {room["metadata"]["name"]: room for room in answer.object["items"]}


def write_status(cluster: Cluster, namespace: str, name: str, status: Mapping[str, Any] | None) -> None:
    """Rewrite the status of a Room by hand; None removes all of it."""
    answer = cluster.request(
        "PATCH", rooms_path(namespace, name, "status"), {"status": status}, content_type=MERGE
    )
    assert answer.ok, answer.message


def phases(rooms: Iterable[Mapping[str, Any]]) -> list[str]:
    """The phases of Room objects; empty where nobody has written one."""
    return [room.get("status", {}).get("phase", "") for room in rooms]

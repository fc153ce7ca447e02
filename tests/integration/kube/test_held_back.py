"""A master that is held back: by its Lease, an outage, a watch that misses something, missing permissions."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from roomfleet.master.kube.lease import LEASE_SECONDS
from support.kube import MERGE, Cluster
from support.kube_objects import rooms_path
from support.kube_proxy import Fault, Proxy, proxied_cluster
from support.operating import Operated, operated
from support.raw import in_room
from support.small_game import small_game
from support.trial_game import stored_epoch

LASTING: dict[str, Any] = {"boredAfterSeconds": 3600}
ROOMS = dict.fromkeys(("hall", "told", "later", "joined", "missed", "quiet"), LASTING)

ROLE = "roomfleet-tests-no-status"
READING = ["get", "list", "watch"]
RULES: list[dict[str, list[str]]] = [
    {
        "apiGroups": ["roomfleet.io"],
        "resources": ["rooms", "roomfleets", "instancedrooms"],
        "verbs": READING,
    },
    {"apiGroups": ["roomfleet.io"], "resources": ["roomfleets/status"], "verbs": ["update"]},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": READING},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": READING},
]
STATUS = {"apiGroups": ["roomfleet.io"], "resources": ["rooms/status"], "verbs": ["update"]}
EVENTS = {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}


@pytest.fixture(scope="module")
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    with proxied_cluster(cluster) as made:
        yield made


@pytest.fixture(scope="module")
def fleet(cluster: Cluster, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("held")
    with operated(cluster, folder, source=small_game(folder / "game", ROOMS), start=False) as made:
        token = cluster.service_account(made.game, "operator")
        made.kubeconfig = proxy.kubeconfig(folder / "kubeconfig", token, made.game)
        made.expected_errors = ["will retry"]  # kopf, of each attempt
        made.start(nodes=1)
        yield made


def status(fleet: Operated, cluster: Cluster, room: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster.request("GET", rooms_path(fleet.game, room)).object.get("status", {})
    return found


def wake(fleet: Operated, cluster: Cluster, room: str) -> None:
    """Have the room run, as an admin would."""
    body = {"spec": {"keep": "Always"}}
    assert cluster.request("PATCH", rooms_path(fleet.game, room), body, content_type=MERGE).ok


def known(fleet: Operated) -> set[str]:
    return {room["name"] for room in fleet.get(f"/v1/games/{fleet.game}/rooms")["rooms"]}


def epoch(fleet: Operated, room: str) -> int:
    """How often a node has claimed the room, as the store has it."""
    return stored_epoch(fleet.folder, room, game=fleet.game)[0]


def placed_once(fleet: Operated, cluster: Cluster, room: str) -> None:
    """Wait until it runs, and see that nobody ever placed it a second time."""
    fleet.wait_for(lambda: status(fleet, cluster, room).get("phase") == "Running", 30, f"{room} Running")
    assert status(fleet, cluster, room)["epoch"] == epoch(fleet, room) == 1


def has_run_out(fleet: Operated) -> bool:
    """Whether the Lease was not renewed for longer than it lasts."""
    lease = json.loads(fleet.kubectl("get", "lease", "roomfleet-master", "-o", "json"))
    age = datetime.now(UTC) - datetime.fromisoformat(lease["spec"]["renewTime"])
    return age.total_seconds() > LEASE_SECONDS + 1


def test_without_its_lease_a_master_orders_and_writes_nothing_and_goes_on_when_it_has_it_again(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    async def play() -> None:
        async with in_room(fleet.url, fleet.game, "ada", "told") as raw:
            for method in ("GET", "PUT"):
                proxy.fault(method, "/leases/", Fault.ANSWER, times=1_000_000, status=500)
            try:
                await asyncio.to_thread(held_back)
                assert (await raw.call(1, "tap"))["value"] == 1, "the room's deletion was ordered"
            finally:
                proxy.clear()
            assert [one["code"] for one in await raw.rest(20) if one["type"] == "bye"] == ["room-deleted"]

    def held_back() -> None:
        fleet.wait_for(lambda: has_run_out(fleet), 20, "the lease to run out")
        seen = len(proxy.requests)
        wake(fleet, cluster, "later")
        assert cluster.request("DELETE", rooms_path(fleet.game, "told")).ok
        fleet.wait_for(lambda: "told" not in known(fleet), 20, "the master to hear of the deletion")
        fleet.wait_for(lambda: fleet.view("later")["phase"] != "Asleep", 20, "the core to place the room")
        written = {
            (method, path) for method, path, _ in proxy.requests[seen:] if method not in ("GET", "PUT")
        }
        assert written == set()
        assert epoch(fleet, "later") == 0

    asyncio.run(play())
    placed_once(fleet, cluster, "later")


def test_a_join_in_an_outage_longer_than_the_lease_is_admitted_after_it_and_places_once(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    async def visit(player: str, room: str) -> int:
        async with in_room(fleet.url, fleet.game, player, room) as raw:
            return int((await raw.call(1, "tap"))["value"])

    async def play() -> None:
        assert await visit("bob", "hall") == 1
        proxy.cut()
        try:
            await asyncio.to_thread(fleet.wait_for, lambda: has_run_out(fleet), 20, "the lease to run out")
            joining = asyncio.create_task(visit("bea", "joined"))
            await asyncio.to_thread(
                fleet.wait_for, lambda: fleet.view("joined")["waiting"] == 1, 20, "the join to wait"
            )
            assert await visit("bob", "hall") == 2, "a running room takes players on"
            assert epoch(fleet, "joined") == 0
            assert not joining.done()
        finally:
            proxy.mend()
        assert await joining == 1

    asyncio.run(play())
    placed_once(fleet, cluster, "joined")


def test_a_deletion_that_the_watch_missed_ends_the_room_for_those_in_it(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    async def play() -> None:
        async with in_room(fleet.url, fleet.game, "cid", "missed") as raw:
            assert (await raw.call(1, "tap"))["value"] == 1
            proxy.freeze_watches()
            deleted = await asyncio.to_thread(cluster.request, "DELETE", rooms_path(fleet.game, "missed"))
            assert deleted.ok
            assert (await raw.call(2, "tap"))["value"] == 2
            proxy.expire_watches()
            heard = await raw.rest(20)
            assert [one["code"] for one in heard if one["type"] == "bye"] == ["room-deleted"]

    asyncio.run(play())
    assert "missed" not in known(fleet)


def test_conflicts_in_a_row_over_an_object_that_nobody_changes_do_not_slow_its_placement_down(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    rule = proxy.fault("PUT", "/quiet/status", Fault.ANSWER, times=10, status=409)
    wake(fleet, cluster, "quiet")
    placed_once(fleet, cluster, "quiet")
    assert rule.is_spent


def test_a_permission_that_is_missing_is_named_once_and_used_soon_after_it_is_granted(
    cluster: Cluster, proxy: Proxy, tmp_path: Path
) -> None:
    def allow(*rules: dict[str, list[str]]) -> None:
        path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{ROLE}"
        assert cluster.request("PATCH", path, {"rules": [*RULES, *rules]}, content_type=MERGE).ok

    role = {"metadata": {"name": ROLE}, "rules": RULES}
    assert cluster.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", role).ok
    source = small_game(tmp_path / "game", {"hall": LASTING})
    with operated(cluster, tmp_path, source=source, start=False) as fleet:
        fleet.expected_errors = ["lacks a permission", "will retry"]
        token = cluster.service_account(fleet.game, "poor", role=ROLE)
        fleet.kubeconfig = proxy.kubeconfig(tmp_path / "kubeconfig", token, fleet.game)
        fleet.start(nodes=1)
        wake(fleet, cluster, "hall")

        def refused() -> int:
            path = f"{fleet.game}/rooms/hall/status"
            return sum(path in asked and code == 403 for _, asked, code in proxy.requests)

        fleet.wait_for(lambda: refused() >= 4, 30, "the write to be tried again and again")
        named = 'cannot update resource "rooms/status"'
        fleet.wait_for(lambda: fleet.log("operator").count(named) == 1, 10, "it to be named")
        allow(STATUS)
        placed_once(fleet, cluster, "hall")
        lacking = 'cannot create resource "events"'
        keeps = itertools.cycle(["Never", "Always"])

        def go_on() -> None:
            """There is something to say of the room."""
            body = {"spec": {"keep": next(keeps)}}
            assert cluster.request("PATCH", rooms_path(fleet.game, "hall"), body, content_type=MERGE).ok

        def missed() -> bool:
            go_on()
            return lacking in fleet.log("operator")

        fleet.wait_for(missed, 20, "the other permission to be missed")
        allow(STATUS, EVENTS)

        def said() -> str:
            go_on()
            return fleet.kubectl("get", "events", "--field-selector=involvedObject.name=hall", "-o", "name")

        fleet.wait_for(lambda: bool(said()), 20, "an event")
        assert fleet.log("operator").count(named) == fleet.log("operator").count(lacking) == 1

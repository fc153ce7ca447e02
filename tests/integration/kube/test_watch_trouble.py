"""Watches that end with an error, miss a deletion, or say what nobody understands: the operator goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from roomfleet.master.kube.client import PAGE
from support.kube import Cluster
from support.kube_objects import create_rooms
from support.kube_proxy import Fault, Proxy, proxied_cluster
from support.operating import Operated, operated
from support.small_game import room_manifest, small_game

KINDS = ("rooms", "roomfleets", "instancedrooms")

DETECTED_SECONDS = 10
"""A complete list comes by itself every 120 s: what is found within this was looked for."""


@pytest.fixture(scope="module")
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    with proxied_cluster(cluster) as made:
        yield made


@pytest.fixture(scope="module")
def fleet(cluster: Cluster, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("watching")
    with operated(cluster, folder, source=small_game(folder / "game", {"hall": {}}), start=False) as made:
        token = cluster.service_account(made.game, "operator")
        made.kubeconfig = proxy.kubeconfig(folder / "kubeconfig", token, made.game)
        made.expected_errors = ["will retry"]  # kopf, of each attempt
        made.start(nodes=0)
        yield made
        assert made.operator is not None
        assert made.operator.poll() is None, "the operator has ended"


def path(fleet: Operated, room: str = "") -> str:
    return f"/apis/roomfleet.io/v1alpha1/namespaces/{fleet.game}/rooms" + (f"/{room}" if room else "")


def known(fleet: Operated) -> set[str]:
    """The rooms that the master knows."""
    return {room["name"] for room in fleet.get(f"/v1/games/{fleet.game}/rooms")["rooms"]}


def watches(fleet: Operated, proxy: Proxy) -> bool:
    """Whether every kind of ours is being watched."""
    return all(proxy.watches(f"/namespaces/{fleet.game}/{kind}") for kind in KINDS)


def is_alive(fleet: Operated, cluster: Cluster, room: str) -> None:
    """Wait until the master hears of a new room, and of its end."""
    assert cluster.request("POST", path(fleet), room_manifest(room, map="m.hall")).ok
    fleet.wait_for(lambda: room in known(fleet), DETECTED_SECONDS, f"{room} to be known")
    assert cluster.request("DELETE", path(fleet, room)).ok
    fleet.wait_for(lambda: room not in known(fleet), DETECTED_SECONDS, f"{room} to be gone")


def failure(code: int, reason: str, **details: Any) -> dict[str, object]:
    status = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "details": details}
    return {"type": "ERROR", "object": status}


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("internal", failure(500, "InternalError")),
        ("busy", failure(429, "TooManyRequests", retryAfterSeconds=1)),
        ("late", failure(504, "Timeout")),
        ("odd", failure(0, "")),
        ("cut", b'{"type":"MODIFIED","obj'),
        ("html", b"<html>502 Bad Gateway</html>\n"),
    ],
)
def test_a_watch_that_ends_with_an_error_begins_anew(
    fleet: Operated, cluster: Cluster, proxy: Proxy, name: str, last: dict[str, object] | bytes
) -> None:
    fleet.wait_for(lambda: watches(fleet, proxy), DETECTED_SECONDS, "all watches")
    proxy.end_watches(last)
    is_alive(fleet, cluster, name)
    assert "it begins anew in" in fleet.log("operator")


def test_watches_that_fail_again_and_again_are_not_begun_without_end(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    for n in range(5):
        fleet.wait_for(lambda: watches(fleet, proxy), DETECTED_SECONDS, f"all watches, {n}")
        proxy.end_watches(failure(500, "InternalError"))
    fleet.wait_for(lambda: watches(fleet, proxy), DETECTED_SECONDS, "all watches")
    assert "begins anew in 0.8 s" in fleet.log("operator")
    is_alive(fleet, cluster, "again")


@pytest.mark.parametrize(("name", "status"), [("gone", 410), ("bad", 400), ("down", 503)])
def test_a_watch_or_list_that_is_refused_as_a_whole_is_begun_anew(
    fleet: Operated, cluster: Cluster, proxy: Proxy, name: str, status: int
) -> None:
    fleet.wait_for(lambda: watches(fleet, proxy), DETECTED_SECONDS, "all watches")
    rule = proxy.fault("GET", "watch=true", Fault.ANSWER, times=4, status=status)
    lists = proxy.fault("GET", f"{fleet.game}/rooms?limit", Fault.ANSWER, times=3, status=status)
    proxy.end_watches(failure(410, "Expired"))
    is_alive(fleet, cluster, name)
    fleet.wait_for(lambda: rule.is_spent and lists.is_spent, DETECTED_SECONDS, "the faults to be met")


def test_a_list_whose_continuation_has_expired_on_the_way_is_begun_anew_and_complete(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    many = {f"many-{n}" for n in range(PAGE + 1)}
    expired = proxy.fault("GET", "/rooms?limit=500&continue=", Fault.ANSWER, times=2, status=410)
    fleet.wait_for(lambda: watches(fleet, proxy), DETECTED_SECONDS, "all watches")
    proxy.freeze_watches()
    create_rooms(cluster, fleet.game, {name: {"map": "m.hall"} for name in many})
    assert cluster.request("DELETE", path(fleet, "many-0")).ok
    proxy.expire_watches()
    fleet.wait_for(lambda: expired.is_spent, DETECTED_SECONDS, "the list to expire")
    fleet.wait_for(lambda: known(fleet) == {"hall", *many} - {"many-0"}, 60, "every room to be known")
    assert cluster.request("DELETE", path(fleet) + "?fieldSelector=metadata.name!=hall", timeout=60).ok
    fleet.wait_for(lambda: known(fleet) == {"hall"}, 60, "them to be gone")


def test_the_deletion_of_the_last_room_that_a_lone_410_hid_is_found_at_once(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    """Last: it leaves no room."""

    def lists() -> int:
        return sum(f"{fleet.game}/rooms?limit=" in asked for _, asked, _ in proxy.requests)

    fleet.wait_for(lambda: lists() >= 2, DETECTED_SECONDS, "the lists that belong to the start")
    fleet.wait_for(lambda: watches(fleet, proxy), DETECTED_SECONDS, "all watches")
    assert known(fleet) == {"hall"}
    proxy.freeze_watches()
    assert cluster.request("DELETE", path(fleet, "hall")).ok
    proxy.end_watches(failure(410, "Expired"), f"/namespaces/{fleet.game}/rooms")
    fleet.wait_for(lambda: not known(fleet), DETECTED_SECONDS, "the deletion to be known")

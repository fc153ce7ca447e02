"""Trouble with the API server: rooms run on, everything converges afterwards, nothing is placed twice.

Times are printed, of what was ordered amid the trouble until it is done. While the API server is down
nobody can order anything through it, but players can: they ask the master.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from roomfleet.client import Client
from support.kube import MERGE, Cluster
from support.kube_proxy import Fault, Proxy, proxied_cluster
from support.operating import Operated, operated
from support.raw import ask
from support.running import eventually
from support.small_game import room_manifest, small_game
from support.trial_game import stored_epoch

ROOMS = (
    *("hall", "down", "at-its-return", "paused", "meanwhile"),
    *("storm", "lost", "expired", "refused", "rotated", "silent"),
)
GONE = "meanwhile-gone", "expired-gone"

RETRIES = 30
"""So often kopf has asked in vain by then; with its own backoffs it would ask again after 21 s."""


@pytest.fixture(scope="module")
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    with proxied_cluster(cluster) as made:
        yield made


@pytest.fixture(scope="module")
def fleet(cluster: Cluster, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("troubled")
    rooms: dict[str, dict[str, Any]] = {name: {"boredAfterSeconds": 3600} for name in (*ROOMS, *GONE)}
    with operated(cluster, folder, source=small_game(folder / "game", rooms, nodes=2), start=False) as made:
        token = cluster.service_account(made.game, "operator")
        made.kubeconfig = proxy.kubeconfig(folder / "kubeconfig", token, made.game)
        made.expected_errors = ["will retry", "will re-authenticate"]  # kopf, of each attempt
        made.start(2)
        yield made
        assert made.operator is not None
        assert made.operator.poll() is None


def path(fleet: Operated, room: str = "") -> str:
    return f"/apis/roomfleet.io/v1alpha1/namespaces/{fleet.game}/rooms" + (f"/{room}" if room else "")


def status(fleet: Operated, cluster: Cluster, room: str) -> dict[str, Any]:
    found: dict[str, Any] = cluster.request("GET", path(fleet, room)).object.get("status", {})
    return found


def wake(fleet: Operated, cluster: Cluster, room: str) -> None:
    """Have the room run, as an admin would."""
    answer = cluster.request("PATCH", path(fleet, room), {"spec": {"keep": "Always"}}, content_type=MERGE)
    assert answer.ok, answer


def placed_once(fleet: Operated, cluster: Cluster, room: str) -> None:
    """Wait until it runs, and see that nobody ever placed it a second time."""
    eventually(
        lambda: status(fleet, cluster, room).get("phase") == "Running", within=30, what=f"{room} Running"
    )
    found = status(fleet, cluster, room)
    epoch, _, node = stored_epoch(fleet.folder, room, game=fleet.game)
    assert found["epoch"] == 1 == epoch
    assert found["node"] == node


def ask_in(fleet: Operated, room: str) -> Callable[[], bool]:
    """A player asks for a room that has to be started: whether they have a seat by now."""
    joins, player = f"{fleet.url}/v1/games/{fleet.game}/joins", f"who wants {room}"
    answer = ask(joins, method="POST", player=player, body={"room": room})
    assert (answer.status, answer.json["state"]) == (202, "waiting")
    return lambda: ask(f"{joins}/{answer.json['id']}", player=player).json["state"] == "admitted"


@contextmanager
def measured(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - begun:.2f} s")


def known(fleet: Operated) -> set[str]:
    return {room["name"] for room in fleet.get(f"/v1/games/{fleet.game}/rooms")["rooms"]}


def retried(fleet: Operated) -> Callable[[], bool]:
    before = fleet.log("operator").count("will retry")
    return lambda: fleet.log("operator").count("will retry") >= before + RETRIES


async def played_through(fleet: Operated, cluster: Cluster, room: str, trouble: Callable[[], None]) -> None:
    """A player who notices nothing of the trouble, and one who joins the running room in its midst."""
    ada = Client(fleet.url, game=fleet.game, token="ada")
    bob = Client(fleet.url, game=fleet.game, token="bob")
    async with ada, bob:
        await ada.join("hall")
        await asyncio.to_thread(wait_running, fleet, cluster, "hall")
        before = await ada.call("tap")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(trouble))
            await bob.join("hall")
            for _ in range(10):
                await ada.call("tap")
        assert await ada.call("tap") == before + 11  # in the same life of the same room
    assert status(fleet, cluster, "hall")["epoch"] == 1


def wait_running(fleet: Operated, cluster: Cluster, room: str) -> None:
    eventually(lambda: status(fleet, cluster, room).get("phase") == "Running", what=f"{room} Running")


def test_while_the_api_server_is_down_rooms_run_on_and_orders_wait_for_its_return(
    fleet: Operated, cluster: Cluster
) -> None:
    cluster_down = retried(fleet)

    def trouble() -> None:
        cluster.kill_apiserver()
        try:
            eventually(cluster_down, within=30, what="kopf to ask in vain")
            has_a_seat = ask_in(fleet, "down")
            assert not has_a_seat(), "what cannot be recorded is not done"
        finally:
            cluster.start_apiserver()
        wake(fleet, cluster, "at-its-return")
        with measured("from the API server's return until a player who waits since before has a seat"):
            eventually(has_a_seat, what="a seat")
        with measured("and until the room that was ordered at its return is Running"):
            placed_once(fleet, cluster, "at-its-return")
        placed_once(fleet, cluster, "down")

    asyncio.run(played_through(fleet, cluster, "down", trouble))


def test_a_paused_api_server_delays_orders_and_harms_nothing(fleet: Operated, cluster: Cluster) -> None:
    def trouble() -> None:
        warnings = fleet.log("operator").count("cannot renew the lease")
        cluster.pause_apiserver()
        with ThreadPoolExecutor(1) as elsewhere:
            try:
                # The kernel takes the order in; the API server reads it when it goes on.
                order = elsewhere.submit(wake, fleet, cluster, "paused")
                eventually(
                    lambda: fleet.log("operator").count("cannot renew the lease") > warnings,
                    what="the operator to miss its lease",
                )
                assert not order.done()
            finally:
                cluster.resume_apiserver()
            with measured("from the API server's SIGCONT until a room ordered while it stood is Running"):
                order.result()
                placed_once(fleet, cluster, "paused")

    asyncio.run(played_through(fleet, cluster, "paused", trouble))


def test_what_was_made_changed_and_deleted_while_the_operator_was_cut_off_is_found(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    enough = retried(fleet)
    proxy.cut()
    try:
        wake(fleet, cluster, "meanwhile")
        manifest = room_manifest("made", map="m.hall", keep="Always")
        assert cluster.request("POST", path(fleet), manifest).ok
        assert cluster.request("DELETE", path(fleet, "meanwhile-gone")).ok
        eventually(enough, within=30, what="kopf to ask in vain")
        assert "meanwhile-gone" in known(fleet)
    finally:
        proxy.mend()
    with measured("from the end of the cut until the deletion is known"):
        eventually(lambda: "meanwhile-gone" not in known(fleet), what="the deletion to be known")
    with measured("and until both rooms ordered meanwhile are Running"):
        placed_once(fleet, cluster, "meanwhile")
        placed_once(fleet, cluster, "made")


def test_a_storm_of_conflicts_ends_in_one_placement(fleet: Operated, cluster: Cluster, proxy: Proxy) -> None:
    rule = proxy.fault("PUT", "/storm/status", Fault.ANSWER, times=2, status=409)
    wake(fleet, cluster, "storm")
    for n in range(100):  # somebody else writes all the time
        change = {"metadata": {"annotations": {"storm": str(n)}}}
        assert cluster.request("PATCH", path(fleet, "storm"), change, content_type=MERGE).ok
    placed_once(fleet, cluster, "storm")
    assert rule.is_spent


@pytest.mark.parametrize(("room", "fault"), [("lost", Fault.LOSE), ("silent", Fault.SILENCE)])
def test_a_placement_that_was_written_though_no_answer_came_is_not_made_again(
    fleet: Operated, cluster: Cluster, proxy: Proxy, room: str, fault: Fault
) -> None:
    rule = proxy.fault("PUT", f"/{room}/status", fault)
    wake(fleet, cluster, room)
    with measured(f"{room}: until Running though the answer to the first write never came"):
        placed_once(fleet, cluster, room)
    assert rule.is_spent


def test_a_deletion_that_an_expired_watch_did_not_tell_is_found(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    proxy.freeze_watches()
    wake(fleet, cluster, "expired")
    assert cluster.request("DELETE", path(fleet, "expired-gone")).ok
    proxy.expire_watches()
    with measured("from 410 Gone on all watches until the deletion is known"):
        eventually(lambda: "expired-gone" not in known(fleet), what="the deletion to be known")
    placed_once(fleet, cluster, "expired")


def test_a_list_whose_continuation_has_expired_is_begun_anew(fleet: Operated, proxy: Proxy) -> None:
    gone = proxy.fault("GET", "/rooms?limit=500", Fault.ANSWER, status=410)
    proxy.fault("GET", "/leases/", Fault.ANSWER, times=2, status=500)  # has it look at everything again
    eventually(lambda: gone.is_spent, what="the list to expire")
    seen = len(proxy.requests)
    eventually(
        lambda: any("/rooms?limit=500" in path and code == 200 for _, path, code in proxy.requests[seen:]),
        what="a new list",
    )


@pytest.mark.parametrize("code", [429, 500])
def test_requests_that_the_server_puts_off_are_made_later(
    fleet: Operated, cluster: Cluster, proxy: Proxy, code: int
) -> None:
    room = f"put-off-{code}"
    assert cluster.request("POST", path(fleet), room_manifest(room, map="m.hall")).ok
    rule = proxy.fault("PUT", f"/{room}/status", Fault.ANSWER, times=3, status=code)
    wake(fleet, cluster, room)
    placed_once(fleet, cluster, room)
    assert rule.is_spent


def test_a_token_that_is_refused_for_a_while_is_used_again_when_it_is_good(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    waits = fleet.log("operator").count("does not accept the credentials")
    for method in ("GET", "PATCH", "PUT", "POST"):
        proxy.fault(method, "/", Fault.ANSWER, times=1_000_000, status=401)
    proxy.cut()  # watches that are open would stay so
    try:
        proxy.mend()
        wake(fleet, cluster, "refused")
        eventually(
            lambda: fleet.log("operator").count("does not accept the credentials") > waits + 4,
            what="the operator to be refused",
        )
    finally:
        proxy.clear()
    with measured("from the end of 401 until a room ordered meanwhile is Running"):
        placed_once(fleet, cluster, "refused")


def test_a_token_that_was_changed_in_the_kubeconfig_is_taken_up(
    fleet: Operated, cluster: Cluster, proxy: Proxy
) -> None:
    assert fleet.operator is not None
    token = cluster.service_account(fleet.game, "successor")
    cluster.revoke(fleet.game, "operator")
    proxy.kubeconfig(fleet.kubeconfig, token, fleet.game)
    eventually(
        lambda: "trying with the credentials as they are now" in fleet.log("operator"),
        within=40,
        what="the old token to be refused",
    )
    wake(fleet, cluster, "rotated")
    with measured("a room ordered after the old token is refused, until Running"):
        placed_once(fleet, cluster, "rotated")

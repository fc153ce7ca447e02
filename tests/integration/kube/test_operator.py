"""Rooms in a real API server: what admins see with kubectl, and what players meet, while rooms live."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import yaml

from support.kube import Cluster
from support.operating import Operated, operated
from support.raw import ask, in_room
from support.running import eventually
from support.scraped import Scraped, scraped
from support.small_game import room_manifest, small_game

ROOMS: dict[str, dict[str, Any]] = {
    "hall": {"boredAfterSeconds": 3600},
    "kept": {"keep": "Always"},
    "narrow": {"capacity": 1, "boredAfterSeconds": 3600},
    "doomed": {"boredAfterSeconds": 3600},
    "moved": {"boredAfterSeconds": 0},
    "healed": {"boredAfterSeconds": 3600},
    "raised": {"boredAfterSeconds": 0},
    "changed": {"keep": "Always"},
    "away": {"boredAfterSeconds": 3600},
}
"""Each test has rooms of its own."""

STATUS = "--subresource=status"


@pytest.fixture(scope="module")
def fleet(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("operated")
    source = small_game(folder / "game", ROOMS, nodes=2)
    with operated(cluster, folder, source=source) as made:
        yield made


def conditions(fleet: Operated, room: str) -> dict[str, dict[str, Any]]:
    return {found["type"]: found for found in fleet.status(room).get("conditions", [])}


def columns(fleet: Operated, room: str) -> list[str]:
    """NAME PHASE PLAYERS WAITING NODE SAVED AGE"""
    return fleet.kubectl("get", "room", room, "--no-headers").split()


def events(fleet: Operated, room: str) -> list[tuple[str, str, str]]:
    """Type, reason and message of the Room's events."""
    found = json.loads(
        fleet.kubectl("get", "events", f"--field-selector=involvedObject.name={room}", "-o", "json")
    )
    return [(one["type"], one["reason"], one["message"]) for one in found["items"]]


def apply(fleet: Operated, name: str, **spec: Any) -> None:
    """Returns when the master has seen it."""
    fleet.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(room_manifest(name, **{**ROOMS[name], **spec})))

    def seen() -> bool:
        found = fleet.room(name)
        status: dict[str, Any] = found.get("status", {})
        return status.get("observedGeneration") == found["metadata"]["generation"]

    fleet.wait_for(seen, 10, f"{name} to be seen")


def patch(fleet: Operated, name: str, body: object, *more: str) -> None:
    fleet.kubectl("patch", "room", name, "--type=merge", "-p", json.dumps(body), *more)


def visit(fleet: Operated, room: str, player: str, taps: int = 1) -> int:
    """A player comes, taps, and goes: how often that player has tapped by then."""

    async def play() -> int:
        done = 0
        async with in_room(fleet.url, fleet.game, player, room) as raw:
            for n in range(taps):
                done = (await raw.call(n + 1, "tap"))["value"]
        return done

    return asyncio.run(play())


def saved_at(fleet: Operated, room: str) -> float | None:
    """When the store has last taken in the room."""
    with closing(sqlite3.connect(fleet.store.removeprefix("sqlite:///"))) as db:
        row = db.execute("SELECT saved_at FROM rooms WHERE id = ?", (f"{fleet.game}/{room}",)).fetchone()
    return None if row is None else row[0]


def test_a_room_that_is_kept_always_becomes_ready_and_its_columns_say_where(fleet: Operated) -> None:
    fleet.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")
    assert columns(fleet, "kept")[:5] == ["kept", "Running", "0", "0", fleet.status("kept")["node"]]
    found = conditions(fleet, "kept")
    assert {kind: one["status"] for kind, one in found.items()} == {
        "Ready": "True",
        "Placed": "True",
        "Saved": found["Saved"]["status"],
    }
    assert all(one["observedGeneration"] == 1 and one["lastTransitionTime"] for one in found.values())
    eventually(lambda: "Running" in [reason for _, reason, _ in events(fleet, "kept")], what="an event")


def test_columns_count_players_and_those_who_wait(fleet: Operated) -> None:
    async def play() -> None:
        async with in_room(fleet.url, fleet.game, "ada", "narrow"):
            waiting = asyncio.create_task(second())
            await look(["narrow", "Running", "1", "1"])
        await waiting
        await look(["narrow", "Running", "0", "0"])

    async def second() -> None:
        async with in_room(fleet.url, fleet.game, "bob", "narrow"):
            pass

    async def look(expected: list[str]) -> None:
        def found() -> bool:
            return columns(fleet, "narrow")[:4] == expected

        await asyncio.to_thread(eventually, found, what=f"columns {expected}")

    asyncio.run(play())
    assert "kopf" not in fleet.kubectl("get", "room", "narrow", "-o", "yaml", "--show-managed-fields")


def test_a_deleted_room_says_goodbye_and_is_saved_and_its_object_is_gone_at_once(fleet: Operated) -> None:
    async def play() -> None:
        async with in_room(fleet.url, fleet.game, "cid", "doomed") as raw:
            for n in range(3):
                await raw.call(n + 1, "tap")
            found = json.loads(fleet.kubectl("get", "room", "doomed", "-o", "json", "--show-managed-fields"))[
                "metadata"
            ]
            assert "finalizers" not in found
            assert set(found["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
            writers = {one["manager"] for one in found["managedFields"] if one.get("subresource") != "status"}
            assert writers == {"kubectl-client-side-apply"}
            await asyncio.to_thread(fleet.kubectl, "delete", "room", "doomed", "--timeout=5s")
            heard = await raw.rest()
        assert [one["code"] for one in heard if one["type"] == "bye"] == ["room-deleted"]

    asyncio.run(play())
    assert "NotFound" in fleet.cluster.kubectl("-n", fleet.game, "get", "room", "doomed", check=False).stderr
    eventually(lambda: saved_at(fleet, "doomed"), what="saved")
    apply(fleet, "doomed")
    assert visit(fleet, "doomed", "cid") == 4
    assert fleet.status("doomed")["epoch"] > 1


def test_a_deleted_room_that_a_finalizer_of_somebody_else_keeps_is_closed_all_the_same(
    fleet: Operated,
) -> None:
    def keep(finalizers: list[str]) -> None:
        change = {"metadata": {"finalizers": finalizers}}
        fleet.kubectl("patch", "room", "doomed", "--type=merge", "-p", json.dumps(change))

    async def play() -> None:
        async with in_room(fleet.url, fleet.game, "cid", "doomed") as raw:
            await asyncio.to_thread(keep, ["example.org/backup"])
            await asyncio.to_thread(fleet.kubectl, "delete", "room", "doomed", "--wait=false")
            heard = await raw.rest()
        assert [one["code"] for one in heard if one["type"] == "bye"] == ["room-deleted"]

    asyncio.run(play())
    joins = f"{fleet.url}/v1/games/{fleet.game}/joins"
    answer = ask(joins, method="POST", player="cid", body={"room": "doomed"})
    assert (answer.status, answer.json["title"]) == (404, "No such room")
    fleet.kubectl("annotate", "room", "doomed", "example.org/backup=done")  # the watch tells of it once more
    keep([])
    fleet.kubectl("wait", "--for=delete", "room/doomed", "--timeout=5s")
    apply(fleet, "doomed")
    assert visit(fleet, "doomed", "cid") > 0


def test_a_room_made_again_with_another_map_fails_with_the_cure(fleet: Operated) -> None:
    visit(fleet, "moved", "dan")
    fleet.wait_phase("moved", "Asleep")
    fleet.kubectl("delete", "room", "moved", "--timeout=5s")
    apply(fleet, "moved", map="m.hall", keep="Always")
    fleet.wait_phase("moved", "Failed")
    wide = fleet.kubectl("get", "room", "moved", "-o", "wide", "--no-headers")
    assert "m.moved" in wide
    assert "m.hall" in wide
    eventually(
        lambda: "Warning" in [kind for kind, reason, _ in events(fleet, "moved") if reason == "Failed"],
        what="a warning",
    )
    apply(fleet, "moved", keep="Always")
    fleet.kubectl("wait", "--for=condition=Ready", "room/moved", "--timeout=20s")


def test_a_status_changed_by_hand_heals(fleet: Operated) -> None:
    visit(fleet, "healed", "eve")
    before = fleet.wait_phase("healed", "Running")
    wrong = {"status": {"phase": "Asleep", "node": "nowhere", "message": "by hand", "conditions": []}}
    patch(fleet, "healed", wrong, STATUS)
    assert fleet.wait_phase("healed", "Running")["node"] == before["node"]
    path = f"/apis/roomfleet.io/v1alpha1/namespaces/{fleet.game}/rooms/healed/status"
    found = fleet.room("healed")
    del found["status"]
    answer = fleet.cluster.request("PUT", path, found)
    assert answer.ok, answer
    after = fleet.wait_phase("healed", "Running")
    assert (after["node"], after["epoch"]) == (before["node"], before["epoch"])
    assert {one["type"] for one in after["conditions"]} == {"Ready", "Placed", "Saved"}


def test_an_epoch_raised_by_hand_is_never_undercut(fleet: Operated) -> None:
    visit(fleet, "raised", "fay")
    fleet.wait_phase("raised", "Asleep")
    patch(fleet, "raised", {"status": {"epoch": 1000}}, STATUS)
    visit(fleet, "raised", "fay")
    assert fleet.wait_phase("raised", "Asleep")["epoch"] > 1000


def test_a_changed_spec_restarts_what_cannot_change_while_it_runs(fleet: Operated) -> None:
    fleet.kubectl("wait", "--for=condition=Ready", "room/changed", "--timeout=20s")
    first = fleet.status("changed")
    ready = conditions(fleet, "changed")["Ready"]
    apply(fleet, "changed", capacity=7)
    eventually(lambda: fleet.status("changed")["observedGeneration"] == 2, what="seen")
    assert fleet.status("changed")["epoch"] == first["epoch"]
    assert conditions(fleet, "changed")["Ready"] == {**ready, "observedGeneration": 2}
    apply(fleet, "changed", script="nothing.here:Place")
    failed = fleet.wait_phase("changed", "Failed")
    assert "nothing" in failed["message"]
    apply(fleet, "changed")
    assert fleet.wait_phase("changed", "Running")["epoch"] > first["epoch"]


def test_what_is_not_done_yet_is_said_on_the_object(fleet: Operated) -> None:
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "RoomFleet",
        "metadata": {"name": "later"},
        "spec": {"minNodes": 0, "ingress": {}},
    }
    fleet.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    fleet.kubectl("wait", "--for=condition=Accepted=False", "rfleet/later", "--timeout=10s")
    status = json.loads(fleet.kubectl("get", "rfleet", "later", "-o", "json"))["status"]
    (accepted,) = [each for each in status["conditions"] if each["type"] == "Accepted"]
    assert (accepted["reason"], accepted["observedGeneration"]) == ("NotYetSupported", 1)


def test_without_its_operator_nothing_hangs_and_the_next_one_makes_good(fleet: Operated) -> None:
    """Stops the fleet's operator and starts it again: the other tests do not notice."""

    async def play() -> None:
        async with in_room(fleet.url, fleet.game, "gil", "away") as raw:
            await raw.call(1, "tap")
            assert await asyncio.to_thread(fleet.stop_operator) == 0
            lease = json.loads(fleet.kubectl("get", "lease", "roomfleet-master", "-o", "json"))
            assert not lease["spec"].get("holderIdentity")
            await asyncio.to_thread(fleet.kubectl, "delete", "room", "away", "--timeout=5s")
            assert (await raw.call(2, "tap"))["value"] == 2
            kept = fleet.status("kept")
            await asyncio.to_thread(fleet.start_operator)
            heard = await raw.rest(20)
            assert [one["code"] for one in heard if one["type"] == "bye"] == ["room-deleted"]
            await asyncio.to_thread(eventually, lambda: len(fleet.connected()) == 2, what="both nodes")
            await asyncio.to_thread(fleet.wait_phase, "kept", "Running")
            assert fleet.status("kept")["epoch"] == kept["epoch"]

    asyncio.run(play())
    apply(fleet, "away")
    assert visit(fleet, "away", "gil") == 3


def test_metrics_tell_what_was_asked_of_the_api_server(fleet: Operated) -> None:
    def metrics(port: int) -> Scraped:
        answer = ask(f"http://127.0.0.1:{port}/metrics")
        assert answer.status == 200
        return scraped(answer.text)

    fleet.wait_phase("kept", "Running")
    objects = json.loads(fleet.kubectl("get", "rooms", "-o", "json"))["items"]
    for port in (fleet.link_port, fleet.port):
        found = metrics(port)
        assert (found["roomfleet_synced"][()], found["roomfleet_lease_held"][()]) == (1, 1)
        assert found["roomfleet_rooms"][("default", fleet.game, "Running")] >= 1
        assert sum(found["roomfleet_rooms"].values()) == len(objects)
        assert found["roomfleet_nodes"][("default", fleet.game, "up")] == 2
        written = found["roomfleet_status_writes_total"][("written",)]
        assert written >= 2
        assert found["roomfleet_status_write_seconds_count"][()] == written
        assert found["roomfleet_api_requests_total"][("PUT", "ok")] >= written
        assert found["roomfleet_api_requests_total"][("GET", "ok")] >= 3

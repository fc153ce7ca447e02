"""InstancedRooms in a real API server: made by joins, bound, scaled and seen with kubectl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from roomfleet.wire.names import instance_name
from support.kube import Cluster
from support.operating import Operated, operated
from support.raw import ask
from support.running import eventually
from support.small_game import small_game

SEVEN = instance_name("den", "party-7")


@pytest.fixture(scope="module")
def fleet(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("instanced")
    source = small_game(folder / "game", {"hall": {"boredAfterSeconds": 3600}}, nodes=2)
    with operated(cluster, folder, source=source) as made:
        yield made


def apply(fleet: Operated, name: str, *, room: dict[str, Any] | None = None, **spec: Any) -> None:
    child = {"map": "m.hall", "boredAfterSeconds": 1, **(room or {})}
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "InstancedRoom",
        "metadata": {"name": name},
        "spec": {"template": {"spec": child}, **spec},
    }
    fleet.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))


def instances(fleet: Operated, template: str) -> list[dict[str, Any]]:
    label = f"roomfleet.io/instance-of={template}"
    found: list[dict[str, Any]] = json.loads(fleet.kubectl("get", "rooms", "-l", label, "-o", "json"))[
        "items"
    ]
    return found


def key_of(room: dict[str, Any]) -> str | None:
    key: str | None = room["metadata"].get("annotations", {}).get("roomfleet.io/instance-key")
    return key


def status(fleet: Operated, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.kubectl("get", "iroom", name, "-o", "json")).get("status", {})
    return found


def join(fleet: Operated, player: str, template: str, key: str) -> dict[str, Any]:
    """By REST, polled until it is answered for good."""
    url = f"{fleet.url}/v1/games/{fleet.game}/joins"
    answer = ask(url, method="POST", player=player, body={"instanced_room": template, "key": key})
    while answer.status == 202:
        answer = ask(fleet.url + answer.headers["Location"], player=player)
    found: dict[str, Any] = answer.json
    return {**found, "code": answer.status}


def test_a_hundred_joins_at_once_with_one_key_make_one_room_which_is_bored_and_goes(fleet: Operated) -> None:
    apply(fleet, "den")
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda n: join(fleet, f"p{n}", "den", "party-7"), range(100)))
    assert {(answer["code"], answer["room"]) for answer in answers} == {(201, SEVEN)}
    (room,) = instances(fleet, "den")
    assert room["metadata"]["name"] == SEVEN
    assert key_of(room) == "party-7"
    (owner,) = room["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("InstancedRoom", "den")
    eventually(lambda: status(fleet, "den").get("instances") == 1, what="the count")
    eventually(lambda: not instances(fleet, "den"), within=40, what="the instance is bored, and gone")
    assert join(fleet, "late", "den", "party-7")["room"] == SEVEN


def test_kubectl_scale_sets_how_many_are_warm_and_takes_none_that_has_a_key(fleet: Operated) -> None:
    apply(fleet, "hut", room={"boredAfterSeconds": 3600})
    fleet.kubectl("scale", "iroom", "hut", "--replicas=2")
    eventually(lambda: status(fleet, "hut").get("warm") == 2, within=30, what="two warm instances")
    selector = status(fleet, "hut")["selector"]
    assert len(json.loads(fleet.kubectl("get", "rooms", "-l", selector, "-o", "json"))["items"]) == 2
    taken = join(fleet, "ann", "hut", "ann's own")["room"]
    assert taken.startswith("hut-w-")
    by_name = {room["metadata"]["name"]: room for room in instances(fleet, "hut")}
    assert key_of(by_name[taken]) == "ann's own"
    assert "roomfleet.io/warm" not in by_name[taken]["metadata"]["labels"]
    eventually(lambda: len(instances(fleet, "hut")) == 3, what="another warm one in its place")
    fleet.kubectl("scale", "iroom", "hut", "--replicas=0")
    eventually(
        lambda: [room["metadata"]["name"] for room in instances(fleet, "hut")] == [taken],
        within=30,
        what="the one with a key alone",
    )
    scale = json.loads(
        fleet.kubectl(
            "get", "--raw", f"/apis/roomfleet.io/v1alpha1/namespaces/{fleet.game}/instancedrooms/hut/scale"
        )
    )
    assert scale["spec"].get("replicas", 0) == 0


def test_joins_for_one_key_find_its_room_after_the_operator_was_killed_between_binding_and_answering(
    fleet: Operated,
) -> None:
    apply(fleet, "lair", room={"boredAfterSeconds": 3600}, warm=1)
    eventually(lambda: status(fleet, "lair").get("warm") == 1, within=30, what="a warm instance")
    (warm,) = instances(fleet, "lair")
    name = warm["metadata"]["name"]
    assert fleet.stop_operator() == 0
    # What the operator had written when it was killed, before anybody was answered.
    fleet.kubectl("annotate", "room", name, "roomfleet.io/instance-key=party-7")
    fleet.kubectl("label", "room", name, "roomfleet.io/warm-")
    fleet.start_operator()
    eventually(lambda: len(fleet.connected()) == 2, what="both nodes")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: join(fleet, f"q{n}", "lair", "party-7"), range(20)))
    assert {(answer["code"], answer["room"]) for answer in answers} == {(201, name)}
    assert [room["metadata"]["name"] for room in instances(fleet, "lair") if key_of(room)] == [name]

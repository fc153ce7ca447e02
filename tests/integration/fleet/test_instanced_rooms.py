"""InstancedRooms on a running fleet: made by a key, found again, warm, scaled, bored and gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from roomfleet.wire.names import instance_name
from support.raw import ask
from support.running import Running, eventually, running
from support.trial_game import GAME, SHORT, trial_game

ROOMS: dict[str, dict[str, Any]] = {"alpha": {"boredAfterSeconds": 1}}
SEVEN = instance_name("den", "party-7")


def template(name: str, *, room: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """The manifest of an InstancedRoom."""
    child = {"map": "map1.alpha", "script": "trial.rooms:Place", "boredAfterSeconds": 1, **(room or {})}
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "InstancedRoom",
        "metadata": {"name": name},
        "spec": {"template": {"spec": child}, **spec},
    }


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("instanced")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": 2, "maxNodes": 2})
    with running(game, folder / "data", environment=SHORT) as made:
        yield made


def apply(fleet: Running, *manifests: dict[str, Any]) -> None:
    done = fleet.roomfleet("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    assert done.returncode == 0, done.stderr


def rooms(fleet: Running, template: str) -> list[dict[str, Any]]:
    """The instances, as `roomfleet get rooms -l …` lists them."""
    done = fleet.roomfleet("get", "rooms", "-l", f"roomfleet.io/instance-of={template}", "-o", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found


def status(fleet: Running, name: str) -> dict[str, Any]:
    done = fleet.roomfleet("get", "iroom", name, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout).get("status", {})
    return found


def post(fleet: Running, player: str, template: str, key: str) -> dict[str, Any]:
    """Join by REST, polled until it is answered for good."""
    body = {"instanced_room": template, "key": key}
    url = f"{fleet.url}/v1/games/{GAME}/joins"
    answer = ask(url, method="POST", player=player, body=body)
    while answer.status == 202:
        answer = ask(fleet.url + answer.headers["Location"], player=player)
    found: dict[str, Any] = answer.json
    return {**found, "code": answer.status}


def test_a_hundred_joins_at_once_with_one_key_make_one_instance_which_is_bored_and_goes(
    fleet: Running,
) -> None:
    apply(fleet, template("den"))
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda n: post(fleet, f"p{n}", "den", "party-7"), range(100)))
    assert {(answer["code"], answer["room"]) for answer in answers} == {(201, SEVEN)}
    (room,) = rooms(fleet, "den")
    metadata = room["metadata"]
    assert metadata["name"] == SEVEN
    assert metadata["annotations"]["roomfleet.io/instance-key"] == "party-7"
    assert metadata["ownerReferences"][0]["kind"] == "InstancedRoom"
    assert room["spec"]["onDelete"] == "Delete"
    eventually(lambda: status(fleet, "den")["instances"] == 1, what="the count of instances")
    eventually(lambda: not rooms(fleet, "den"), within=40, what="the instance is bored, and gone")
    assert post(fleet, "late", "den", "party-7")["room"] == SEVEN

"""The CRDs on a real API server: rules on every way in, columns, names, and what `kubectl explain` tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from roomfleet.master.local.objects import Objects
from support.kube import APPLY, CRDS, MERGE, Cluster
from support.manifests import manifest
from support.served import Served

DUNGEON = manifest("InstancedRoom", "dungeon", template={"spec": {"map": "map1.room1"}}, maxInstances=3)
FLEET = manifest("RoomFleet", "default", minNodes=1, maxNodes=3, template={"image": "game:1"})
MIN_ABOVE_MAX = "must not be above maxNodes: lower minNodes or raise maxNodes"
MAP_IS_FIXED = "cannot change once the room has saved data: put the old map back"
ONE_OF = {"rooms": manifest(), "instancedrooms": DUNGEON, "roomfleets": FLEET}


@pytest.fixture
def game(cluster: Cluster) -> str:
    return cluster.namespace()


def path_of(game: str, plural: str, name: str) -> str:
    return f"/apis/roomfleet.io/v1alpha1/namespaces/{game}/{plural}/{name}"


def create(cluster: Cluster, game: str, content: dict[str, Any]) -> str:
    """Make an object; its path."""
    plural = f"{content['kind'].lower()}s"
    path = path_of(game, plural, content["metadata"]["name"])
    assert cluster.request("POST", path.rpartition("/")[0], content).status == 201
    return path


def refused(cluster: Cluster, game: str, *args: str, input: dict[str, Any] | None = None) -> str:
    """What kubectl wrote when the server refused."""
    text = None if input is None else json.dumps(input)
    done = cluster.kubectl("-n", game, *args, input=text, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


# -- rules on every way in ---------------------------------------------------------------------


@pytest.mark.parametrize("way", ["apply", "server-side apply", "patch", "replace", "scale"])
def test_a_fleets_least_nodes_stay_below_its_most(way: str, cluster: Cluster, game: str) -> None:
    create(cluster, game, FLEET)
    wrong = {**FLEET, "spec": {**FLEET["spec"], "minNodes": 4}}
    said = {
        "apply": lambda: refused(cluster, game, "apply", "-f", "-", input=wrong),
        "server-side apply": lambda: refused(
            cluster, game, "apply", "--server-side", "--force-conflicts", "-f", "-", input=wrong
        ),
        "patch": lambda: refused(
            cluster, game, "patch", "rfleet", "default", "--type=merge", "-p", '{"spec":{"minNodes":4}}'
        ),
        "replace": lambda: refused(cluster, game, "replace", "-f", "-", input=wrong),
        "scale": lambda: refused(cluster, game, "scale", "rfleet", "default", "--replicas=4"),
    }[way]()
    assert MIN_ABOVE_MAX in said
    fleet = cluster.request("GET", path_of(game, "roomfleets", "default")).object
    assert fleet["spec"]["minNodes"] == 1


@pytest.mark.parametrize("way", ["apply", "server-side apply", "patch"])
def test_a_rooms_map_is_fixed_once_the_status_says_saved(way: str, cluster: Cluster, game: str) -> None:
    town = create(cluster, game, manifest(map="map1.room1"))
    assert cluster.request("PATCH", town, {"spec": {"map": "map1.room2"}}, content_type=MERGE).ok
    saved = {"status": {"phase": "Asleep", "savedAt": "2026-01-01T00:00:00Z"}}
    assert cluster.request("PATCH", f"{town}/status", saved, content_type=MERGE).ok
    other = manifest(map="map1.room3")
    said = {
        "apply": lambda: refused(cluster, game, "apply", "-f", "-", input=other),
        "server-side apply": lambda: refused(
            cluster, game, "apply", "--server-side", "--force-conflicts", "-f", "-", input=other
        ),
        "patch": lambda: refused(
            cluster, game, "patch", "rm", "town", "--type=merge", "-p", '{"spec":{"map":"map1.room3"}}'
        ),
    }[way]()
    assert MAP_IS_FIXED in said
    assert cluster.request("GET", town).object["spec"]["map"] == "map1.room2"


def test_scale_sets_a_fleets_least_nodes_and_a_templates_warm_rooms(cluster: Cluster, game: str) -> None:
    fleet = create(cluster, game, FLEET)
    dungeon = create(cluster, game, DUNGEON)
    cluster.kubectl("-n", game, "scale", "rfleet/default", "--replicas=2")
    cluster.kubectl("-n", game, "scale", "iroom/dungeon", "--replicas=2")
    assert cluster.request("GET", fleet).object["spec"]["minNodes"] == 2
    assert cluster.request("GET", dungeon).object["spec"]["warm"] == 2
    above = refused(cluster, game, "scale", "iroom/dungeon", "--replicas=4")
    assert "must not be above maxInstances" in above


def test_kubectl_scales_on_a_laptop_as_in_a_cluster(cluster: Cluster, tmp_path: Path) -> None:
    served = Served(Objects(tmp_path / "objects", game="walkabout"))

    def kubectl(*args: str) -> str:
        done = cluster.kubectl("--server", served.url, "-n", "walkabout", *args, check=False)
        return done.stdout + done.stderr

    try:
        served.run(lambda objects: [objects.apply(each) for each in (manifest(), DUNGEON, FLEET)])
        assert "default scaled" in kubectl("scale", "rfleet/default", "--replicas=2")
        assert "dungeon scaled" in kubectl(
            "scale", "iroom", "dungeon", "--current-replicas=0", "--replicas=2"
        )
        assert "default 2" in kubectl(
            "get", "rfleet", "-o", "jsonpath={.items[0].metadata.name} {.items[0].spec.minNodes}"
        )
        assert "Expected replicas to be 0, was 2" in kubectl(
            "scale", "iroom", "dungeon", "--current-replicas=0", "--replicas=1"
        )
        assert "must not be above maxInstances" in kubectl("scale", "iroom", "dungeon", "--replicas=4")
        assert "rooms cannot be scaled" in kubectl("scale", "room/town", "--replicas=2")
    finally:
        served.close()


def test_a_spec_cannot_be_changed_through_the_status_nor_the_status_through_the_spec(
    cluster: Cluster, game: str
) -> None:
    town = create(cluster, game, {**manifest(), "status": {"phase": "Running"}})
    both = {"spec": {"capacity": 7}, "status": {"phase": "Running"}}
    assert "status" not in cluster.request("PATCH", town, both, content_type=MERGE).object
    room = cluster.request(
        "PATCH",
        f"{town}/status",
        {"spec": {"capacity": 9}, "status": {"phase": "Asleep"}},
        content_type=MERGE,
    ).object
    assert (room["spec"]["capacity"], room["status"]["phase"]) == (7, "Asleep")


def test_a_stale_version_is_a_conflict_on_the_status_too(cluster: Cluster, game: str) -> None:
    town = create(cluster, game, manifest())
    seen = cluster.request("GET", town).object["metadata"]["resourceVersion"]
    record = {"metadata": {"resourceVersion": seen}, "status": {"epoch": 1, "node": "a"}}
    assert cluster.request("PATCH", f"{town}/status", record, content_type=MERGE).ok
    assert cluster.request("PATCH", f"{town}/status", record, content_type=MERGE).status == 409


def test_the_defaults_of_the_schema_are_filled_in(cluster: Cluster, game: str) -> None:
    answer = cluster.request(
        "PATCH", f"{path_of(game, 'rooms', 'town')}?fieldManager=me", manifest(), content_type=APPLY
    )
    expected = {"fleet": "default", "capacity": 100, "keep": "WhenWanted", "onDelete": "Retain"}
    assert expected.items() <= answer.object["spec"].items()


# -- how kubectl shows them ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "columns", "wide"),
    [
        ("rooms", "NAME PHASE PLAYERS WAITING NODE SAVED AGE", "FLEET MAP EPOCH MESSAGE"),
        ("instancedrooms", "NAME INSTANCES RUNNING WARM PLAYERS WAITING AGE", "FLEET MAP MAX MESSAGE"),
        ("roomfleets", "NAME NODES READY ROOMS PLAYERS AGE", "MIN MAX STRATEGY MESSAGE"),
    ],
)
def test_kubectl_get_has_the_columns(kind: str, columns: str, wide: str, cluster: Cluster, game: str) -> None:
    create(cluster, game, ONE_OF[kind])
    assert cluster.kubectl("-n", game, "get", kind).stdout.splitlines()[0].split() == columns.split()
    header = cluster.kubectl("-n", game, "get", kind, "-o", "wide").stdout.splitlines()[0].split()
    assert header == [*columns.split(), *wide.split()]


def test_kubectl_get_shows_a_rooms_status(cluster: Cluster, game: str) -> None:
    town = create(cluster, game, manifest())
    condition = {
        "type": "Saved",
        "status": "True",
        "reason": "Saved",
        "message": "all is saved",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"phase": "Running", "node": "a", "players": 3, "waiting": 1, "conditions": [condition]}
    assert cluster.request("PATCH", f"{town}/status", {"status": status}, content_type=MERGE).ok
    row = cluster.kubectl("-n", game, "get", "rm", "--no-headers").stdout.split()
    assert row[:-1] == ["town", "Running", "3", "1", "a", "True"]
    cluster.kubectl("-n", game, "wait", "--for=condition=Saved", "room/town", "--timeout=1s")


def test_short_names_and_singulars_name_the_kinds(cluster: Cluster, game: str) -> None:
    for content in ONE_OF.values():
        create(cluster, game, content)
    for names, found in (
        ("rm room rooms", "room.roomfleet.io/town"),
        ("iroom instancedroom instancedrooms", "instancedroom.roomfleet.io/dungeon"),
        ("rfleet roomfleet roomfleets", "roomfleet.roomfleet.io/default"),
    ):
        for name in names.split():
            by_name = cluster.kubectl("-n", game, "get", name, found.partition("/")[2], "-o", "name").stdout
            assert by_name == f"{found}\n"


def test_the_category_lists_all_three_kinds(cluster: Cluster, game: str) -> None:
    for content in ONE_OF.values():
        create(cluster, game, content)
    found = cluster.kubectl("-n", game, "get", "roomfleet-all", "-o", "name").stdout.split()
    assert sorted(found) == [
        "instancedroom.roomfleet.io/dungeon",
        "room.roomfleet.io/town",
        "roomfleet.roomfleet.io/default",
    ]


# -- kubectl explain ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ONE_OF)
def test_kubectl_explain_tells_every_field(kind: str, cluster: Cluster) -> None:
    told = cluster.kubectl("explain", kind, "--recursive").stdout
    for path, _ in fields(kind):
        assert re.search(rf"^\s+{re.escape(path.rpartition('.')[2])}\t<", told, re.MULTILINE), path
    deepest = max((path for path, _ in fields(kind)), key=lambda path: path.count("."))
    described = dict(fields(kind))[deepest]
    words = cluster.kubectl("explain", f"{kind}.{deepest}").stdout.split()
    assert " ".join(described.split()) in " ".join(words)


@pytest.mark.parametrize("kind", ONE_OF)
def test_every_field_has_a_description(kind: str) -> None:
    assert [path for path, description in fields(kind) if not description.strip()] == []


def fields(kind: str) -> Iterator[tuple[str, str]]:
    """Path and description of each field of ours, as the CRD has them."""
    definition = yaml.safe_load((CRDS / f"{kind}.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in ("spec", "status"):
        yield from _below(name, schema["properties"][name])


def _below(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield path, schema.get("description", "")
    inner = schema.get("items", schema)
    for name, property in inner.get("properties", {}).items():
        yield from _below(f"{path}.{name}", property)

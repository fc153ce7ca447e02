"""The Kubernetes-shaped API over real sockets: who may ask, what verbs do, watches, and bad requests."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from roomfleet.master.local.errors import Forbidden
from roomfleet.master.local.kubeapi.handler import MAX_BODY, refuse_strangers
from roomfleet.master.local.table import KEPT_EVENTS
from support.manifests import manifest

GROUP = "/apis/roomfleet.io/v1alpha1"
ROOMS = f"{GROUP}/namespaces/walkabout/rooms"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
MERGE = {"Content-Type": "application/merge-patch+json"}
JSON = {"Content-Type": "application/json"}
Answer = tuple[int, dict[str, Any]]
Ask = Callable[..., Answer]


@pytest.fixture
def ask(served: Any) -> Ask:
    """Asks the server; the answer's code and JSON."""

    def asked(
        method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, content, headers or {})
        response = connection.getresponse()
        found = json.loads(response.read())
        connection.close()
        return response.status, found

    return asked


def apply(ask: Ask, obj: dict[str, Any], query: str = "?fieldManager=me") -> Answer:
    return ask("PATCH", f"{ROOMS}/{obj['metadata']['name']}{query}", obj, APPLY)


def test_an_object_is_applied_got_listed_and_deleted(ask: Ask) -> None:
    code, made = apply(ask, manifest())
    assert (code, made["spec"]["capacity"]) == (201, 100)
    assert apply(ask, manifest(capacity=3))[0] == 200
    assert ask("GET", f"{ROOMS}/town")[1]["spec"]["capacity"] == 3
    code, found = ask("GET", ROOMS)
    assert (code, found["kind"], found["apiVersion"]) == (200, "RoomList", "roomfleet.io/v1alpha1")
    assert [item["metadata"]["name"] for item in found["items"]] == ["town"]
    assert found["metadata"]["resourceVersion"] == found["items"][0]["metadata"]["resourceVersion"]
    code, status = ask("DELETE", f"{ROOMS}/town")
    assert (code, status["status"], status["details"]["uid"]) == (200, "Success", made["metadata"]["uid"])
    code, status = ask("GET", f"{ROOMS}/town")
    assert (code, status["kind"], status["reason"]) == (404, "Status", "NotFound")
    assert status["message"] == 'rooms.roomfleet.io "town" not found'


def test_a_manifest_may_be_yaml(ask: Ask) -> None:
    text = b"apiVersion: roomfleet.io/v1alpha1\nkind: Room\nmetadata:\n  name: town\nspec:\n  map: m.r\n"
    assert ask("PATCH", f"{ROOMS}/town?fieldManager=me", text, APPLY)[0] == 201


def test_creating_twice_conflicts(ask: Ask) -> None:
    assert ask("POST", ROOMS, manifest(), JSON)[0] == 201
    code, status = ask("POST", ROOMS, manifest(), JSON)
    assert (code, status["reason"]) == (409, "AlreadyExists")


def test_an_invalid_object_is_told_field_by_field(ask: Ask) -> None:
    code, status = apply(ask, manifest(capacity=0, keep="No"))
    assert (code, status["reason"]) == (422, "Invalid")
    assert status["message"].startswith('Room "town" is invalid: [spec.capacity: Invalid value: 0: ')
    causes = {cause["field"]: cause["reason"] for cause in status["details"]["causes"]}
    assert causes == {"spec.capacity": "FieldValueInvalid", "spec.keep": "FieldValueNotSupported"}
    assert ask("GET", ROOMS)[1]["items"] == []


def test_status_has_its_own_path_and_a_version_precondition(ask: Ask) -> None:
    version = apply(ask, manifest())[1]["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "status": {"phase": "Queued"}}
    code, found = ask("PATCH", f"{ROOMS}/town/status", patch, MERGE)
    assert (code, found["status"]) == (200, {"phase": "Queued"})
    code, status = ask("PATCH", f"{ROOMS}/town/status", patch, MERGE)
    assert (code, status["reason"]) == (409, "Conflict")
    assert ask("GET", f"{ROOMS}/town/status")[1]["status"] == {"phase": "Queued"}
    assert ask("DELETE", f"{ROOMS}/town/status")[0] == 405


def test_a_merge_patch_changes_the_spec(ask: Ask) -> None:
    apply(ask, manifest())
    code, found = ask("PATCH", f"{ROOMS}/town", {"spec": {"capacity": 9}}, MERGE)
    assert (code, found["spec"]["capacity"]) == (200, 9)


def test_lists_are_filtered_by_labels_and_name(ask: Ask) -> None:
    for name, labels in (("a", {"x": "1"}), ("b", {"x": "2"}), ("c", {})):
        labelled = manifest(name=name)
        labelled["metadata"]["labels"] = labels
        apply(ask, labelled)

    def names(query: str) -> list[str]:
        return [item["metadata"]["name"] for item in ask("GET", ROOMS + query)[1]["items"]]

    assert names("?labelSelector=x%3D1") == ["a"]
    assert names("?labelSelector=x") == ["a", "b"]
    assert names("?fieldSelector=metadata.name%3Dc") == ["c"]
    assert ask("GET", ROOMS + "?labelSelector=((")[0] == 400
    assert ask("GET", ROOMS + "?fieldSelector=spec.map%3Dx")[0] == 400


def test_a_dry_run_only_says(ask: Ask) -> None:
    assert apply(ask, manifest(), "?fieldManager=me&dryRun=All")[0] == 201
    assert ask("GET", ROOMS)[1]["items"] == []
    apply(ask, manifest())
    assert ask("DELETE", f"{ROOMS}/town?dryRun=All")[0] == 400
    assert ask("GET", f"{ROOMS}/town")[0] == 200


def test_what_there_is_can_be_discovered(ask: Ask) -> None:
    assert ask("GET", "/apis")[1]["groups"][0]["name"] == "roomfleet.io"
    assert ask("GET", "/apis/roomfleet.io")[1]["kind"] == "APIGroup"
    resources = {entry["name"]: entry for entry in ask("GET", GROUP)[1]["resources"]}
    assert resources["rooms"]["shortNames"] == ["rm"]
    assert resources["roomfleets/status"]["kind"] == "RoomFleet"
    assert ask("GET", f"{GROUP}/rooms")[1]["kind"] == "RoomList"


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "code", "message"),
    [
        ("GET", "/apis/other/v1", None, {}, 404, "not found"),
        ("GET", f"{GROUP}/namespaces/chess/rooms", None, {}, 404, 'namespaces "chess" not found'),
        ("GET", f"{GROUP}/namespaces/walkabout/pods", None, {}, 404, "not found"),
        ("PUT", f"{ROOMS}/town", manifest(), JSON, 405, "method"),
        ("POST", f"{GROUP}/rooms", manifest(), JSON, 405, "created in a namespace"),
        ("POST", ROOMS, manifest(), {"Content-Type": "text/plain"}, 415, "application/json"),
        ("POST", ROOMS, manifest("RoomFleet"), JSON, 400, "do not match those on the URL"),
        ("POST", ROOMS, b"", JSON, 400, "has 0 objects: send one"),
        ("POST", ROOMS, b"{", JSON, 400, "not JSON"),
        ("POST", ROOMS, b'{"a": 1, "a": 2}', JSON, 400, 'key "a" already set'),
        ("POST", ROOMS, b'{"a": NaN}', JSON, 400, "NaN is no JSON number"),
        (
            "POST",
            ROOMS,
            b'{"a": ' + b"[" * 3000 + b"]" * 3000 + b"}",
            JSON,
            400,
            "not JSON that can be taken",
        ),
        ("POST", ROOMS, b"\xff\xff", JSON, 400, "no manifest"),
        ("POST", ROOMS, b'{"a": "' + b"x" * MAX_BODY + b'"}', JSON, 413, "more than"),
        ("PATCH", f"{ROOMS}/town", manifest(), APPLY, 400, "fieldManager is required"),
        (
            "PATCH",
            f"{ROOMS}/village?fieldManager=x",
            manifest(),
            APPLY,
            400,
            "does not match the name on the URL",
        ),
        ("PATCH", f"{ROOMS}/town", {}, {"Content-Type": "application/json-patch+json"}, 415, "merge-patch"),
        ("PATCH", f"{ROOMS}/town", [], MERGE, 400, "has to be a JSON object"),
        ("PATCH", f"{ROOMS}/town", {}, MERGE, 404, 'rooms.roomfleet.io "town" not found'),
        ("GET", f"{ROOMS}?watch=1&resourceVersion=x", None, {}, 400, "is no number"),
        ("GET", f"{ROOMS}?watch=1&resourceVersion=99", None, {}, 410, "list again"),
        ("GET", ROOMS, None, {"Host": "evil.example.com"}, 403, 'not by "evil.example.com"'),
        ("GET", ROOMS, None, {"X-Forwarded-For": "10.0.0.1"}, 403, "proxy"),
    ],
)
def test_a_bad_request_gets_a_status_that_says_why(
    ask: Ask, method: str, path: str, body: Any, headers: dict[str, str], code: int, message: str
) -> None:
    answered, status = ask(method, path, body, headers)
    assert answered == code
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", code)
    assert message in status["message"]


DUNGEON = manifest("InstancedRoom", "dungeon", template={"spec": {"map": "m.r"}}, maxInstances=3, warm=1)
SCALE = f"{GROUP}/namespaces/walkabout/instancedrooms/dungeon/scale"


def test_a_scale_shows_and_sets_how_many_there_are_to_be(ask: Ask, served: Any) -> None:
    served.run(lambda objects: objects.apply(DUNGEON))
    status = {"status": {"warm": 1, "selector": "a=b"}}
    served.run(lambda objects: objects.patch_status("instancedrooms", "dungeon", status))
    code, scale = ask("GET", SCALE)
    assert (code, scale["kind"], scale["apiVersion"]) == (200, "Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]) == ({"replicas": 1}, {"replicas": 1, "selector": "a=b"})
    code, patched = ask("PATCH", SCALE, {"spec": {"replicas": 2}}, MERGE)
    assert (code, patched["spec"]) == (200, {"replicas": 2})
    patched["spec"]["replicas"] = 0
    assert ask("PUT", SCALE, patched, JSON)[1]["spec"] == {"replicas": 0}
    assert served.run(lambda objects: objects.get("instancedrooms", "dungeon"))["spec"]["warm"] == 0
    assert ask("PUT", SCALE, patched, JSON)[1]["reason"] == "Conflict"


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "code", "message"),
    [
        ("PATCH", SCALE, {"spec": {"replicas": 4}}, MERGE, 422, "lower warm or raise maxInstances"),
        ("PATCH", SCALE, {"spec": {"replicas": -1}}, MERGE, 422, "spec.warm: Invalid value: -1"),
        ("PATCH", SCALE, {"spec": {"replicas": "2"}}, MERGE, 422, "spec.warm"),
        ("PATCH", SCALE, {"spec": {}}, MERGE, 400, "spec.replicas is missing"),
        ("PATCH", SCALE, {"spec": {"replicas": 1}}, APPLY, 415, "merge-patch"),
        ("PUT", SCALE, {"spec": {"replicas": 1}}, MERGE, 415, "application/json"),
        ("PATCH", f"{SCALE}?dryRun=All", {"spec": {"replicas": 1}}, MERGE, 400, "dryRun"),
        ("GET", SCALE.replace("dungeon", "cave"), None, {}, 404, '"cave" not found'),
        ("GET", f"{ROOMS}/town/scale", None, {}, 400, "rooms cannot be scaled: instancedrooms and"),
    ],
)
def test_what_cannot_be_scaled_so_is_told(
    ask: Ask, served: Any, method: str, path: str, body: Any, headers: dict[str, str], code: int, message: str
) -> None:
    served.run(lambda objects: objects.apply(DUNGEON))
    answered, status = ask(method, path, body, headers)
    assert (answered, status["kind"]) == (code, "Status")
    assert message in status["message"]


def test_discovery_tells_which_kinds_can_be_scaled(ask: Ask) -> None:
    found = {resource["name"]: resource for resource in ask("GET", GROUP)[1]["resources"]}
    assert {name for name in found if name.endswith("/scale")} == {
        "instancedrooms/scale",
        "roomfleets/scale",
    }
    assert (found["roomfleets/scale"]["group"], found["roomfleets/scale"]["kind"]) == ("autoscaling", "Scale")


@pytest.mark.parametrize(
    ("address", "host"),
    [("127.0.0.1", "localhost:8080"), ("::1", "[::1]:8080"), ("::1", "[::1]"), ("127.0.0.1", "127.0.0.1")],
)
def test_this_machines_own_programs_may_ask(address: str, host: str) -> None:
    refuse_strangers(address, host, {})


@pytest.mark.parametrize(
    ("address", "host"),
    [("192.168.1.7", "localhost"), ("127.0.0.1", "rebound.example.com:8080"), ("", "localhost"), (None, "")],
)
def test_nobody_else_may(address: str | None, host: str) -> None:
    with pytest.raises(Forbidden):
        refuse_strangers(address, host, {})


@contextmanager
def watching(served: Any, query: str) -> Iterator[Iterator[dict[str, Any]]]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("GET", f"{ROOMS}?watch=1&{query}")
    response = connection.getresponse()
    assert response.status == 200
    yield (json.loads(line) for line in iter(response.readline, b""))
    response.close()
    connection.close()


def told(event: dict[str, Any]) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"]["name"]


def test_a_watch_streams_changes_from_a_version_on(served: Any) -> None:
    served.run(lambda objects: objects.apply(manifest(name="before")))
    version = served.run(lambda objects: objects.version)
    with watching(served, f"resourceVersion={version}") as events:
        served.run(lambda objects: objects.apply(manifest()))
        assert told(next(events)) == ("ADDED", "town")
        served.run(lambda objects: objects.patch_status("rooms", "town", {"status": {"players": 2}}))
        event = next(events)
        assert (told(event), event["object"]["status"]["players"]) == (("MODIFIED", "town"), 2)
        served.run(lambda objects: objects.apply(manifest("RoomFleet", "default")))
        served.run(lambda objects: objects.delete("rooms", "before"))
        assert told(next(events)) == ("DELETED", "before")


def test_a_watch_without_a_version_begins_with_what_there_is(served: Any) -> None:
    served.run(lambda objects: objects.apply(manifest()))
    with watching(served, "") as events:
        assert told(next(events)) == ("ADDED", "town")
        served.run(lambda objects: objects.delete("rooms", "town"))
        assert told(next(events)) == ("DELETED", "town")


def test_for_a_filtered_watch_what_no_longer_matches_is_deleted(served: Any) -> None:
    def label(value: str) -> None:
        labelled = manifest()
        labelled["metadata"]["labels"] = {"x": value}
        served.run(lambda objects: objects.apply(labelled))

    label("1")
    with watching(served, "labelSelector=x%3D2") as events:
        label("2")
        assert told(next(events)) == ("ADDED", "town")
        label("3")
        assert told(next(events)) == ("DELETED", "town")


def test_a_watch_of_one_name_hears_of_no_other(served: Any) -> None:
    with watching(served, "fieldSelector=metadata.name%3Dtown") as events:
        served.run(lambda objects: objects.apply(manifest(name="village")))
        served.run(lambda objects: objects.apply(manifest()))
        assert told(next(events)) == ("ADDED", "town")


def test_a_watch_ends_after_its_time(served: Any) -> None:
    with watching(served, "timeoutSeconds=1") as events:
        assert list(events) == []


def test_a_watch_that_falls_behind_ends_with_the_reason(served: Any) -> None:
    with watching(served, "") as events:
        served.run(lambda objects: objects.apply(manifest()))
        assert told(next(events)) == ("ADDED", "town")

        def burst(objects: Any) -> None:
            for players in range(KEPT_EVENTS + 1):
                objects.patch_status("rooms", "town", {"status": {"players": players}})

        served.run(burst)
        event = next(events)
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert list(events) == []


def test_a_watcher_that_goes_away_leaves_nothing_behind(served: Any) -> None:
    with watching(served, "") as events:
        served.run(lambda objects: objects.apply(manifest()))
        next(events)
        assert served.run(lambda objects: len(objects._listeners)) == 1
    # Whether it has gone is told by the next write that its socket refuses, or by its end being seen.
    for players in range(1, 1_000_000):
        served.run(
            lambda objects, n=players: objects.patch_status("rooms", "town", {"status": {"players": n}})
        )
        if served.run(lambda objects: len(objects._listeners)) == 0:
            return
    raise AssertionError("the watch is still there")

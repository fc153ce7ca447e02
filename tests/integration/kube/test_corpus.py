"""The corpus of manifests on a real API server: verdicts and words are those of the embedded fleet.

tests/integration/local/test_corpus.py is the same without a server. Each file goes both ways that kubectl
has: client-side apply (a create, then merge patches) and server-side apply, over plain HTTPS for speed; a
sample goes through kubectl itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roomfleet.master.local.manifests import read_path
from support.kube import APPLY, MERGE, Answer, Cluster

CORPUS = Path(__file__).parents[2] / "corpus" / "manifests"
GOOD = sorted((CORPUS / "good").glob("*.yaml"))
BAD = sorted((CORPUS / "bad").glob("*.yaml"))
GROUP = "roomfleet.io/v1alpha1"
PLURALS = {"Room": "rooms", "InstancedRoom": "instancedrooms", "RoomFleet": "roomfleets"}

UNTYPED = "failed to create typed patch object"
"""How server-side apply refuses fields that the schema lacks and values of another type (with a 500)."""

WAYS = ("client-side", "server-side")
SAMPLE = [
    "fleet-min-above-max",  # a rule
    "kind-unknown",  # what kubectl itself finds
    "room-keep-unknown",  # an enumeration
    "room-label-is-a-number",
    "room-map-is-a-number",  # a type
    "room-name-upper-case",
    "room-unknown-fields",
    "version-unknown",
]


def served(path: Path) -> bool:
    """Whether kubectl comes as far as asking the server."""
    documents = [document.content for document in read_path(path)]
    return all(each["apiVersion"] == GROUP and each["kind"] in PLURALS for each in documents)


def headers(path: Path) -> dict[str, str]:
    """The `# expect…: …` lines of a bad manifest."""
    return dict(re.findall(r"^# (expect[^:]*): (.*)$", path.read_text(), re.MULTILINE))


def by_kubectl(path: Path) -> str:
    said = headers(path)
    return said.get("expect from kubectl", said["expect"])


def as_json(document: dict[str, Any]) -> dict[str, Any]:
    """A document as kubectl sends it: a whole number is written without a point."""

    def number(text: str) -> float:
        value = float(text)
        return int(value) if value.is_integer() else value

    sent: dict[str, Any] = json.loads(json.dumps(document), parse_float=number)
    return sent


def without(before: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The document as kubectl patches it in: null for what it had when it was applied before."""
    patch: dict[str, Any] = {**dict.fromkeys(before), **document}
    for key, value in document.items():
        if isinstance(value, dict) and isinstance(before.get(key), dict):
            patch[key] = without(before[key], value)
    return patch


class Taker:
    """Applies documents to one namespace, one way."""

    def __init__(self, cluster: Cluster, namespace: str, way: str) -> None:
        self.cluster = cluster
        self.root = f"/apis/{GROUP}/namespaces/{namespace}"
        self.server_side = way == "server-side"
        self.taken: dict[str, dict[str, Any]] = {}

    def take(self, document: dict[str, Any]) -> Answer:
        """Apply it and then its status; what was answered to the first."""
        document = as_json(document)
        kinds = f"{self.root}/{PLURALS[document['kind']]}"
        where = f"{kinds}/{document['metadata']['name']}"
        strict = "fieldValidation=Strict&fieldManager=kubectl"
        request = self.cluster.request
        if self.server_side:
            answer = request("PATCH", f"{where}?{strict}", document, content_type=APPLY)
        elif where not in self.taken:
            answer = request("POST", f"{kinds}?{strict}", document)
        else:
            patch = without(self.taken[where], document)
            answer = request("PATCH", f"{where}?{strict}", patch, content_type=MERGE)
        if answer.ok:
            self.taken[where] = document
            if "status" in document:
                status = {"status": document["status"]}
                assert request("PATCH", f"{where}/status", status, content_type=MERGE).ok
        return answer

    def remove(self) -> None:
        for where in self.taken:
            assert self.cluster.request("DELETE", where).ok


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> str:
    return cluster.namespace()


@pytest.fixture(params=WAYS)
def taker(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Iterator[Taker]:
    taker = Taker(cluster, namespace, request.param)
    yield taker
    taker.remove()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_manifest_is_taken_and_applied_again_unchanged(path: Path, taker: Taker) -> None:
    for document in read_path(path):
        for _ in range(2):
            answer = taker.take(document.content)
            assert answer.ok, answer.message
        version = taker.take(document.content).object["metadata"]["resourceVersion"]
        assert taker.take(document.content).object["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize("path", [path for path in BAD if served(path)], ids=lambda path: path.stem)
def test_a_bad_manifest_is_refused_and_the_reason_told(path: Path, taker: Taker) -> None:
    *before, last = read_path(path)
    for document in before:
        assert taker.take(document.content).ok
    answer = taker.take(last.content)
    if taker.server_side and answer.message.startswith(UNTYPED):
        return  # in words of its own, with the path and the type that it should have
    assert answer.status in (400, 422), answer
    assert by_kubectl(path) in answer.message


@pytest.mark.parametrize("name", SAMPLE)
def test_kubectl_tells_the_reason(name: str, cluster: Cluster, namespace: str) -> None:
    path = CORPUS / "bad" / f"{name}.yaml"
    refused = cluster.kubectl("-n", namespace, "apply", "-f", str(path), check=False)
    assert refused.returncode == 1
    assert by_kubectl(path) in refused.stderr


def test_what_kubectl_does_not_know_is_in_the_sample() -> None:
    assert {path.stem for path in BAD if not served(path)} <= set(SAMPLE)


def test_kubectl_applies_every_field_both_ways(cluster: Cluster, namespace: str) -> None:
    paths = [f"--filename={path}" for path in GOOD if path.stem.endswith("-every-field")]
    assert len(paths) == len(PLURALS)
    for options in ([], ["--server-side", "--force-conflicts"]):
        done = cluster.kubectl("-n", namespace, "apply", *options, *paths)
        assert len(done.stdout.splitlines()) == len(paths)
        assert done.stderr == ""
    cluster.kubectl("-n", namespace, "delete", *paths)

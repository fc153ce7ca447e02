"""The corpus of manifests: the good ones are taken, the bad ones refused with the words that they expect.

A file's documents are applied one after the other, a document's status being written after it; the verdict is
that over the last. `# expect from kubectl:` is for the same corpus on a real API server.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from roomfleet.master.local.errors import BadRequest, Invalid
from roomfleet.master.local.manifests import Document, read_path
from roomfleet.master.local.objects import Objects, Verb

CORPUS = Path(__file__).parents[2] / "corpus" / "manifests"
GOOD = sorted((CORPUS / "good").glob("*.yaml"))
BAD = sorted((CORPUS / "bad").glob("*.yaml"))


def take(objects: Objects, document: Document) -> Verb:
    applied = objects.apply(document.content)
    if "status" in document.content:
        kind = objects.kinds.of(applied.object["apiVersion"], applied.object["kind"])
        objects.patch_status(kind.plural, applied.object["metadata"]["name"], document.content)
    return applied.verb


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_manifest_is_taken_and_applied_again_unchanged(path: Path, objects: Objects) -> None:
    for document in read_path(path):
        assert take(objects, document) is not Verb.UNCHANGED
        assert take(objects, document) is Verb.UNCHANGED


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_manifest_is_refused_and_the_reason_told(path: Path, objects: Objects) -> None:
    expected = path.read_text().splitlines()[0].removeprefix("# expect: ")
    *before, last = read_path(path)
    for document in before:
        take(objects, document)
    with pytest.raises((Invalid, BadRequest)) as caught:
        take(objects, last)
    assert expected in str(caught.value)


def test_the_corpus_covers_all_kinds_and_updates() -> None:
    assert len(GOOD) >= 15
    assert len(BAD) >= 40
    for paths in (GOOD, BAD):
        kinds = {document.content["kind"] for path in paths for document in read_path(path)}
        assert {"Room", "InstancedRoom", "RoomFleet"} <= kinds
        assert any(len(read_path(path)) > 1 for path in paths)

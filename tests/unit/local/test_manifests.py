"""Manifests: YAML read as kubectl reads it, and places named where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roomfleet.master.local.manifests import BadManifest, measure, read_documents, read_path

HEAD = "apiVersion: roomfleet.io/v1alpha1\nkind: Room\n"


def value_of(text: str) -> Any:
    return read_documents(f"{HEAD}value: {text}\n", "f")[0].content["value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("y", True),
        ("off", False),
        ("True", True),
        ("~", None),
        ("", None),
        ("0o17", 15),
        ("017", 15),
        ("0x1f", 31),
        ("1_000", 1000),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1.2.3", "1.2.3"),
        ('"1"', "1"),
        ("yesterday", "yesterday"),
    ],
)
def test_scalars_are_what_kubectl_takes_them_for(text: str, value: Any) -> None:
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


def test_each_document_knows_where_it_begins() -> None:
    found = read_documents(f"# one\n{HEAD}---\n---\n{HEAD}", "town.yaml")
    assert [document.source for document in found] == ["town.yaml:2", "town.yaml:6"]


def test_a_list_stands_for_its_items() -> None:
    items = "\n".join(f"- {{apiVersion: a/v1, kind: Room, metadata: {{name: r{i}}}}}" for i in range(3))
    found = read_documents(f"apiVersion: v1\nkind: List\nitems:\n{items}\n", "f")
    assert [document.content["metadata"]["name"] for document in found] == ["r0", "r1", "r2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{HEAD}kind: Room\n", 'f:3: key "kind" already set in map'),
        (f"{HEAD}pos: {{x: 1, y: 2}}\n", 'f:3: key y means true in YAML: write "y" in quotes'),
        (f"{HEAD}a: [\n", "f:4: "),
        (f"{HEAD}? [a]\n: b\n", "f:3: keys have to be text"),
        ("just text\n", "f:1: an object is needed here, not str"),
        ("- 1\n", "f:1: an object is needed here, not list"),
        ("kind: Room\n", "f:1: apiVersion is not set"),
        ("apiVersion: a/v1\nkind: 5\n", "f:1: kind is not set"),
        (f"{HEAD}a: !!python/object:os.system {{}}\n", "f:3: could not determine a constructor"),
        (f"{HEAD}a: \x07\n", "f: not YAML"),
        (HEAD + "a: " + "[" * 200 + "]" * 200, "f: not YAML: nested deeper than 100 levels"),
        (HEAD + "a: " + "[" * 5000 + "]" * 5000, "f: not YAML"),
    ],
)
def test_what_is_no_manifest_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadManifest) as caught:
        read_documents(text, "f")
    assert str(caught.value).startswith(message)


def test_aliases_that_blow_up_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(BadManifest, match="more than 100000 values"):
        read_documents(HEAD + "\n".join(lines), "f")


def test_ordinary_aliases_are_taken() -> None:
    found = read_documents(f"{HEAD}a: &a {{b: 1}}\nc: *a\nd: {{<<: *a, e: 2}}\n", "f")[0].content
    assert (found["c"], found["d"]) == ({"b": 1}, {"b": 1, "e": 2})


def test_measuring_takes_what_is_small() -> None:
    measure({"a": [1, {"b": []}]})


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.json", "d.txt"):
        (tmp_path / name).write_text('{"apiVersion": "a/v1", "kind": "Room"}' if name[0] != "d" else "no")
    (tmp_path / "e.yaml").mkdir()
    assert [Path(document.source).name for document in read_path(tmp_path)] == [
        "a.yml:1",
        "b.yaml:1",
        "c.json:1",
    ]


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="nix: No such file"):
        read_path(tmp_path / "nix")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadManifest, match="not UTF-8"):
        read_path(tmp_path / "x.yaml")

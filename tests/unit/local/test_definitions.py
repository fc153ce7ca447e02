"""The three CustomResourceDefinitions: names, columns, and that every field says what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roomfleet.master.local.crds import definitions_folder, installed_kinds, load_kinds
from roomfleet.master.local.errors import BadRequest, NotFound
from roomfleet.master.local.kinds import BadDefinition, Kind, Schema
from roomfleet.wire.spec import RoomSpec

KINDS = list(installed_kinds())
SELF_DESCRIBING = ("apiVersion", "kind", "metadata")


def fields(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    for name, below in schema.get("properties", {}).items():
        if path or name not in SELF_DESCRIBING:
            yield f"{path}.{name}", below
            yield from fields(below, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            yield f"{path}[]", {"description": "an entry", **schema[key]}
            yield from fields(schema[key], f"{path}[]")


EVERY_FIELD = [(kind, path, schema) for kind in KINDS for path, schema in fields(kind.schema)]


@pytest.mark.parametrize(
    ("kind", "path", "schema"), EVERY_FIELD, ids=lambda v: v if isinstance(v, str) else ""
)
def test_every_field_has_a_description_and_bounds(kind: Kind, path: str, schema: Schema) -> None:
    assert schema.get("description"), f"{kind.kind}{path}"
    if schema.get("type") == "array":
        assert "maxItems" in schema
    if "additionalProperties" in schema:
        assert "maxProperties" in schema
    if schema.get("type") == "string" and path.startswith(".spec"):
        assert "enum" in schema or "maxLength" in schema, f"{kind.kind}{path}"
    if schema.get("type") == "integer" and path.startswith(".spec") and schema["format"] == "int32":
        assert {"minimum", "maximum"} <= set(schema)


def test_columns_are_those_that_are_promised() -> None:
    columns = installed_kinds().plural("rooms").columns
    narrow = [column.name.upper() for column in columns if column.priority == 0]
    wide = [column.name.upper() for column in columns if column.priority == 1]
    assert narrow == ["PHASE", "PLAYERS", "WAITING", "NODE", "SAVED", "AGE"]
    assert wide == ["FLEET", "MAP", "EPOCH", "MESSAGE"]


@pytest.mark.parametrize(
    ("called", "plural"),
    [
        ("room", "rooms"),
        ("rm", "rooms"),
        ("Rooms", "rooms"),
        ("rooms.roomfleet.io", "rooms"),
        ("iroom", "instancedrooms"),
        ("irooms", "instancedrooms"),
        ("InstancedRoom", "instancedrooms"),
        ("rfleet", "roomfleets"),
        ("rfleets", "roomfleets"),
        ("roomfleet", "roomfleets"),
    ],
)
def test_kinds_are_found_by_all_their_names(called: str, plural: str) -> None:
    kind = installed_kinds().called(called)
    assert kind is not None
    assert kind.plural == plural


def test_the_category_has_all_three() -> None:
    found = [kind.plural for kind in installed_kinds().category("roomfleet-all")]
    assert found == ["instancedrooms", "roomfleets", "rooms"]
    assert installed_kinds().category("other") == []


def test_no_category_is_called_as_a_kind_is() -> None:
    kinds = installed_kinds()
    assert not [name for kind in kinds for name in kind.names if kinds.category(name)]


def test_what_is_not_known_is_told_as_kubectl_does() -> None:
    with pytest.raises(BadRequest, match='no matches for kind "Pod" in version "v1"'):
        installed_kinds().of("v1", "Pod")
    with pytest.raises(NotFound):
        installed_kinds().plural("pods")
    assert installed_kinds().called("pods") is None


def test_a_rooms_fields_and_defaults_are_those_that_nodes_read() -> None:
    described: dict[str, Any] = installed_kinds().plural("rooms").schema["properties"]["spec"]["properties"]
    read = {field.encode_name: field for field in msgspec.structs.fields(RoomSpec)}
    assert set(described) == set(read)
    for name, schema in described.items():
        if "default" in schema:
            assert read[name].default == schema["default"], name


def test_the_template_of_instances_describes_fields_as_a_room_does() -> None:
    room = installed_kinds().plural("rooms").schema["properties"]["spec"]["properties"]
    spec = installed_kinds().plural("instancedrooms").schema["properties"]["spec"]
    template = spec["properties"]["template"]["properties"]["spec"]["properties"]
    assert set(room) - set(template) == {"onDelete"}
    for name in set(template) - {"keep"}:
        same = {key: value for key, value in template[name].items() if key != "description"}
        assert same == {key: value for key, value in room[name].items() if key != "description"}, name


def test_only_pools_and_templates_scale() -> None:
    assert [kind.plural for kind in KINDS if kind.scale] == ["instancedrooms", "roomfleets"]


def test_a_folder_without_definitions_or_with_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDefinition, match="no CustomResourceDefinitions in it"):
        load_kinds(tmp_path)
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Pod\n")
    with pytest.raises(BadDefinition, match=r"a\.yaml:1: not a CustomResourceDefinition"):
        load_kinds(tmp_path)
    (tmp_path / "a.yaml").write_text("a: [")
    with pytest.raises(BadDefinition, match=r"a\.yaml"):
        load_kinds(tmp_path)


def test_the_repositorys_definitions_are_found() -> None:
    assert {path.stem for path in definitions_folder().glob("*.yaml")} == {
        "rooms",
        "instancedrooms",
        "roomfleets",
    }

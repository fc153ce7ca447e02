"""The store of objects, on real files: versions, generations, owners, restarts, and what damage does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from roomfleet.master.local.errors import AlreadyExists, BadRequest, Conflict, Expired, Invalid, NotFound
from roomfleet.master.local.files import NewerSchema, StorageError
from roomfleet.master.local.manifests import BadManifest, Document
from roomfleet.master.local.objects import Objects, Precondition, Verb
from roomfleet.master.local.table import KEPT_EVENTS, Change, Event
from support.manifests import manifest

GAME = "walkabout"
Reopen = Callable[[], Objects]


def test_a_new_object_has_identity_and_defaults(objects: Objects) -> None:
    applied = objects.apply(manifest(capacity=5))
    assert applied.verb is Verb.CREATED
    metadata, spec = applied.object["metadata"], applied.object["spec"]
    assert metadata["namespace"] == GAME
    assert metadata["creationTimestamp"] == "2026-01-01T12:00:00Z"
    assert (metadata["generation"], metadata["resourceVersion"]) == (1, "1")
    assert len(metadata["uid"]) == 36
    assert (spec["capacity"], spec["keep"], spec["fleet"]) == (5, "WhenWanted", "default")
    assert objects.get("rooms", "town") == applied.object


def test_applied_again_it_is_unchanged(objects: Objects) -> None:
    first = objects.apply(manifest()).object
    again = objects.apply(manifest())
    assert again.verb is Verb.UNCHANGED
    assert again.object == first


def test_generation_counts_changes_of_the_spec_alone(objects: Objects) -> None:
    objects.apply(manifest())
    labelled = manifest()
    labelled["metadata"]["labels"] = {"a": "b"}
    assert objects.apply(labelled).object["metadata"]["generation"] == 1
    assert objects.patch_status("rooms", "town", {"status": {"players": 1}})["metadata"]["generation"] == 1
    changed = objects.apply({**labelled, "spec": {"map": "map1.room1", "capacity": 7}})
    assert changed.verb is Verb.CONFIGURED
    assert changed.object["metadata"]["generation"] == 2
    assert changed.object["status"] == {"players": 1}


def test_a_field_dropped_from_the_manifest_goes_back_to_its_default(objects: Objects) -> None:
    objects.apply(manifest(capacity=5))
    assert objects.apply(manifest()).object["spec"]["capacity"] == 100


def test_a_part_dropped_from_the_manifest_goes_with_its_defaults(objects: Objects) -> None:
    objects.apply(manifest("RoomFleet", "default", ingress={"host": "play.example.com"}))
    assert objects.get("roomfleets", "default")["spec"]["ingress"]["pathPrefix"] == "/nodes"
    assert "ingress" not in objects.apply(manifest("RoomFleet", "default")).object["spec"]


def test_what_another_manager_set_stays(objects: Objects) -> None:
    objects.apply(manifest(capacity=5), manager="operator")
    assert objects.apply(manifest(), manager="me").object["spec"]["capacity"] == 5


def test_a_dry_run_changes_nothing(objects: Objects, reopen: Reopen) -> None:
    assert objects.apply(manifest(), dry_run=True).verb is Verb.CREATED
    assert objects.list("rooms") == []
    objects.apply(manifest())
    assert objects.apply(manifest(capacity=5), dry_run=True).object["spec"]["capacity"] == 5
    assert objects.get("rooms", "town")["spec"]["capacity"] == 100
    assert reopen().get("rooms", "town")["spec"]["capacity"] == 100


def test_all_manifests_are_applied_or_none(objects: Objects) -> None:
    good, bad = manifest(name="a"), manifest(name="b", capacity=0)
    with pytest.raises(BadManifest, match=r'^f:9: Room "b" is invalid: spec\.capacity'):
        objects.apply_all([Document(good, "f:1"), Document(bad, "f:9")], manager="game")
    assert objects.list("rooms") == []
    verbs = [applied.verb for applied in objects.apply_all([Document(good, "f:1")] * 2, manager="game")]
    assert verbs == [Verb.CREATED, Verb.UNCHANGED]


def test_create_refuses_what_is_there(objects: Objects) -> None:
    objects.create(manifest())
    with pytest.raises(AlreadyExists, match=r'rooms.roomfleet.io "town" already exists'):
        objects.create(manifest())


def test_another_games_manifest_is_refused(objects: Objects) -> None:
    other = manifest()
    other["metadata"]["namespace"] = "chess"
    with pytest.raises(BadRequest, match='serves the game "walkabout" alone'):
        objects.apply(other)
    other["metadata"]["namespace"] = GAME
    assert objects.apply(other).verb is Verb.CREATED


def test_a_refused_manifest_changes_nothing(objects: Objects, reopen: Reopen) -> None:
    before = objects.apply(manifest()).object
    for wrong in (manifest(capacity=0), manifest(unknown=1)):
        with pytest.raises((Invalid, BadRequest)):
            objects.apply(wrong)
    assert objects.get("rooms", "town") == before == reopen().get("rooms", "town")


def test_what_is_handed_out_is_a_copy(objects: Objects) -> None:
    given = manifest(state={"a": [1]})
    objects.apply(given).object["spec"]["state"]["a"].append(2)
    given["spec"]["state"]["a"].append(3)
    objects.get("rooms", "town")["spec"]["state"]["a"].append(4)
    objects.list("rooms")[0]["spec"]["state"]["a"].append(5)
    assert objects.get("rooms", "town")["spec"]["state"] == {"a": [1]}


def test_status_is_merged_and_nothing_else_with_it(objects: Objects) -> None:
    objects.apply(manifest())
    objects.patch_status(
        "rooms", "town", {"status": {"phase": "Queued", "players": 1}, "spec": {"capacity": 1}}
    )
    found = objects.patch_status("rooms", "town", {"status": {"players": None, "epoch": 3, "unknown": 1}})
    assert found["status"] == {"phase": "Queued", "epoch": 3}
    assert found["spec"]["capacity"] == 100


def test_a_wrong_status_is_refused(objects: Objects) -> None:
    objects.apply(manifest())
    with pytest.raises(Invalid, match=r"status\.phase: Unsupported value"):
        objects.patch_status("rooms", "town", {"status": {"phase": "Dancing"}})
    assert "status" not in objects.get("rooms", "town")


def test_applying_does_not_touch_the_status(objects: Objects) -> None:
    objects.apply({**manifest(), "status": {"phase": "Running"}})
    assert "status" not in objects.get("rooms", "town")


def test_a_write_with_an_old_version_conflicts(objects: Objects) -> None:
    version = objects.apply(manifest()).object["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "status": {"epoch": 1}}
    objects.patch_status("rooms", "town", patch)
    with pytest.raises(Conflict, match="the object has been modified; please apply your changes"):
        objects.patch_status("rooms", "town", patch)
    with pytest.raises(Conflict):
        objects.patch("rooms", "town", {"metadata": {"resourceVersion": version}, "spec": {"capacity": 1}})
    with pytest.raises(Conflict, match="UID in precondition"):
        objects.delete("rooms", "town", Precondition(uid="another"))


def test_a_status_that_changes_nothing_gets_no_new_version(objects: Objects) -> None:
    objects.apply(manifest())
    first = objects.patch_status("rooms", "town", {"status": {"players": 1}})
    assert objects.patch_status("rooms", "town", {"status": {"players": 1}}) == first


def test_a_merge_patch_changes_the_spec_but_not_identity(objects: Objects) -> None:
    before = objects.apply(manifest()).object
    patch = {"metadata": {"name": "x", "labels": {"a": "b"}}, "spec": {"capacity": 3}, "status": {"epoch": 9}}
    after = objects.patch("rooms", "town", patch)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert (after["metadata"]["name"], after["metadata"]["labels"]) == ("town", {"a": "b"})
    assert (after["spec"]["capacity"], "status" in after) == (3, False)
    with pytest.raises(BadRequest, match="unknown field"):
        objects.patch("rooms", "town", {"spec": {"nope": 1}})


def test_the_map_is_fixed_once_there_is_saved_data(objects: Objects) -> None:
    objects.apply(manifest())
    objects.apply(manifest(map="map2.room1"))
    objects.patch_status("rooms", "town", {"status": {"savedAt": "2026-01-01T00:00:00Z"}})
    with pytest.raises(Invalid, match="cannot change once the room has saved data: put the old map back"):
        objects.apply(manifest(map="map3.room1"))
    with pytest.raises(Invalid, match="cannot change once"):
        objects.patch("rooms", "town", {"spec": {"map": "map3.room1"}})


def owned(name: str, owner: dict[str, Any]) -> dict[str, Any]:
    child = manifest(name=name)
    metadata = owner["metadata"]
    child["metadata"]["ownerReferences"] = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
    ]
    return child


def test_what_a_deleted_object_owns_is_deleted_too(objects: Objects, reopen: Reopen) -> None:
    owner = objects.apply(manifest("InstancedRoom", "cave", template={"spec": {"map": "m.r"}})).object
    child = objects.apply(owned("cave-1", owner)).object
    objects.apply(owned("cave-1-1", child))
    objects.apply(manifest(name="free"))
    start = objects.version
    objects.delete("instancedrooms", "cave")
    assert [obj["metadata"]["name"] for obj in objects.list("rooms")] == ["free"]
    assert [event.change for event in objects.since(start)] == [Change.DELETED] * 3
    assert [obj["metadata"]["name"] for obj in reopen().list("rooms")] == ["free"]


def test_a_stop_in_the_middle_of_a_deletion_is_made_good(
    objects: Objects, reopen: Reopen, folder: Path
) -> None:
    owner = objects.apply(manifest("InstancedRoom", "cave", template={"spec": {"map": "m.r"}})).object
    objects.apply(owned("cave-1", owner))
    (folder / "instancedrooms" / "cave.json").unlink()
    assert reopen().list("rooms") == []
    assert not (folder / "rooms" / "cave-1.json").exists()


def test_an_object_made_again_is_another(objects: Objects) -> None:
    first = objects.apply(manifest()).object
    objects.delete("rooms", "town")
    with pytest.raises(NotFound, match=r'rooms.roomfleet.io "town" not found'):
        objects.get("rooms", "town")
    again = objects.apply(manifest()).object
    assert again["metadata"]["uid"] != first["metadata"]["uid"]
    assert again["metadata"]["generation"] == 1


def test_a_restart_finds_everything_and_versions_only_rise(objects: Objects, reopen: Reopen) -> None:
    objects.apply(manifest(capacity=5))
    objects.patch_status("rooms", "town", {"status": {"phase": "Running", "epoch": 4}})
    objects.apply(manifest(name="gone"))
    objects.delete("rooms", "gone")
    objects.write(objects.unwritten())
    before, last = objects.get("rooms", "town"), objects.version
    again = reopen()
    assert again.get("rooms", "town") == before
    assert again.apply(manifest(capacity=5)).verb is Verb.UNCHANGED
    after = again.apply(manifest()).object
    assert int(after["metadata"]["resourceVersion"]) > last
    assert after["spec"]["capacity"] == 100
    with pytest.raises(Expired):
        again.since(last - 1)


def test_a_status_is_seen_at_once_and_written_by_the_next_write(objects: Objects, reopen: Reopen) -> None:
    objects.apply(manifest())
    objects.patch_status("rooms", "town", {"status": {"epoch": 1}})
    assert objects.get("rooms", "town")["status"]["epoch"] == 1
    assert "epoch" not in reopen().get("rooms", "town").get("status", {})
    objects.write(objects.unwritten())
    assert reopen().get("rooms", "town")["status"]["epoch"] == 1
    assert objects.unwritten() == []


def test_a_late_write_of_a_status_undoes_nothing_newer(objects: Objects, reopen: Reopen) -> None:
    objects.apply(manifest())
    objects.apply(manifest(name="gone"))
    for name in ("town", "gone"):
        objects.patch_status("rooms", name, {"status": {"epoch": 1}})
    late = objects.unwritten()
    objects.apply(manifest(capacity=7))
    objects.delete("rooms", "gone")
    objects.write(late)
    again = reopen()
    assert [room["metadata"]["name"] for room in again.list("rooms")] == ["town"]
    assert again.get("rooms", "town")["spec"]["capacity"] == 7


def test_versions_rise_even_when_the_folders_own_file_is_lost(
    objects: Objects, reopen: Reopen, folder: Path
) -> None:
    objects.apply(manifest())
    objects.patch_status("rooms", "town", {"status": {"epoch": 1}})
    objects.write(objects.unwritten())
    (folder / "format.json").unlink()
    assert reopen().version >= 2


def test_a_half_written_file_is_ignored(objects: Objects, reopen: Reopen, folder: Path) -> None:
    objects.apply(manifest())
    (folder / "rooms" / "town.json.tmp").write_text('{"schema": 1, "obj')
    again = reopen()
    assert len(again.list("rooms")) == 1
    assert not (folder / "rooms" / "town.json.tmp").exists()


@pytest.mark.parametrize("name", ["format.json", "rooms/town.json"])
def test_a_newer_schema_is_refused_in_one_line(
    objects: Objects, reopen: Reopen, folder: Path, name: str
) -> None:
    objects.apply(manifest())
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2}))
    with pytest.raises(NewerSchema, match=r"written by a newer roomfleet \(schema 2") as caught:
        reopen()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema": 1}'])
def test_a_damaged_file_is_named(objects: Objects, reopen: Reopen, folder: Path, content: str) -> None:
    objects.apply(manifest())
    (folder / "rooms" / "town.json").write_text(content)
    with pytest.raises(StorageError, match=r"rooms/town\.json"):
        reopen()


def test_another_games_folder_is_refused(objects: Objects, folder: Path) -> None:
    objects.apply(manifest())
    with pytest.raises(StorageError, match='objects of the game "walkabout", not of "chess"'):
        Objects(folder, game="chess")


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="choose another data folder"):
        Objects(tmp_path / "file" / "objects", game=GAME)


def test_times_are_told_in_utc(folder: Path, objects: Objects) -> None:
    start = objects.apply(manifest()).object["metadata"]["creationTimestamp"]
    east = timezone(timedelta(hours=9))
    moved = Objects(folder, game=GAME, now=lambda: datetime.fromisoformat(start).astimezone(east))
    assert moved.apply(manifest(name="b")).object["metadata"]["creationTimestamp"] == start


def test_listeners_hear_each_change_until_they_stop(objects: Objects) -> None:
    heard: list[Event] = []
    stop = objects.subscribe(heard.append)
    objects.apply(manifest())
    objects.apply(manifest())
    objects.delete("rooms", "town")
    stop()
    objects.apply(manifest())
    assert [event.change for event in heard] == [Change.ADDED, Change.DELETED]


def test_a_watch_sees_what_was_and_what_comes(objects: Objects) -> None:
    objects.apply(manifest(name="a"))

    async def watched() -> list[str]:
        seen: list[str] = []
        async with aclosing(objects.watch(0, "rooms")) as events:
            async for event in events:
                seen.append(event.object["metadata"]["name"])
                if len(seen) == 1:
                    asyncio.get_running_loop().call_soon(objects.apply, manifest("RoomFleet", "default"))
                    asyncio.get_running_loop().call_soon(objects.apply, manifest(name="b"))
                else:
                    return seen
        return seen

    assert asyncio.run(watched()) == ["a", "b"]


def test_a_watch_that_falls_behind_is_told_so(objects: Objects) -> None:
    objects.apply(manifest())

    async def watched() -> None:
        async with aclosing(objects.watch(0)) as events:
            await anext(events)
            for players in range(KEPT_EVENTS + 1):
                objects.patch_status("rooms", "town", {"status": {"players": players}})
            await anext(events)

    with pytest.raises(Expired):
        asyncio.run(watched())

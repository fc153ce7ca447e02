"""What is wrong with a game: its maps, items, manifests and scripts, and whether they fit together."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roomfleet.cli.marked import Marks, Place, steps
from roomfleet.cli.purity import forbidden_imports
from roomfleet.game.actor import Actor
from roomfleet.game.loader import Game, ScriptMissing
from roomfleet.game.maps.mapfault import MapError, listed
from roomfleet.game.maps.maps import Door, MapRoom
from roomfleet.game.room import Room
from roomfleet.game.state.items import ItemError
from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.errors import BadRequest, Invalid
from roomfleet.master.local.manifests import SUFFIXES, BadManifest, read_documents
from roomfleet.master.local.validate import check, complete, refuse_unknown_fields
from roomfleet.wire.spec import ENTRY_ANNOTATION


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong. `file` is relative to the game's folder; `line` 0 = the file as a whole."""

    file: str
    line: int
    message: str


@dataclass(frozen=True)
class Manifest:
    """One object of the game, and where it stands."""

    file: str
    start: int
    """The line at which its document begins."""
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])


@dataclass
class Findings:
    """What was looked at, and what is wrong with it."""

    game: Game
    problems: set[Problem] = field(default_factory=set)
    manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    """By kind and name."""
    scripts: int = 0
    """Room and Actor classes that the game defines."""
    _marks: dict[str, Marks] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Manifest]:
        """The objects of one kind by name."""
        return {name: manifest for (each, name), manifest in self.manifests.items() if each == kind}

    def add(self, file: str, line: int, message: str) -> None:
        self.problems.add(Problem(file, line, message))

    def at(self, file: str, place: Place, message: str, start: int | None = None) -> None:
        """A problem with a value in a YAML or JSON file."""
        if file not in self._marks:
            path = self.game.folder / file
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
            self._marks[file] = Marks(text)
        self.add(file, self._marks[file].line(place, start), message)

    def fault(self, error: MapError | ItemError) -> None:
        """A problem of a map or an item file, which knows its place."""
        if error.line is not None:
            self.add(error.file, error.line, str(error).removeprefix(f"{error.file}: "))
        else:
            self.at(error.file, error.place, str(error).removeprefix(f"{error.file}: "))


def check_game(game: Game) -> Findings:
    """Look at all of a game; imports its scripts. Reads files only."""
    findings = Findings(game)
    for error in game.map_errors:
        findings.fault(error)
    for item_error in game.item_errors:
        findings.fault(item_error)
    _check_sources(findings)
    for path in sorted((game.folder / "k8s").glob("*")):
        if path.suffix in SUFFIXES:
            _read_manifests(findings, path)
    _check_entry(findings)
    for manifest in findings.of("Room").values():
        _check_room(findings, manifest, manifest.body["spec"], ("spec",))
    for manifest in findings.of("InstancedRoom").values():
        spec = manifest.body["spec"]["template"]["spec"]
        _check_room(findings, manifest, spec, ("spec", "template", "spec"))
    findings.scripts = sum(1 for _ in _scripts(game))
    return findings


def _check_sources(findings: Findings) -> None:
    game = findings.game
    for path in game.sources():
        top = path.parts[0].removesuffix(".py")
        if top in sys.stdlib_module_names or top == "roomfleet":
            findings.add(str(path), 0, f"{top} hides a module of that name that others import: rename it")
        try:
            for line, message in forbidden_imports((game.folder / path).read_text(encoding="utf-8")):
                findings.add(str(path), line, message)
        except SyntaxError as error:
            findings.add(str(path), error.lineno or 0, f"not Python: {error.msg}")
        except ValueError as error:
            findings.add(str(path), 0, f"not Python: {error}")


def _read_manifests(findings: Findings, path: Path) -> None:
    """Keep the objects of a file that are well."""
    file = str(path.relative_to(findings.game.folder))
    try:
        documents = read_documents(path.read_text(encoding="utf-8"), file)
    except UnicodeDecodeError as error:
        findings.add(file, 0, f"not UTF-8: {error.reason} at byte {error.start}")
        return
    except BadManifest as error:
        line, _, text = str(error).removeprefix(f"{file}:").partition(": ")
        findings.add(file, int(line), text) if line.isdigit() else findings.add(
            file, 0, f"{line}: {text}".strip(": ")
        )
        return
    for document in documents:
        start = int(document.source.rpartition(":")[2])
        body = document.content
        if str(body["apiVersion"]).partition("/")[0] != "roomfleet.io":
            continue
        _keep(findings, file, start, body)


def _keep(findings: Findings, file: str, start: int, body: dict[str, Any]) -> None:
    metadata = body.get("metadata")
    label = f"{body['kind']} {metadata.get('name', '') if isinstance(metadata, Mapping) else ''}".strip()
    try:
        kind = installed_kinds().of(body["apiVersion"], body["kind"])
        if not isinstance(metadata, Mapping):
            raise BadRequest("metadata.name is not set: every object has a name")
        refuse_unknown_fields(kind, body)
        body = complete(kind, body)
        check(kind, body)
    except BadRequest as error:
        findings.at(file, (), f"{label}: {error}", start)
        return
    except Invalid as error:
        for wrong in error.errors:
            findings.at(file, steps(wrong.path), f"{label}: {wrong}", start)
        return
    namespace = metadata.get("namespace", findings.game.name)
    if namespace != findings.game.name:
        cure = f"leave it out or make it {findings.game.name!r}"
        problem = f"{label}: namespace {namespace!r} is another game's: {cure}"
        findings.at(file, ("metadata", "namespace"), problem, start)
    manifest = Manifest(file, start, body)
    known = findings.manifests.setdefault((body["kind"], manifest.name), manifest)
    if known is not manifest:
        findings.at(
            file, ("metadata", "name"), f"{label}: stands in {known.file}:{known.start} already", start
        )


def _check_entry(findings: Findings) -> None:
    """Exactly one Room is where players start."""
    rooms = findings.of("Room")
    place = ("metadata", "annotations", ENTRY_ANNOTATION)
    marked = {}
    for room in rooms.values():
        value = (room.body["metadata"].get("annotations") or {}).get(ENTRY_ANNOTATION)
        if value == "true":
            marked[room.name] = room
        elif value not in (None, "false"):
            findings.at(
                room.file, place, f'Room {room.name}: must be "true" or "false", not {value!r}', room.start
            )
    if not rooms:
        findings.add("k8s", 0, "no Room in it: write one, with spec.map")
    elif not marked:
        findings.add("k8s", 0, f'no entry room: annotate one Room with {ENTRY_ANNOTATION}: "true"')
    elif len(marked) > 1:
        for room in marked.values():
            problem = (
                f"Room {room.name}: one of {len(marked)} entry rooms ({listed(sorted(marked))}): keep one"
            )
            findings.at(room.file, place, problem, room.start)


def _check_room(
    findings: Findings, manifest: Manifest, spec: Mapping[str, Any], place: tuple[str, ...]
) -> None:
    """A Room's fleet, script, map, and the doors of the map."""
    label = f"{manifest.body['kind']} {manifest.name}"
    game = findings.game
    fleet = spec.get("fleet", "default")
    fleets = findings.of("RoomFleet")
    if fleet not in fleets and fleet != "default":
        problem = f"{label}: no RoomFleet {fleet!r} in k8s/; there are: {listed(sorted(fleets))}"
        findings.at(manifest.file, (*place, "fleet"), problem, manifest.start)
    try:
        game.room_class(spec.get("script", ""))
    except ScriptMissing as error:
        findings.at(manifest.file, (*place, "script"), f"{label}: {error}", manifest.start)
        if error.file and error.line:
            findings.add(error.file, error.line, error.problem)
    try:
        room = game.map_room(spec["map"])
    except MapError as error:
        if error not in game.map_errors:  # those have been told
            findings.at(
                manifest.file, (*place, "map"), f"{label}: map {spec['map']}: {error}", manifest.start
            )
        return
    try:
        game.geography(room.id)
    except MapError as error:
        findings.fault(error)
    for index, door in enumerate(room.doors):
        for end, problem in _door_problems(findings, door):
            way = ("rooms", room.id, "doors", index, "exit", end)
            findings.at(_file_of(room), way, f"{room.id}: door {door.name!r}: {problem}")


def _door_problems(findings: Findings, door: Door) -> Iterator[tuple[str, str]]:
    """What is wrong with a door's exit: the field, and the problem."""
    rooms = findings.of("Room")
    templates = findings.of("InstancedRoom")
    if door.exit.room in rooms:
        if door.exit.key:
            yield "key", f"{door.exit.room} is a Room, which has no instances: leave the key out"
        target = rooms[door.exit.room].body["spec"]["map"]
    elif door.exit.room in templates:
        if not door.exit.key:
            yield (
                "room",
                f'{door.exit.room} is an InstancedRoom: say whose instance by a key, like "{{player}}"',
            )
        target = templates[door.exit.room].body["spec"]["template"]["spec"]["map"]
    else:
        there = listed(sorted([*rooms, *templates]))
        yield "room", f"no Room {door.exit.room!r} in k8s/; there are: {there}"
        return
    behind = findings.game.maps.get(target)
    if behind is None:
        return  # said where that Room names its map
    if isinstance(door.exit.at, str):
        tags = sorted({tag.name for tag in behind.tags})
        if door.exit.at not in tags:
            yield "at", f"no tag {door.exit.at!r} in {behind.id}, where it leads; it has: {listed(tags)}"
    else:
        x, y = door.exit.at
        if not (0 <= x <= behind.width and 0 <= y <= behind.height):
            size = f"{behind.width:g} by {behind.height:g}"
            yield "at", f"({x:g}, {y:g}) is outside {behind.id}, where it leads: that is {size}"


def _scripts(game: Game) -> Iterator[type]:
    for name in game.modules():
        for value in vars(sys.modules.get(name, object())).values() if name in sys.modules else ():
            if isinstance(value, type) and issubclass(value, Room | Actor) and value.__module__ == name:
                yield value


def _file_of(room: MapRoom) -> str:
    return f"maps/{room.id.partition('.')[0]}.json"

"""The store of objects: created, applied, patched and deleted as by an API server, kept in files.

For one thread. What it hands out are copies. A change of what people want is on disk before it is seen or
its call returns. A status is seen at once and written soon (`unwritten`, `write`): it is found out anew where
it was lost.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from roomfleet.master.local.crds import installed_kinds
from roomfleet.master.local.errors import STALE, AlreadyExists, ApiError, BadRequest, Conflict, NotFound
from roomfleet.master.local.fields import Managers, apply, merge_patch, owned_part, tidy_metadata
from roomfleet.master.local.files import ObjectFiles, Stored
from roomfleet.master.local.kinds import Kind, Kinds
from roomfleet.master.local.manifests import BadManifest, Document
from roomfleet.master.local.selectors import EVERYTHING, Selector
from roomfleet.master.local.table import Event, Key, Table
from roomfleet.master.local.validate import Object, check, check_status, complete, refuse_unknown_fields
from roomfleet.master.local.watch import follow

Listener = Callable[[Event], None]
Clock = Callable[[], datetime]


class Verb(StrEnum):
    """What applying a manifest came to."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Applied:
    """The object after a manifest was applied, and what that changed."""

    object: Object
    verb: Verb


@dataclass(frozen=True)
class Precondition:
    """What has to be so for a change to be made; None is not asked."""

    version: str | None = None
    uid: str | None = None


ANY = Precondition()


class Objects:
    """All objects of one game."""

    def __init__(
        self,
        folder: Path,
        *,
        game: str,
        now: Clock = lambda: datetime.now(UTC),
        new_uid: Callable[[], str] = lambda: str(uuid.uuid4()),
        kinds: Kinds | None = None,
    ) -> None:
        """Opens the folder (`DATA/objects`) and loads what is in it. Raises StorageError, BadDefinition."""
        self.game = game
        self.kinds = kinds or installed_kinds()
        self._now = now
        self._new_uid = new_uid
        self._files = ObjectFiles(folder, game)
        # As they were given: without the schema's defaults, which stay nobody's.
        self._given: dict[Key, Object] = {}
        self._managers: dict[Key, Managers] = {}
        self._listeners: list[Listener] = []
        self._unwritten: set[Key] = set()
        loaded = list(self._files.load())
        versions = (int(stored.object["metadata"]["resourceVersion"]) for stored in loaded)
        self._table = Table(max(self._files.start, *versions, 0))
        for stored in loaded:
            kind = self.kinds.plural(stored.plural)
            key = (stored.plural, stored.object["metadata"]["name"])
            self._given[key] = stored.object
            self._managers[key] = stored.managers
            self._table.load(stored.plural, complete(kind, stored.object))
        # A stop between an owner's deletion and its children's.
        self._remove_orphans()

    @property
    def version(self) -> int:
        """The resource version of the latest change: what to watch from after a list."""
        return self._table.version

    def get(self, plural: str, name: str) -> Object:
        """The object. Raises NotFound."""
        return copy.deepcopy(self._live(self.kinds.plural(plural), name))

    def list(self, plural: str, selector: Selector = EVERYTHING) -> list[Object]:
        """The objects of a kind that the selector matches, ordered by name."""
        kind = self.kinds.plural(plural)
        return [copy.deepcopy(obj) for _, obj in self._table.all(kind.plural) if selector.matches(obj)]

    def create(self, manifest: Object, *, manager: str = "create", dry_run: bool = False) -> Object:
        """Makes a new object. Raises AlreadyExists, Invalid, BadRequest, StorageError."""
        kind = self._read(manifest)
        name = str(manifest["metadata"].get("name", ""))
        if self._table.get(kind.plural, name) is not None:
            raise AlreadyExists(kind.resource, name)
        part = owned_part(manifest)
        return self._change(kind, name, part, {manager: part}, dry_run=dry_run).object

    def apply(self, manifest: Object, *, manager: str = "roomfleet", dry_run: bool = False) -> Applied:
        """Makes the object as the manifest says, or changes it to that; applied again it is unchanged.

        Fields that the manager applied before and that the manifest no longer has go away. `dry_run` only
        says what would be. Raises Invalid, BadRequest, Conflict, StorageError; then nothing is changed.
        """
        kind = self._read(manifest)
        name = str(manifest["metadata"].get("name", ""))
        key = (kind.plural, name)
        live = self._table.get(*key)
        managers = {**self._managers.get(key, {}), manager: owned_part(manifest)}
        if live is not None:
            metadata = manifest["metadata"]
            self._require(kind, live, Precondition(metadata.get("resourceVersion"), metadata.get("uid")))
        given = apply(self._given.get(key, {}), manifest, manager, self._managers.get(key, {}))
        return self._change(kind, name, given, managers, dry_run=dry_run)

    def patch(self, plural: str, name: str, patch: Mapping[str, Any]) -> Object:
        """Merges into the object; status, identity and versions in the patch are not taken.

        metadata.resourceVersion and metadata.uid in the patch are preconditions. Raises NotFound, Conflict,
        Invalid, BadRequest, StorageError.
        """
        kind = self.kinds.plural(plural)
        live = self._live(kind, name)
        self._require(kind, live, _asked(patch))
        change = {key: value for key, value in patch.items() if key not in ("apiVersion", "kind", "status")}
        if isinstance(change.get("metadata"), Mapping):
            change["metadata"] = {
                key: value
                for key, value in change["metadata"].items()
                if key in ("labels", "annotations", "ownerReferences")
            }
        key = (kind.plural, name)
        given = merge_patch(self._given[key], change)
        refuse_unknown_fields(kind, given)
        return self._change(kind, name, given, self._managers[key]).object

    def patch_status(self, plural: str, name: str, patch: Mapping[str, Any]) -> Object:
        """Merges the patch's `status` into the object's; everything else in it is left alone.

        metadata.resourceVersion and metadata.uid in the patch are preconditions. Unknown fields are dropped.
        It is on disk after the next `write`.
        Raises NotFound, Conflict, Invalid, StorageError.
        """
        kind = self.kinds.plural(plural)
        live = self._live(kind, name)
        self._require(kind, live, _asked(patch))
        key = (kind.plural, name)
        given = {**self._given[key], "status": merge_patch(live.get("status", {}), patch.get("status", {}))}
        full = complete(kind, given)
        check_status(kind, full)
        if full == live:
            return copy.deepcopy(live)
        return self._commit(kind, {**given, "status": full["status"]}, self._managers[key], durable=False)

    def unwritten(self) -> Sequence[Stored]:
        """Objects whose status changed since the last call: to be given to `write`."""
        stored = [Stored(key[0], self._given[key], self._managers[key]) for key in self._unwritten]
        self._unwritten.clear()
        return stored

    def write(self, stored: Sequence[Stored]) -> None:
        """Puts on disk what `unwritten` gave; in any thread, in any order. Raises StorageError."""
        for one in stored:
            self._files.write(one)

    def delete(self, plural: str, name: str, precondition: Precondition = ANY) -> Object:
        """Deletes the object, and then what has no owner left. Raises NotFound, Conflict, StorageError."""
        kind = self.kinds.plural(plural)
        live = self._live(kind, name)
        self._require(kind, live, precondition)
        last = self._remove(kind.plural, live)
        self._remove_orphans()
        return copy.deepcopy(last)

    def apply_all(self, documents: Sequence[Document], *, manager: str) -> Sequence[Applied]:
        """Applies all manifests, or, when one of them is refused, none.

        Raises BadManifest, which names file and line, or StorageError.
        """
        for document in documents:
            try:
                self.apply(document.content, manager=manager, dry_run=True)
            except ApiError as error:
                raise BadManifest(f"{document.source}: {error}") from error
        return [self.apply(document.content, manager=manager) for document in documents]

    def since(self, version: int) -> Sequence[Event]:
        """The changes after a version, of all kinds. Raises Expired. Their objects may not be changed."""
        return self._table.since(version)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls the listener after each change, in order; returns what ends that.

        The listener only takes note: it makes no changes here, and raises nothing.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def watch(self, version: int, plural: str | None = None) -> AsyncGenerator[Event, None]:
        """The changes after a version as they come, of one kind or all. Raises Expired, also for the slow."""
        return follow(self, version, plural)

    def _read(self, manifest: Object) -> Kind:
        """The manifest's kind, once it is known that this store can have it."""
        kind = self.kinds.of(str(manifest.get("apiVersion", "")), str(manifest.get("kind", "")))
        if not isinstance(manifest.get("metadata"), dict):
            raise BadRequest(f"{kind.kind}: metadata with a name is missing")
        refuse_unknown_fields(kind, manifest)
        namespace = manifest["metadata"].get("namespace", self.game)
        if namespace != self.game:
            raise BadRequest(
                f'{kind.kind} "{manifest["metadata"].get("name", "")}" is for the namespace "{namespace}"; '
                f'this fleet serves the game "{self.game}" alone: '
                f'leave metadata.namespace out or make it "{self.game}"'
            )
        return kind

    def _live(self, kind: Kind, name: str) -> Object:
        live = self._table.get(kind.plural, name)
        if live is None:
            raise NotFound(kind.resource, name)
        return live

    def _require(self, kind: Kind, live: Object, asked: Precondition) -> None:
        metadata = live["metadata"]
        if asked.uid is not None and asked.uid != metadata["uid"]:
            have = metadata["uid"]
            why = f"Precondition failed: UID in precondition: {asked.uid}, UID in object meta: {have}"
            raise Conflict(kind.resource, metadata["name"], why)
        if asked.version is not None and asked.version != metadata["resourceVersion"]:
            raise Conflict(kind.resource, metadata["name"], STALE)

    def _change(
        self, kind: Kind, name: str, given: Object, managers: Managers, *, dry_run: bool = False
    ) -> Applied:
        """Checks what was given as the new object of that name, and keeps it unless nothing changes."""
        live = self._table.get(kind.plural, name)
        # The manifest's metadata has what people own; identity comes from the object that is there.
        owned = given.get("metadata", {})
        identity = {k: v for k, v in (live or {}).get("metadata", {}).items() if k not in _OWNED}
        metadata = {**identity, **{k: v for k, v in owned.items() if k in _OWNED}}
        metadata |= {"name": name, "namespace": self.game}
        rest = {k: v for k, v in given.items() if k not in ("apiVersion", "kind", "metadata", "status")}
        given = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **rest}
        if live is not None and "status" in live:
            given["status"] = live["status"]
        full = complete(kind, given)
        check(kind, full, live)
        given, full = tidy_metadata(given), tidy_metadata(full)
        if live is not None and full == live:
            if managers != self._managers[kind.plural, name] and not dry_run:
                self._files.write(Stored(kind.plural, given, managers))
                self._given[kind.plural, name], self._managers[kind.plural, name] = given, managers
            return Applied(copy.deepcopy(live), Verb.UNCHANGED)
        if live is None:
            metadata |= {
                "uid": self._new_uid(),
                "creationTimestamp": self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "generation": 1,
            }
        elif _desired(full) != _desired(live):
            metadata["generation"] = live["metadata"]["generation"] + 1
        verb = Verb.CREATED if live is None else Verb.CONFIGURED
        if dry_run:
            return Applied(complete(kind, given), verb)
        return Applied(self._commit(kind, given, managers), verb)

    def _commit(self, kind: Kind, given: Object, managers: Managers, *, durable: bool = True) -> Object:
        version = self._next_version()
        given = {**given, "metadata": {**given["metadata"], "resourceVersion": str(version)}}
        key = (kind.plural, given["metadata"]["name"])
        if durable:
            self._files.write(Stored(kind.plural, given, managers))
            self._unwritten.discard(key)
        else:
            self._unwritten.add(key)
        self._given[key], self._managers[key] = given, managers
        full = complete(kind, given)
        self._tell(self._table.put(kind.plural, full))
        return copy.deepcopy(full)

    def _remove(self, plural: str, live: Object) -> Object:
        name = live["metadata"]["name"]
        last = copy.deepcopy(live)
        version = self._next_version()
        last["metadata"]["resourceVersion"] = str(version)
        self._files.delete(plural, name, version)
        self._unwritten.discard((plural, name))
        del self._given[plural, name], self._managers[plural, name]
        self._tell(self._table.remove(plural, last))
        return last

    def _remove_orphans(self) -> None:
        """Deletes what has no owner left, and then what that leaves without one."""
        while orphans := self._table.orphans():
            for plural, name in orphans:
                self._remove(plural, self._live(self.kinds.plural(plural), name))

    def _next_version(self) -> int:
        version = self._table.version + 1
        self._files.reserve(version)
        return version

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners):
            listener(event)


_OWNED = ("labels", "annotations", "ownerReferences")


def _asked(patch: Mapping[str, Any]) -> Precondition:
    metadata = patch.get("metadata") or {}
    return Precondition(metadata.get("resourceVersion"), metadata.get("uid"))


def _desired(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}

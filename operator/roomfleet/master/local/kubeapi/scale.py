"""The scale of an object over HTTP: how many of it there are to be, whatever its kind calls the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roomfleet.master.local.errors import BadRequest, Unsupported
from roomfleet.master.local.kinds import Scale
from roomfleet.master.local.kubeapi.bodies import read_object
from roomfleet.master.local.kubeapi.handler import JSON, MERGE, ApiHandler
from roomfleet.master.shapes import scale_note

Json = dict[str, Any]


class ItemScale(ApiHandler):
    """An `autoscaling/v1` Scale, of kinds whose definition has one."""

    def get(self, game: str, plural: str, name: str) -> None:
        scale = self._scale_of(plural, game)
        self.answer(_shown(scale, self.objects.get(plural, name)))

    def patch(self, game: str, plural: str, name: str) -> None:
        if self.content_type() != MERGE:
            raise Unsupported(f"send a patch of a scale as {MERGE}")
        self._set(game, plural, name)

    def put(self, game: str, plural: str, name: str) -> None:
        if self.content_type() not in (JSON, ""):  # kubectl names none here
            raise Unsupported(f"send a scale as {JSON}")
        self._set(game, plural, name)

    def _set(self, game: str, plural: str, name: str) -> None:
        scale = self._scale_of(plural, game)
        if self.dry_run():
            raise BadRequest("dryRun is there for create and apply only")
        asked = read_object(self.request.body)
        replicas = _at(asked, ("spec", "replicas"))
        if replicas is None:
            raise BadRequest("say how many there are to be: spec.replicas is missing")
        change = _leading_to(scale.spec, replicas)
        if isinstance(asked.get("metadata"), dict):
            change["metadata"] = asked["metadata"]  # its version and uid are preconditions
        scaled = self.objects.patch(plural, name, change)
        if note := scale_note(scaled):
            self.warn(note)
        self.answer(_shown(scale, scaled))

    def _scale_of(self, plural: str, game: str) -> Scale:
        kind = self.kind(plural, game)
        if kind.scale is None:
            others = " and ".join(sorted(each.plural for each in self.objects.kinds if each.scale))
            raise BadRequest(f"{kind.plural} cannot be scaled: {others} can")
        return kind.scale


def _shown(scale: Scale, obj: Json) -> Json:
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept},
        "spec": {"replicas": _at(obj, scale.spec) or 0},
        "status": {"replicas": _at(obj, scale.status) or 0, "selector": _at(obj, scale.selector) or ""},
    }


def _at(obj: Any, names: tuple[str, ...]) -> Any:
    """What stands there; None where nothing does."""
    for name in names:
        obj = obj.get(name) if isinstance(obj, Mapping) else None
    return obj


def _leading_to(names: tuple[str, ...], value: Any) -> Json:
    """The patch that sets that field."""
    first, *rest = names
    return {first: _leading_to(tuple(rest), value) if rest else value}

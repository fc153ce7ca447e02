"""A kind of object, as its CustomResourceDefinition describes it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from roomfleet.master.local.errors import BadRequest, NotFound

Schema = Mapping[str, Any]
"""An openAPIV3Schema, as the definition has it."""


class BadDefinition(Exception):
    """A CustomResourceDefinition that this program cannot work with; the text says which and why."""


@dataclass(frozen=True)
class Column:
    """A printer column. `priority` 0 is always shown, higher ones with `-o wide`."""

    name: str
    type: str
    json_path: str
    priority: int


@dataclass(frozen=True)
class Scale:
    """Which fields a scale sets and tells, each as the names that lead to it."""

    spec: tuple[str, ...]
    status: tuple[str, ...]
    selector: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind in one version: its names, its schema, and how it is printed."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    columns: tuple[Column, ...]
    schema: Schema
    scale: Scale | None
    """None: it cannot be scaled."""

    @property
    def api_version(self) -> str:
        """As manifests have it: `roomfleet.io/v1alpha1`."""
        return f"{self.group}/{self.version}"

    @property
    def resource(self) -> str:
        """As errors have it: `rooms.roomfleet.io`."""
        return f"{self.plural}.{self.group}"

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """All that it may be called on a command line, in lower case."""
        plain = {self.plural, self.singular, self.kind.lower(), *self.short_names}
        return frozenset(plain | {f"{name}.{self.group}" for name in plain})


class Kinds:
    """The kinds that there are, by what they may be called."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._by_plural = dict(kinds)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_plural.values())

    def plural(self, plural: str) -> Kind:
        """The kind whose plural that is. Raises NotFound."""
        try:
            return self._by_plural[plural]
        except KeyError:
            raise NotFound(plural, plural) from None

    def of(self, api_version: str, kind: str) -> Kind:
        """The kind that a manifest names. Raises BadRequest with kubectl's words."""
        for known in self:
            if known.api_version == api_version and known.kind == kind:
                return known
        raise BadRequest(f'no matches for kind "{kind}" in version "{api_version}"')

    def called(self, name: str) -> Kind | None:
        """The kind that a user calls so: plural, singular, kind or short name, with or without the group."""
        wanted = name.lower()
        return next((kind for kind in self if wanted in kind.names), None)

    def category(self, name: str) -> list[Kind]:
        """All kinds of a category, ordered by plural."""
        return sorted((kind for kind in self if name in kind.categories), key=lambda kind: kind.plural)


def parse_definition(document: Mapping[str, Any], source: str) -> Kind:
    """The kind of a CustomResourceDefinition, in its storage version. Raises BadDefinition, naming source."""
    try:
        spec = document["spec"]
        names = spec["names"]
        version = next(v for v in spec["versions"] if v["served"] and v["storage"])
        return Kind(
            group=spec["group"],
            version=version["name"],
            kind=names["kind"],
            plural=names["plural"],
            singular=names["singular"],
            short_names=tuple(names.get("shortNames", ())),
            categories=tuple(names.get("categories", ())),
            columns=tuple(
                Column(c["name"], c["type"], c["jsonPath"], c.get("priority", 0))
                for c in version.get("additionalPrinterColumns", ())
            ),
            schema=version["schema"]["openAPIV3Schema"],
            scale=_scale(version.get("subresources", {}).get("scale")),
        )
    except (KeyError, TypeError, StopIteration) as error:
        raise BadDefinition(
            f"{source}: not a CustomResourceDefinition with a stored version: {error!r}"
        ) from error


def _scale(given: Mapping[str, str] | None) -> Scale | None:
    if given is None:
        return None
    return Scale(
        _names(given["specReplicasPath"]),
        _names(given["statusReplicasPath"]),
        _names(given["labelSelectorPath"]),
    )


def _names(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix(".").split("."))

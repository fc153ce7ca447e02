"""Manifests for tests of the embedded fleet's objects."""

from __future__ import annotations

from typing import Any


def manifest(kind: str = "Room", name: str = "town", **spec: Any) -> dict[str, Any]:
    """A manifest; a Room's needs no spec to be good."""
    if kind == "Room":
        spec = {"map": "map1.room1", **spec}
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }

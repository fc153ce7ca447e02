"""What a spec may ask for that this version cannot do yet: the condition Accepted says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REASON = "NotYetSupported"
"""The reason of condition Accepted=False."""

_FLEET_PARTS = ("template", "ingress", "mapSource")


def not_yet_supported(obj: Mapping[str, Any]) -> list[str]:
    """What of the object is not done yet, each with its field and in words for people; empty if all is.

    A field that has its default counts as not asked for.
    """
    spec = obj.get("spec") or {}
    match obj.get("kind"):
        case "Room" | "InstancedRoom":
            return []
        case "RoomFleet":
            return _fleet(spec)
    return [f"kind {obj.get('kind')} is not known"]


def _fleet(spec: Mapping[str, Any]) -> list[str]:
    return [f"spec.{part}: not done yet: it is ignored" for part in _FLEET_PARTS if part in spec]

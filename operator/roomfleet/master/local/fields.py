"""Pure: how applying a manifest, or patching, changes an object's fields.

Applying is server-side apply in a simple form. Each field manager's last manifest is remembered; applying its
next one merges that in and takes away the fields which it had set, sets no more, and which no other manager
sets. Lists are one value. There are no conflicts: whoever applies last has it (kubectl's --force-conflicts).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
Managers = dict[str, dict[str, Any]]
"""What each field manager applied last, by its name: spec, and metadata's labels, annotations and owners."""

_METADATA = ("labels", "annotations", "ownerReferences")


def owned_part(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What of a manifest a manager can own: all but identity and status."""
    metadata = manifest.get("metadata") or {}
    kept = {key: metadata[key] for key in _METADATA if metadata.get(key)}
    rest = {k: v for k, v in manifest.items() if k not in ("apiVersion", "kind", "metadata", "status")}
    return copy.deepcopy({**rest, **({"metadata": kept} if kept else {})})


def apply(
    live: Mapping[str, Any], manifest: Mapping[str, Any], manager: str, managers: Managers
) -> dict[str, Any]:
    """The live object (without defaults) after the manager applied the manifest. Nothing given is changed."""
    wanted = owned_part(manifest)
    others = {path for name, part in managers.items() if name != manager for path in _leaves(part)}
    gone = set(_leaves(managers.get(manager, {}))) - set(_leaves(wanted)) - others
    result: dict[str, Any] = copy.deepcopy(dict(live))
    for path in gone:
        _remove(result, path)
    merged: dict[str, Any] = _merged(result, wanted)
    return merged


def merge_patch(value: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396): maps are merged, null takes away, anything else replaces."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = dict(value) if isinstance(value, Mapping) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), item)
    return result


def tidy_metadata(obj: dict[str, Any]) -> dict[str, Any]:
    """Takes away labels, annotations and owners that are empty."""
    metadata = obj["metadata"]
    for key in _METADATA:
        if key in metadata and not metadata[key]:
            del metadata[key]
    return obj


def _leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all that is no map, and of empty maps."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif path:
        yield path


def _remove(value: dict[str, Any], path: Path) -> None:
    """Takes the field away, and the maps above it that this leaves empty (but top-level ones)."""
    above: list[dict[str, Any]] = [value]
    for key in path[:-1]:
        below = above[-1].get(key)
        if not isinstance(below, dict):
            return
        above.append(below)
    if isinstance(above[-1].get(path[-1]), dict) and above[-1][path[-1]]:
        return  # It was an empty map, and others have put something in.
    above[-1].pop(path[-1], None)
    for depth in range(len(path) - 1, 1, -1):
        if above[depth]:
            break
        del above[depth - 1][path[depth - 1]]


def _merged(live: Any, wanted: Any) -> Any:
    if not isinstance(wanted, Mapping) or not isinstance(live, Mapping):
        return copy.deepcopy(wanted)
    result = dict(live)
    for key, item in wanted.items():
        result[key] = _merged(result[key], item) if key in result else copy.deepcopy(item)
    return result

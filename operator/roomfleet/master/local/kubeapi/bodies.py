"""Reads the bodies of requests: JSON or YAML objects, refused when they are not what the path says."""

from __future__ import annotations

import json
from typing import Any

from roomfleet.master.local.errors import BadRequest
from roomfleet.master.local.kinds import Kind
from roomfleet.master.local.manifests import BadManifest, measure, read_documents


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises BadRequest."""
    try:
        content = json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
        measure(content)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON that can be taken: {error}") from error
    if not isinstance(content, dict):
        raise BadRequest("the body has to be a JSON object")
    return content


def read_manifest(body: bytes, kind: Kind, name: str | None) -> dict[str, Any]:
    """The object of that kind, and name if one is given, that a body in JSON or YAML describes.

    Raises BadRequest, also where kind or name are others than the path's.
    """
    if body.lstrip().startswith(b"{"):
        manifest = read_object(body)
    else:
        try:
            documents = read_documents(body.decode(), "body")
        except (BadManifest, UnicodeDecodeError) as error:
            raise BadRequest(f"the body is no manifest: {error}") from error
        if len(documents) != 1:
            raise BadRequest(f"the body has {len(documents)} objects: send one")
        manifest = documents[0].content
    given = (manifest.get("apiVersion"), manifest.get("kind"))
    if given != (kind.api_version, kind.kind):
        raise BadRequest(
            f"the API version and kind in the data ({given[0]}, {given[1]}) do not match those on the URL "
            f"({kind.api_version}, {kind.kind})"
        )
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        raise BadRequest(f"{kind.kind}: metadata with a name is missing")
    if name is not None and metadata.setdefault("name", name) != name:
        raise BadRequest(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
        )
    return manifest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'key "{key}" already set in map')
        found[key] = value
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON number")

"""Finds and loads the CustomResourceDefinitions: in the repository, or in an installed wheel."""

from __future__ import annotations

import functools
from pathlib import Path

from roomfleet.master.local.kinds import BadDefinition, Kind, Kinds, parse_definition
from roomfleet.master.local.manifests import BadManifest, read_documents


def definitions_folder() -> Path:
    """The folder with the definitions: `roomfleet/_data/crds` of a wheel, else `crds` of the repository.

    Raises BadDefinition where neither is there.
    """
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "_data" / "crds", package.parents[1] / "crds"):
        if folder.is_dir():
            return folder
    raise BadDefinition(f"no CustomResourceDefinitions beside {package}: install roomfleet again")


def load_kinds(folder: Path) -> Kinds:
    """The kinds that a folder's YAML files define. Raises BadDefinition."""
    kinds: dict[str, Kind] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            documents = read_documents(path.read_text(encoding="utf-8"), str(path))
        except (OSError, BadManifest) as error:
            raise BadDefinition(f"{path}: {error}") from error
        for document in documents:
            kind = parse_definition(document.content, document.source)
            kinds[kind.plural] = kind
    if not kinds:
        raise BadDefinition(f"{folder}: no CustomResourceDefinitions in it")
    return Kinds(kinds)


@functools.cache
def installed_kinds() -> Kinds:
    """The kinds of this installation, loaded once. Raises BadDefinition."""
    return load_kinds(definitions_folder())

"""Game folders made for one test, forgotten by the interpreter after it."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def imports_forgotten(folder: Path) -> Iterator[None]:
    """Afterwards no module of the folder is imported, and it is not on `sys.path`."""
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path
        for name, module in list(sys.modules.items()):
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if any(place is not None and Path(place).is_relative_to(folder) for place in places):
                del sys.modules[name]


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Files by their paths; the text is dedented."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")


def map_text(map_id: str, **rooms: Mapping[str, Any]) -> str:
    """A map file with these rooms; each has a size if it gives none."""
    size = {"width": 400, "height": 300}
    whole = {f"{map_id}.{name}": {**size, **room} for name, room in rooms.items()}
    return json.dumps({"map_id": map_id, "rooms": whole}, indent=1)

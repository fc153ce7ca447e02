"""Lines of values in YAML and JSON texts, for messages that lead to the place."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

Place = Sequence[str | int]


class Marks:
    """Where things stand in one text. Of a text that is not YAML nothing is known, and line 1 is given."""

    def __init__(self, text: str) -> None:
        self._documents: dict[int, yaml.Node] = {}
        try:
            for node in yaml.compose_all(text, yaml.SafeLoader):
                if node is not None:
                    self._documents[node.start_mark.line + 1] = node
        except (yaml.YAMLError, RecursionError):
            self._documents = {}

    def line(self, place: Place, document: int | None = None) -> int:
        """The line of the value at `place` in the document that begins at line `document` (else the first).

        Lines count from 1. Where the way ends early, the line that it got to.
        """
        first = document if document is not None else min(self._documents, default=1)
        node = self._documents.get(first)
        line = first
        for step in place:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return line


def steps(path: str) -> tuple[str | int, ...]:
    """`spec.doors[2].x` as a place."""
    found = re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)
    return tuple(name or int(index) for name, index in found)


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """The line and the node one step further; of a field the line of its key."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None

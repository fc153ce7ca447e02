"""Which lines of a watch only tell what we have just written ourselves.

Most of what a watch reports are our own writes, and a write's answer has brought the object already. Such a
line is dropped before kopf makes anything of it: that was more work than all else of the operator together.
One that comes before the write's answer is let through, and found to be no news by its resourceVersion.
"""

from __future__ import annotations

import msgspec

REMEMBERED = 4_096
"""So many writes at least are remembered; an echo comes within milliseconds."""


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str


class _Object(msgspec.Struct):
    metadata: _Metadata


class _Line(msgspec.Struct):
    type: str
    object: _Object


_decoder = msgspec.json.Decoder(_Line)


class Echoes:
    """The versions of our latest writes. Told on one thread, asked on another."""

    def __init__(self) -> None:
        self._latest: set[str] = set()
        self._before: set[str] = set()

    def wrote(self, version: str) -> None:
        """A write was answered with that resourceVersion."""
        if len(self._latest) >= REMEMBERED:
            self._before, self._latest = self._latest, set()
        self._latest.add(version)

    def has(self, line: bytes) -> bool:
        """Whether the line of a watch reports such a write."""
        try:
            found = _decoder.decode(line)
        except msgspec.DecodeError:
            return False  # no event of an object: kopf's to judge
        version = found.object.metadata.resource_version
        return found.type == "MODIFIED" and (version in self._latest or version in self._before)

    def without(self, lines: bytes) -> bytes:
        """Whole lines of a watch, less the echoes."""
        return b"".join(line for line in lines.splitlines(keepends=True) if not self.has(line))

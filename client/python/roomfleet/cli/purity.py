"""Finds what a game's scripts may not import: clocks, event loops and dice that their room does not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator

CURES = {
    "asyncio": "scripts wait with self.sleep() and self.move_to(); for I/O: await self.outside(coroutine)",
    "threading": "the room steps its scripts; for slow work: await self.outside(coroutine)",
    "time": "room time is self.room.now; wait with await self.sleep(seconds)",
    "random": "use self.room.random: it is seeded, so that a room can be played again",
}
"""By module, what to use in its place."""


def forbidden_imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and message for each. Raises SyntaxError for what is not Python."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names, line = [alias.name for alias in node.names], node.lineno
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names, line = [node.module or ""], node.lineno
        else:
            continue
        for name in names:
            cure = CURES.get(name.partition(".")[0])
            if cure is not None:
                yield line, f"a script may not import {name}: {cure}"

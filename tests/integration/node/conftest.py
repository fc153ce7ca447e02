"""A node of the trial game within the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.game_folder import imports_forgotten
from support.hosted import Hosted, hosted
from support.trial_game import trial_game


@pytest.fixture
def on_a_node(tmp_path: Path) -> Iterator[Any]:
    """Runs a test on a node of the trial game; its store is `tmp_path / "store.db"`."""
    game = trial_game(tmp_path)

    def run(test: Callable[[Hosted], Awaitable[None]], **settings: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(40), hosted(game, tmp_path / "store.db", **settings) as on:
                await test(on)

        asyncio.run(main())

    with imports_forgotten(tmp_path):
        yield run

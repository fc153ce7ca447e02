"""A browser for each module, windows for each test.

Playwright's synchronous API keeps an event loop on this thread, which other modules' tests need for
their own: it ends with its module.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.browser import Windows, chromium
from support.running import WALKABOUT, Running, running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def walkabout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The sample game, shared by the tests of a module: each leaves it without players."""
    with running(WALKABOUT, tmp_path_factory.mktemp("walkabout") / "data") as fleet:
        yield fleet


@pytest.fixture
def windows(browser: Browser, walkabout: Running) -> Iterator[Windows]:
    made = Windows(browser, walkabout)
    yield made
    made.close_all()


@pytest.fixture
def game_folder(tmp_path: Path) -> Path:
    """Where a game of the test's own may be put."""
    return tmp_path / "walkabout"

"""What players notice of killed nodes and masters, and of rooms that sleep: a card, and they are back."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.browser import Window, Windows
from support.running import WALKABOUT, Running, eventually, game_copy, running

LOST = "Connection lost – getting back in…"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Running]:
    """The sample game, for this test alone."""
    with running(WALKABOUT, tmp_path / "data") as found:
        yield found


def saved_place(fleet: Running, actor: str) -> list[float]:
    """Where the actor's saved path ends."""
    with sqlite3.connect(f"file:{fleet.data}/store.db?mode=ro", uri=True) as store:
        rows = store.execute("SELECT body FROM actors WHERE id = ?", (f"{fleet.game}/{actor}",)).fetchall()
    store.close()
    assert len(rows) == 1, "one actor, saved once"
    path: Any = json.loads(rows[0][0])["path"]
    return [float(number) for number in path[-1][:2]]


def walk_and_be_saved(window: Window, x: float, y: float) -> list[float]:
    """Walk there, and wait until that is in the store; the saved place."""
    window.click_world(x, y)
    eventually(lambda: window.stands_at(x, y), what="the hero where was clicked")
    here = window.position()

    def saved() -> list[float] | None:
        place = saved_place(window.fleet, window.me)
        return place if place == list(here) else None

    place = eventually(saved, what=f"{here} in the store")
    assert place is not None
    return place


def test_a_killed_node_is_survived_where_the_hero_was_last_saved(browser: Browser, fleet: Running) -> None:
    windows = Windows(browser, fleet)
    window = windows.new().enter("Ada")
    window.may_lose_connections = True
    window.evaluate("window.kept = true")
    place = walk_and_be_saved(window, 440, 430)
    fleet.signal_node(fleet.node_of("town"), signal.SIGKILL)
    window.wait("reconnecting")
    window.screenshot("connection-lost")
    window.wait("playing", "town")
    assert {one["title"] for one in window.seen if one["state"] == "reconnecting"} == {LOST}
    assert list(window.position()) == place
    assert window.evaluate("window.kept"), "without a reload"
    window.click_world(480, 330)
    eventually(lambda: window.stands_at(480, 330), what="the hero walking again")
    windows.close_all()


def test_a_node_that_is_told_to_end_hands_its_players_over_without_a_card(
    browser: Browser, fleet: Running
) -> None:
    windows = Windows(browser, fleet)
    window = windows.new().enter("Ada")
    window.evaluate("window.kept = true")
    place = walk_and_be_saved(window, 440, 430)
    first, before = fleet.node_of("town"), len(window.seen)
    fleet.signal_node(first, signal.SIGTERM)
    eventually(lambda: fleet.room("town")["node"] != first, what="town on the other node")
    eventually(lambda: "travelling" in window.states[before:], what="the page following")
    window.wait("playing", "town")
    assert set(window.states[before:]) == {"travelling", "playing"}
    assert list(window.position()) == place
    assert window.evaluate("window.kept"), "without a reload"
    window.click_world(480, 330)
    eventually(lambda: window.stands_at(480, 330), what="the hero walking again")
    windows.close_all()


def test_a_killed_fleet_that_starts_again_gets_its_open_pages_back(browser: Browser, fleet: Running) -> None:
    windows = Windows(browser, fleet)
    window = windows.new().enter("Ada")
    window.may_lose_connections = True
    window.evaluate("window.kept = true")
    place = walk_and_be_saved(window, 440, 430)
    fleet.kill(nodes=True)
    window.wait("reconnecting")
    assert window.title == LOST
    fleet.start()
    window.wait("playing", "town")
    assert list(window.position()) == place
    assert window.evaluate("window.kept"), "without a reload"
    windows.close_all()


def test_rooms_fall_asleep_behind_the_last_player_and_wake_for_the_next(
    browser: Browser, game_folder: Path, tmp_path: Path
) -> None:
    game = game_copy(game_folder)
    manifest = game / "k8s" / "rooms.yaml"
    manifest.write_text(manifest.read_text().replace("boredAfterSeconds: 20", "boredAfterSeconds: 1"))
    with running(game, tmp_path / "data") as fleet:
        windows = Windows(browser, fleet)
        window = windows.new().enter("Ada")
        place = walk_and_be_saved(window, 440, 430)
        window.close()
        asleep = fleet.wait_phase("town", "Asleep")
        assert asleep["node"] == ""
        again = windows.new().enter("Ada")
        assert list(again.position()) == place
        assert fleet.room("town")["epoch"] > asleep["epoch"] - 1
        assert fleet.room("town")["phase"] == "Running"
        windows.close_all()

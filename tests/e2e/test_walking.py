"""Walking about: smooth motion by timed vectors, doors to another node, and those who walk by themselves."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Browser

from roomfleet.wire.names import instance_name
from support.browser import Sample, Window, Windows
from support.running import Running, eventually, game_copy, running

SPEED = 120
"""Of walkabout's heroes, units a second."""


def walk(window: Window, x: float, y: float) -> None:
    """Click there, and wait until the hero has set out."""
    window.click_world(x, y)
    eventually(lambda: math.dist(window.goal(), (x, y)) < 3, what="a path to where was clicked")


def go_through(window: Window, door: str, room: str) -> None:
    window.click_door(door)
    window.wait("playing", room)


def assert_smooth(samples: list[Sample], speed: float, step: tuple[float, float]) -> None:
    """Every frame is a little farther along `step`, and never farther than the speed allows."""
    along = [sample.x * step[0] + sample.y * step[1] for sample in samples]
    for (earlier, later), (before, after) in zip(pairwise(samples), pairwise(along), strict=True):
        elapsed = later.before - earlier.after
        moved = math.dist((earlier.x, earlier.y), (later.x, later.y))
        assert later.after >= earlier.before, "room time never runs backwards"
        assert after >= before - 1e-6, "no step back"
        assert moved <= speed * elapsed + 1e-6, f"{moved} units in {elapsed} s"
    assert along[-1] > along[0], "it moved at all"


def test_a_click_walks_there_smoothly(windows: Windows) -> None:
    window = windows.new().enter("Ada")
    walk(window, 400, 450)
    samples = window.motion(window.me, 30)
    assert_smooth(samples, SPEED, (0, 1))
    window.screenshot("walking")
    places = [(sample.x, sample.y) for sample in samples]
    walking = [place for place in places if place != places[-1]]  # who has arrived stays there
    assert len(set(walking)) > 0.8 * len(walking), "a new place at nearly every frame"
    eventually(lambda: window.stands_at(400, 450), what="the hero where was clicked")


def test_a_change_of_course_turns_where_the_hero_is(windows: Windows) -> None:
    window = windows.new().enter("Bea")
    walk(window, 400, 460)
    before = window.position()
    walk(window, 480, 330)
    after = window.position()
    assert math.dist(before, after) < SPEED * 2, "no jump"
    eventually(lambda: window.stands_at(480, 330), what="the hero at the second goal")


def test_a_door_leads_to_the_other_node_and_back_without_a_reload(
    windows: Windows, walkabout: Running
) -> None:
    window = windows.new().enter("Cleo")
    window.evaluate("window.kept = 'from before the door'")
    walk(window, 690, 250)
    go_through(window, "east gate", "meadow")
    assert walkabout.room("meadow")["node"] != walkabout.room("town")["node"]
    assert window.stands_at(75, 250)
    window.screenshot("meadow")
    assert window.page.text_content("#room-name") == "meadow"
    go_through(window, "west gate", "town")
    assert window.stands_at(725, 250)
    assert window.evaluate("window.kept") == "from before the door"
    assert "travelling" in window.states
    assert "reconnecting" not in window.states


def cursor(window: Window) -> str:
    return str(window.evaluate("getComputedStyle(scene).cursor"))


def test_the_pointer_tells_a_door_from_the_ground(windows: Windows) -> None:
    window = windows.new().enter("Dora")
    window.page.mouse.move(*window.pixel(785, 250))
    eventually(lambda: cursor(window) == "pointer", what="a hand over the door")
    window.page.mouse.move(*window.pixel(600, 300))
    eventually(lambda: cursor(window) == "crosshair", what="no hand beside it")


def hasty(folder: Path) -> Path:
    """A walkabout whose wanderers stroll for a moment only, and fast."""
    game = game_copy(folder)
    folk = game / "walkabout" / "folk.py"
    text = folk.read_text()
    changes = {
        "speed = 60": "speed = 600",
        "uniform(20, 40)": "uniform(1, 2)",
        "uniform(1, 4)": "uniform(0, 1)",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    folk.write_text(text)
    return game


def await_alone_in(name: str, here: Window, there: Window) -> None:
    eventually(lambda: name in here.names - there.names, what=f"{name} in the {here.room}, and only there")


def await_strolling(id: str, window: Window) -> None:
    """Wait until the actor has been seen on its way to one place, and to another."""
    goals: set[tuple[float, ...]] = set()

    def seen() -> bool:
        if (actor := window.actors.get(id)) is not None:
            goals.add(tuple(actor["path"][-1][:2]))
        return len(goals) > 1

    eventually(seen, what=f"{id} strolling in the {window.room}")


def test_wanderers_stroll_and_go_through_the_door_by_themselves(
    browser: Browser, game_folder: Path, tmp_path: Path
) -> None:
    with running(hasty(game_folder), tmp_path / "data") as fleet:
        windows = Windows(browser, fleet)
        town = windows.new().enter("Ada", "?room=town")
        meadow = windows.new().enter("Ben", "?room=meadow")
        for here, there in ((meadow, town), (town, meadow)):
            await_alone_in("Willow", here, there)
            await_strolling(here.id_of("Willow"), here)
        windows.close_all()


def test_each_hero_has_a_boathouse_of_their_own(windows: Windows) -> None:
    olga, pim = (windows.new().enter(name, "?room=meadow") for name in ("Olga", "Pim"))
    go_through(olga, "boathouse", instance_name("boathouse", "Olga"))
    go_through(pim, "boathouse", instance_name("boathouse", "Pim"))
    assert olga.names == {"Olga", "Pebble"}
    assert olga.page.text_content("#room-name") == "boathouse"
    go_through(olga, "way out", "meadow")

"""Several windows: players see each other, one name is in one window only, and a full room has a line."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from support.browser import Windows
from support.running import eventually, game_copy, running


def test_two_windows_see_each_other_come_move_talk_and_go(windows: Windows) -> None:
    ada = windows.new().enter("Ada")
    ben = windows.new().enter("Ben")
    eventually(lambda: "Ben" in ada.names, what="Ben in Ada's window")
    assert "Ada" in ben.names
    eventually(lambda: ada.page.text_content("#players") == "2 players", what="the count of players")
    ben.click_world(360, 450)
    eventually(lambda: ben.stands_at(360, 450), what="Ben arriving")
    eventually(lambda: ada.position("p:Ben") == ben.position(), what="Ben at the same place for Ada")
    ben.page.fill("#chat-text", "<b>good morning</b>")
    ben.page.press("#chat-text", "Enter")
    ada.page.wait_for_selector("#chat-log li >> text=<b>good morning</b>")
    ada.screenshot("together")
    ben.page.click("#leave")
    eventually(lambda: "Ben" not in ada.names, what="Ben gone from Ada's window")
    ada.page.wait_for_selector(".toast >> text=Ben left")


def test_names_of_those_who_stand_together_are_all_readable(windows: Windows) -> None:
    window = windows.new().enter("Mia")
    boxes = [{"x": x, "bottom": 100, "half": 30, "height": 20} for x in (0, 10, 20, 200)]
    lifts = window.evaluate(
        "(boxes) => import('/labels.js').then((labels) => labels.liftLabels(boxes))", boxes
    )
    assert lifts == [0, 22, 44, 0]
    others = [windows.new().enter(name) for name in ("Noa", "Olaf")]
    eventually(lambda: {"Noa", "Olaf"} <= window.names, what="all three in the room")
    assert {other.position() for other in others} == {window.position()}, "they arrive at one place"
    window.screenshot("at-one-place")


def test_the_same_name_takes_over_and_the_first_window_offers_to_take_back(windows: Windows) -> None:
    first = windows.new().enter("Ada")
    second = windows.new().enter("Ada")
    first.wait("replaced")
    assert first.title == "You joined from another window"
    first.screenshot("replaced")
    assert [actor["name"] for actor in second.actors.values()].count("Ada") == 1
    first.page.click("text=Take back")
    first.wait("playing")
    second.wait("replaced")
    second.page.reload()
    second.wait("name")


def test_leave_goes_back_to_the_name_and_another_may_be_chosen(windows: Windows) -> None:
    window = windows.new().enter("Ada")
    window.page.click("#leave")
    window.wait("left")
    assert window.page.is_visible("#name-form")
    window.screenshot("left")
    window.page.reload()
    window.wait("name")
    window.submit_name("Zoë")
    window.wait("playing")
    assert window.me == "p:Zoë"
    assert "Ada" not in window.names


def test_waving_is_answered_by_those_nearby(windows: Windows) -> None:
    window = windows.new().enter("Ada")
    guard = window.id_of("Guard")

    def waved() -> bool:
        window.click_world(*window.position(guard))
        window.page.click("#wave")
        return window.actors[guard]["state"]["waved_at"] > 0

    eventually(waved, what="the guard waved at")
    window.page.wait_for_selector(".toast >> text=Good day, Ada.")


def small(folder: Path) -> Path:
    """A walkabout with one place in each room, and heroes who run."""
    game = game_copy(folder)
    manifest = game / "k8s" / "rooms.yaml"
    manifest.write_text(manifest.read_text().replace("boredAfterSeconds: 20", "capacity: 1"))
    hero = game / "walkabout" / "hero.py"
    hero.write_text(hero.read_text().replace("speed = 120", "speed = 600"))
    return game


def test_a_full_room_has_a_line_at_its_gate_and_at_its_door(
    browser: Browser, game_folder: Path, tmp_path: Path
) -> None:
    with running(small(game_folder), tmp_path / "data") as fleet:
        windows = Windows(browser, fleet)
        ada = windows.new().enter("Ada", "?room=town")
        ben = windows.new().open("?room=town").submit_name("Ben").wait("waiting")
        assert ben.title == "Waiting (position 1)"
        cleo = windows.new().open("?room=town").submit_name("Cleo").wait("waiting")
        assert cleo.title == "Waiting (position 2)"
        cleo.screenshot("waiting")
        ada.page.click("#leave")
        ben.wait("playing", "town")
        eventually(lambda: cleo.title == "Waiting (position 1)", what="Cleo moving up")

        dan = windows.new().enter("Dan", "?room=meadow")
        cleo.page.click("#leave")
        cleo.wait("left")
        ben.click_world(700, 250)
        eventually(lambda: ben.stands_at(700, 250), what="Ben near the gate")
        ben.click_door("east gate")
        ben.page.wait_for_selector("#banner >> text=Waiting (position 1) for meadow")
        assert ben.room == "town"
        ben.screenshot("waiting-at-the-door")
        dan.page.click("#leave")
        ben.wait("playing", "meadow")
        windows.close_all()

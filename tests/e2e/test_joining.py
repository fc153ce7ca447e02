"""From the name to the room: what the page says on the way, and what the canvas shows then."""

from __future__ import annotations

from support.browser import Window, Windows
from support.running import eventually


def test_a_name_leads_into_the_entry_room_and_is_kept_over_a_reload(windows: Windows) -> None:
    window = windows.new().open()
    window.wait("name")
    window.screenshot("name")
    window.submit_name("Ada")
    window.wait("playing", "town")
    assert "Ada" in window.names
    window.page.reload()
    window.wait("playing", "town")
    assert window.me == "p:Ada"
    later = windows.beside(window).open()
    later.wait("name")
    assert later.page.input_value("#name") == "Ada", "a new window suggests it, and does not take over"


def test_a_name_needs_a_character(windows: Windows) -> None:
    window = windows.new().open().submit_name("  ")
    assert window.page.text_content("#name-flaw")
    assert window.state == "name"
    window.screenshot("name-missing")


def test_the_page_tells_each_step_on_the_way_in(windows: Windows) -> None:
    window = windows.new().enter("Ben", "?room=meadow")
    steps = [one for one in window.seen if one["state"] in ("connecting", "waiting", "loading")]
    assert steps[0] == {"state": "connecting", "title": "Connecting…"}
    assert steps[-1] == {"state": "loading", "title": "Loading…"}
    assert window.room == "meadow"


def is_door(window: Window, x: float, y: float) -> bool:
    red, green, blue = window.colour(x, y)
    return red > 230 and green > 180 and blue < 190


def is_ground(window: Window, x: float, y: float) -> bool:
    red, green, blue = window.colour(x, y)
    return green > red and green > blue


def test_the_canvas_shows_ground_doors_objects_and_actors(windows: Windows) -> None:
    window = windows.new().enter("Ada")
    eventually(lambda: is_door(window, 785, 250), what="the east gate on the canvas")
    assert is_ground(window, 40, 480)
    red, green, blue = window.colour(150, 96)
    assert red > 150 > green + blue - 60, "the bakery's red roof"
    red, green, blue = window.colour(560, 400)
    assert blue > green > red, "the pond's blue water"
    x, y = window.position()
    me = window.colour(x, y + 4)
    assert me[1] > 180, f"the own actor is bright green, not {me}"
    shown = window.actors
    assert {actor["type"] for actor in shown.values()} >= {"Guard", "Hero"}
    window.screenshot("playing")


def test_a_refusal_says_why_and_lets_one_try_again(windows: Windows) -> None:
    window = windows.new().open("?room=nowhere").submit_name("Ada")
    window.wait("refused")
    assert "nowhere" in str(window.page.text_content("#status-detail"))
    window.screenshot("refused")
    window.page.click("#rename")
    window.wait("name")


def test_it_can_be_played_on_a_phone(windows: Windows) -> None:
    window = windows.new(width=390, height=844, device_scale_factor=2, has_touch=True, is_mobile=True)
    window.enter("Ada")
    page = window.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out at the side"
    assert page.is_visible("#leave")
    assert page.is_visible("#chat-text")
    window.screenshot("phone")
    page.touchscreen.tap(*window.pixel(400, 450))
    eventually(lambda: window.stands_at(400, 450), what="the hero where it was tapped")
    page.tap("#chat-text")
    page.keyboard.type("hello from the train")
    page.keyboard.press("Enter")
    page.wait_for_selector("#chat-log li >> text=hello from the train")
    window.screenshot("phone-chat")


def test_on_a_phone_the_room_is_seen_around_the_hero_with_signs_to_the_doors(windows: Windows) -> None:
    window = windows.new(width=390, height=844, device_scale_factor=2, has_touch=True, is_mobile=True)
    window.enter("Ada", "?room=town")
    middle_x, _ = window.pixel(*window.position())
    assert abs(middle_x - 195) < 2, "the hero in the middle"
    door_x, door_y = window.pixel(785, 250)
    assert door_x > 390, "the gate out of sight"
    window.page.touchscreen.tap(390 - 22, door_y)
    window.wait("playing", "meadow")
    window.screenshot("phone-meadow")
    assert 0 < window.pixel(*window.position())[0] < 195, "no farther than the room's edge"

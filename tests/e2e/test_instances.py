"""Choosing an instance at the play page, what it is called there, and inviting others by the address."""

from __future__ import annotations

import pytest
import yaml
from playwright.sync_api import expect

from roomfleet.wire.names import instance_name
from support.browser import Window, Windows
from support.running import Running, eventually

PARTY = instance_name("boathouse", "party-7")


def choose(window: Window, name: str, instanced_room: str, key: str) -> Window:
    """Fill in the form, and send it."""
    window.page.select_option("#instanced-room", instanced_room)
    window.page.fill("#key", key)
    return window.submit_name(name)


def heading(window: Window) -> str:
    return str(window.page.text_content("#room-name"))


def test_who_gives_the_same_key_meets_and_the_address_invites_others(windows: Windows) -> None:
    ada, ben = windows.new().open(), windows.new()
    choose(ada, "Ada", "boathouse", "party-7").wait("playing", PARTY)
    assert heading(ada) == "boathouse · party-7"
    assert ada.page.title() == "boathouse · party-7 · Roomfleet"
    ada.screenshot("instance")
    ben.page.goto(ada.page.url)
    expect(ben.page.locator("#key")).to_have_value("party-7")
    ben.screenshot("instance-invited")
    ben.submit_name("Ben").wait("playing", PARTY)
    eventually(lambda: {"Ada", "Ben"} <= ada.names, what="they see each other")
    ben.page.reload()
    ben.wait("playing", PARTY)
    assert heading(ben) == "boathouse · party-7"
    ben.click_door("way out")
    ben.wait("playing", "meadow")
    assert heading(ben) == "meadow"
    ben.page.reload()
    ben.wait("playing", "meadow")


def test_who_was_elsewhere_is_brought_where_anyone_may_come(windows: Windows) -> None:
    cid = windows.new().enter("Cid", "?room=town")
    cid.page.click("#leave")
    choose(cid, "Cid", "boathouse", "party-8").wait("playing", instance_name("boathouse", "party-8"))
    assert heading(cid) == "boathouse · party-8"


def test_a_key_needs_a_character(windows: Windows) -> None:
    window = choose(windows.new().open(), "Dan", "boathouse", " ")
    assert window.page.text_content("#name-flaw") == "A key has at least one character."
    assert window.state == "name"
    window.page.select_option("#instanced-room", "")
    assert not window.page.is_visible("#key")
    window.submit_name("Dan").wait("playing", "town")
    assert "key=" not in window.page.url


@pytest.fixture
def shed(walkabout: Running) -> str:
    """An InstancedRoom that is entered by doors alone, for those who are elsewhere."""
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "InstancedRoom",
        "metadata": {"name": "shed"},
        "spec": {"template": {"spec": {"map": "map1.boathouse", "boredAfterSeconds": 1}}},
    }
    done = walkabout.roomfleet("apply", "-f", "-", stdin=yaml.safe_dump(manifest))
    assert done.returncode == 0, done.stderr
    return "shed"


def test_who_cannot_be_brought_is_told_and_gets_in_where_they_were(windows: Windows, shed: str) -> None:
    eve = windows.new().enter("Eve", "?room=town")
    eve.page.click("#leave")
    eve.open()
    choose(eve, "Eve", shed, "party-7").wait("playing", "town")
    eve.page.wait_for_selector("#toasts >> text=by its doors only")
    assert "key=" not in eve.page.url


def test_an_instance_can_be_chosen_on_a_phone(windows: Windows) -> None:
    window = windows.new(width=390, height=844, device_scale_factor=2, has_touch=True, is_mobile=True)
    window.open().wait("name")
    window.page.select_option("#instanced-room", "boathouse")
    window.screenshot("phone-instance-chosen")
    choose(window, "Fay", "boathouse", "the long party of all who came from far away")
    window.wait("playing")
    box = window.page.locator("#leave").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390, "a long name pushes nothing out of sight"
    window.screenshot("phone-instance")

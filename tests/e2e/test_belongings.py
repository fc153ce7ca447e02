"""What a player has, and what was said, on the play page: panels that follow the state."""

from __future__ import annotations

from support.browser import Window, Windows
from support.running import eventually

MEADOW = "?room=meadow"


def bag(window: Window) -> list[str]:
    """The bag's lines, as they are shown."""
    shown: list[str] = window.evaluate(
        "() => [...document.querySelectorAll('.bag .thing span')].map((one) => one.innerText)"
    )
    return shown


def go(window: Window, x: float, y: float) -> None:
    window.click_world(x, y)
    eventually(lambda: window.stands_at(x, y, within=8), what=f"a hero at {x:g}, {y:g}")


def find_one(window: Window, x: float, y: float, name: str) -> None:
    go(window, x, y)
    window.page.click("#pick")
    window.page.wait_for_selector(f".toast >> text=You have the {name}")


def test_what_is_picked_up_is_in_the_bag_and_can_be_given_away(windows: Windows) -> None:
    ada = windows.new().enter("Ada", MEADOW)
    assert bag(ada) == []
    find_one(ada, 225, 140, "Apple")
    eventually(lambda: bag(ada) == ["Apple"], what="the apple in the bag")
    find_one(ada, 155, 200, "Daisy")
    eventually(lambda: bag(ada) == ["Apple", "Daisy"], what="the daisy in the bag")
    ada.screenshot("bag")
    bea = windows.new().enter("Bea", MEADOW)
    go(bea, 160, 230)
    assert bag(bea) == []
    ada.page.click(".bag .thing >> text=Apple")
    ada.page.wait_for_selector(".toast >> text=You gave it to Bea")
    eventually(lambda: (bag(ada), bag(bea)) == (["Daisy"], ["Apple"]), what="the apple in Bea's bag")


def test_who_comes_later_reads_what_was_said(windows: Windows) -> None:
    ada = windows.new().enter("Ada", MEADOW)
    ada.page.fill("#chat-text", "Nice weather here")
    ada.page.press("#chat-text", "Enter")
    ada.page.wait_for_selector("#chat-log li >> text=Nice weather here")
    bea = windows.new().enter("Bea", MEADOW)
    bea.page.click(".talk summary")
    bea.page.wait_for_selector(".talk p >> text=Nice weather here")
    ada.page.fill("#chat-text", "And no rain")
    ada.page.press("#chat-text", "Enter")
    bea.page.wait_for_selector(".talk p >> text=And no rain")


def test_a_quest_is_in_the_log_when_the_guard_was_waved_at(windows: Windows) -> None:
    cyd = windows.new().enter("Cyd")
    guard = cyd.id_of("Guard")

    def asked() -> bool:
        cyd.click_world(*cyd.position(guard))
        cyd.page.click("#wave")
        return bool(cyd.actors[cyd.me]["state"]["quests"])

    eventually(asked, what="a quest")
    cyd.page.wait_for_selector(".quests p >> text=Bring the guard apples (3 × apple)")

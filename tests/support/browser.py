"""A player at the play page: a window of a real Chromium, and what its player sees and does."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from support.running import REPOSITORY, Running, eventually

SCREENSHOTS = REPOSITORY / "build" / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_SECONDS = 20
NETWORK = ("WebSocket connection to", "Failed to load resource")
"""What a browser itself logs as an error when a server is gone."""

WATCH = """
// Every state of the page with what its card says, in order. Several changes in one go are one call.
window.seen = [];
new MutationObserver((changes) => {
  const title = () => document.getElementById("status-title").textContent;
  changes.slice(1).forEach((change) => seen.push({ state: change.oldValue, title: "" }));
  seen.push({ state: document.body.dataset.state, title: title() });
}).observe(document, { subtree: true, attributeFilter: ["data-state"], attributeOldValue: true });
"""

SAMPLE = """
([id, frames]) => new Promise((done) => {
  const samples = [];
  const look = () => {
    const from = roomfleet.now;
    const at = roomfleet.positionOf(id);
    samples.push([from, roomfleet.now, at.x, at.y]);
    if (samples.length === frames) done(samples);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""


class Sample(NamedTuple):
    """Where an actor was at one animation frame, between two room times: seconds, world units."""

    after: float
    before: float
    x: float
    y: float


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of this machine; without one the test is skipped."""
    found = next((path for path in map(shutil.which, NAMES) if path is not None), None)
    if found is None:
        pytest.skip(f"no Chromium here: install one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """One window of the play page."""

    def __init__(self, context: BrowserContext, fleet: Running) -> None:
        self.fleet = fleet
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_SECONDS * 1000)
        self.page.add_init_script(WATCH)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("console", self._heard)
        self.may_lose_connections = False
        """Whether the test takes servers away, so that the browser reports failed connections."""

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not (
            self.may_lose_connections and any(part in message.text for part in NETWORK)
        ):
            self.errors.append(message.text)

    # -- what the player does ------------------------------------------------------------------------------

    def open(self, query: str = "") -> Window:
        self.page.goto(self.fleet.page + "/" + query)
        return self

    def submit_name(self, name: str) -> Window:
        self.page.fill("#name", name)
        self.page.click("#name-form button")
        return self

    def enter(self, name: str, query: str = "") -> Window:
        """Open the page, give a name, and wait until the room is there."""
        self.open(query).submit_name(name)
        return self.wait("playing")

    def click_world(self, x: float, y: float) -> None:
        """Click the canvas where this point of the room is shown."""
        pixel_x, pixel_y = self.pixel(x, y)
        self.page.mouse.click(pixel_x, pixel_y)

    def click_door(self, name: str) -> None:
        (door,) = (door for door in self.evaluate("roomfleet.welcome.doors") if door["name"] == name)
        self.click_world(door["x"], door["y"])

    def close(self) -> None:
        self.page.close()

    # -- what the player sees ------------------------------------------------------------------------------

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def wait(self, state: str, room: str | None = None) -> Window:
        """Wait until the page is in this state, and in this room."""
        where = "" if room is None else f"[data-room={room}]"
        self.page.wait_for_selector(f"body[data-state={state}]{where}")
        return self

    @property
    def state(self) -> str:
        return str(self.page.get_attribute("body", "data-state"))

    @property
    def room(self) -> str:
        return str(self.page.get_attribute("body", "data-room"))

    @property
    def title(self) -> str:
        """The headline of the card over the room."""
        return str(self.page.text_content("#status-title"))

    @property
    def states(self) -> list[str]:
        """Every state of the page since it was loaded."""
        return [one["state"] for one in self.seen]

    @property
    def seen(self) -> list[dict[str, str]]:
        """Every state of the page since it was loaded, with the headline it came with."""
        found: list[dict[str, str]] = self.evaluate("seen")
        return found

    @property
    def me(self) -> str:
        return str(self.evaluate("roomfleet.welcome.you.id"))

    @property
    def actors(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.evaluate("roomfleet.copy.actors")
        return found

    @property
    def names(self) -> set[str]:
        """Names of everybody in the room."""
        return {actor["name"] for actor in self.actors.values()}

    def id_of(self, name: str) -> str:
        (found,) = (id for id, actor in self.actors.items() if actor["name"] == name)
        return found

    def position(self, id: str | None = None) -> tuple[float, float]:
        """Where an actor is now; the own one unless another is named."""
        at = self.evaluate("(id) => roomfleet.positionOf(id)", id or self.me)
        return at["x"], at["y"]

    def goal(self) -> tuple[float, float]:
        """Where the own way ends."""
        x, y, _ = self.actors[self.me]["path"][-1]
        return x, y

    def stands_at(self, x: float, y: float, *, within: float = 3) -> bool:
        """Whether the own actor has come to its goal, and that is there, but for a click's roundness."""
        (here_x, here_y), goal = self.evaluate(
            "() => { const me = roomfleet.welcome.you.id, at = roomfleet.positionOf(me);"
            " return [[at.x, at.y], roomfleet.copy.actors[me].path.at(-1)]; }"
        )
        return [here_x, here_y] == goal[:2] and math.dist((here_x, here_y), (x, y)) <= within

    def motion(self, id: str, frames: int) -> list[Sample]:
        """Where the actor is at so many animation frames in a row."""
        return [Sample(*sample) for sample in self.evaluate(SAMPLE, [id, frames])]

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Where this point of the room is shown in the window, CSS pixels."""
        box = self.page.locator("#scene").bounding_box()
        assert box is not None
        at = self.evaluate("([x, y]) => roomfleetScene.pixelAt({ x, y })", [x, y])
        return box["x"] + at["x"], box["y"] + at["y"]

    def colour(self, x: float, y: float) -> tuple[int, int, int]:
        """The canvas's colour at this point of the room: red, green, blue."""
        box = self.page.locator("#scene").bounding_box()
        assert box is not None
        pixel_x, pixel_y = self.pixel(x, y)
        red, green, blue = self.evaluate(
            "([x, y]) => [...scene.getContext('2d').getImageData(x * devicePixelRatio,"
            " y * devicePixelRatio, 1, 1).data.slice(0, 3)]",
            [pixel_x - box["x"], pixel_y - box["y"]],
        )
        return red, green, blue

    def screenshot(self, name: str) -> None:
        """Keep what the window shows, for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")


class Windows:
    """The windows of one test. Each is a browser of its own; `beside` opens another of the same browser."""

    def __init__(self, browser: Browser, fleet: Running) -> None:
        self._browser = browser
        self._fleet = fleet
        self._contexts: list[BrowserContext] = []
        self._windows: list[Window] = []

    def new(self, *, width: int = 960, height: int = 640, **options: Any) -> Window:
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)
        self._contexts.append(context)
        return self._add(context)

    def beside(self, window: Window) -> Window:
        """Another window of the same browser, with the same storage."""
        return self._add(window.page.context)

    def _add(self, context: BrowserContext) -> Window:
        window = Window(context, self._fleet)
        self._windows.append(window)
        return window

    def close_all(self) -> None:
        """Close all windows, and wait until nobody is in a room any more."""
        for window in self._windows:
            window.close()
        for context in self._contexts:
            context.close()
        errors = [error for window in self._windows for error in window.errors]
        assert not errors, f"errors in the browser's console: {errors}"
        eventually(self._nobody, what="every player to have left")

    def _nobody(self) -> bool:
        rooms = self._fleet.get(f"/v1/games/{self._fleet.game}/rooms")["rooms"]
        instanced = self._fleet.get(f"/v1/games/{self._fleet.game}/instanced-rooms")["instanced_rooms"]
        return not any(room["players"] or room.get("resumable") for room in (*rooms, *instanced))

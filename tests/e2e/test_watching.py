"""A page that watches a room as an admin, without being in it."""

from __future__ import annotations

from support.browser import Windows
from support.running import eventually

WATCH = """async (room) => {
  const { Watching } = await import("./js/src/index.js");
  const watching = new Watching({ game: "walkabout", room, format: "msgpack" });
  await watching.connect();
  globalThis.watched = watching;
  return { tiers: watching.copy.room.tiers, actors: watching.copy.actors };
}"""


def test_a_page_sees_all_of_a_room_and_its_changes(windows: Windows) -> None:
    window = windows.new().enter("Seen")
    seen = window.evaluate(WATCH, window.evaluate("() => roomfleet.welcome.room.name"))
    assert seen["tiers"] is not None
    assert {"tiers", "failure", "failures"} <= set(seen["actors"]["p:Seen"])
    window.evaluate("() => roomfleet.leave()")
    eventually(
        lambda: window.evaluate("() => !('p:Seen' in watched.copy.actors) || watched.state !== 'live'"),
        what="the player gone from the copy, or the room bored",
    )
    window.evaluate("() => watched.close()")
    assert window.evaluate("() => watched.state") == "ended"

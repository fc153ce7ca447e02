"""A browser that speaks MessagePack plays with one that speaks JSON."""

from __future__ import annotations

from support.browser import Windows
from support.running import eventually

PLAY = """async (token) => {
  const { RoomfleetClient } = await import("./js/src/index.js");
  const made = [];
  const Watched = class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      made.push(this);
      this.kinds = new Set();
      this.addEventListener("message", ({ data }) => this.kinds.add(typeof data));
    }
  };
  const environment = { WebSocket: Watched };
  const client = new RoomfleetClient({ game: "walkabout", token, format: "msgpack", environment });
  await client.connect();
  const id = client.welcome.you.id;
  const { x, y } = client.positionOf(id);
  await client.call("say", { text: "Grüße 🐈" });
  const walked = await client.call("walk", { x: x + 20, y });
  const away = () => {
    const at = client.positionOf(id);
    return Math.hypot(at.x - x - 20, at.y - y);
  };
  for (let frame = 0; frame < 300 && away() > 1; frame += 1) await new Promise(requestAnimationFrame);
  const room = made.at(-1);
  globalThis.leaveMessagepack = () => client.leave();
  return {
    walked,
    away: away(),
    others: Object.keys(client.copy.actors),
    protocol: room.protocol,
    kinds: [...room.kinds],
  };
}"""


def test_a_browser_plays_in_messagepack(windows: Windows) -> None:
    window = windows.new().enter("Json")
    played = window.evaluate(PLAY, "Packed")
    eventually(lambda: "p:Packed" in window.actors, what="the other on the page")
    window.evaluate("() => leaveMessagepack()")
    eventually(lambda: "p:Packed" not in window.actors, what="the other gone")
    assert played["protocol"] == "roomfleet.v1.msgpack"
    assert played["kinds"] == ["object"], "binary frames, and no others"
    assert played["walked"]
    assert played["away"] < 1
    assert {"p:Json", "p:Packed"} <= set(played["others"])

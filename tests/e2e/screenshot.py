"""Take the README's picture of the running game: `python tests/e2e/screenshot.py` writes docs/play.png."""

from __future__ import annotations

import base64
import struct
import sys
import tempfile
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import Browser

from support.browser import Window, Windows, chromium
from support.running import REPOSITORY, WALKABOUT, eventually, running

TARGET = REPOSITORY / "docs" / "play.png"
MOST_BYTES = 300_000

PIXELS = """
// The picture's pixels, red, green, blue, in base64. Shades that no eye tells apart become one.
async (source) => {
  const picture = await createImageBitmap(await (await fetch(source)).blob());
  const ctx = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  ctx.drawImage(picture, 0, 0);
  const { data } = ctx.getImageData(0, 0, picture.width, picture.height);
  const shades = data.filter((_, i) => i % 4 < 3).map((value) => Math.round(value / 4) * 4);
  let text = "";
  for (let i = 0; i < shades.length; i += 8192) text += String.fromCharCode(...shades.subarray(i, i + 8192));
  return [picture.width, picture.height, btoa(text)];
}
"""


def say(window: Window, text: str) -> None:
    window.page.fill("#chat-text", text)
    window.page.press("#chat-text", "Enter")
    window.page.wait_for_selector(f"#chat-log li >> text={text}")


def send(window: Window, x: float, y: float) -> None:
    window.click_world(x, y)
    eventually(lambda: window.stands_at(x, y, within=20), what=f"a hero at {x:g}, {y:g}")


def pose(windows: Windows) -> Window:
    """Three players in town; the window of the first, with what is to be seen there."""
    ada = windows.new(width=1280, height=800).enter("Ada")
    grace = windows.new().enter("Grace")
    linus = windows.new().enter("Linus")
    eventually(lambda: {"Grace", "Linus", "Guard"} <= ada.names, what="everybody in town")
    send(grace, 545, 290)
    send(linus, 420, 440)
    say(linus, "Who is coming to the meadow?")
    say(grace, "On my way – meet you at the gate!")
    ada.click_world(660, 250)  # and is seen on the way
    eventually(lambda: ada.position()[0] > 440, what="Ada well on the way")
    return ada


def smaller(browser: Browser, picture: bytes) -> bytes:
    """The picture with fewer shades, packed well: a third of the size that a browser gives it."""
    source = "data:image/png;base64," + base64.b64encode(picture).decode()
    width, height, text = browser.new_page().evaluate(PIXELS, source)
    pixels, line = base64.b64decode(text), 3 * width
    lines = b"".join(b"\0" + pixels[at : at + line] for at in range(0, len(pixels), line))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running(WALKABOUT, Path(folder) / "data") as fleet,
        chromium() as browser,
    ):
        windows = Windows(browser, fleet)
        picture = pose(windows).page.screenshot()
        windows.close_all()
        TARGET.write_bytes(smaller(browser, picture))
    size = TARGET.stat().st_size
    assert size < MOST_BYTES, f"{TARGET} has {size:,} bytes; at most {MOST_BYTES:,} are wanted"
    print(f"{TARGET.relative_to(REPOSITORY)}: {size:,} bytes")


if __name__ == "__main__":
    main()

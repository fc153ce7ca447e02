"""Write the golden messages between client and node in MessagePack, as Python writes them."""

from __future__ import annotations

import pathlib

import msgspec

from roomfleet.wire import session
from roomfleet.wire.codec import MSGPACK

FOLDER = pathlib.Path(__file__).parent / "messages"
DECODERS = {"client-to-node": session.from_client, "node-to-client": session.to_client}


def lines(name: str) -> str:
    """The messages of `<name>.json`, one a line in hexadecimal."""
    decoder = DECODERS[name.split(".")[0]]
    messages = msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=list[msgspec.Raw])
    written = [MSGPACK.encode(decoder.decode(bytes(message))) for message in messages]
    return "".join(f"{each.hex()}\n" for each in written)


if __name__ == "__main__":
    for path in FOLDER.glob("*.json"):
        if path.stem.split(".")[0] in DECODERS:
            (FOLDER / f"{path.stem}.msgpack.python.txt").write_text(lines(path.stem), encoding="ascii")

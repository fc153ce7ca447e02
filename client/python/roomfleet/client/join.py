"""Where the master is asked for a way in: the addresses of the `play` websocket and of `watches`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from roomfleet.client.errors import BadAddress


@dataclass(frozen=True)
class InstanceOf:
    """The instance of an InstancedRoom for a key: a party, a match, a player."""

    instanced_room: str
    key: str


def play_url(master: str, game: str, room: str | InstanceOf | None, *, bring: bool = False) -> str:
    """The `play` websocket of the game; no room: back to where the actor is, or the entry room.

    `bring`: the actor is to be brought to the room from wherever it is.
    `master` is `http(s)://host[:port][/prefix]`. Raises BadAddress.
    """
    parts = urlsplit(master)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise BadAddress(f"{master!r} is not the master's address; give http://host[:port] or https://…")
    match room:
        case None:
            query = ""
        case InstanceOf(template, key):
            query = f"?instanced_room={quote(template, safe='')}&key={quote(key, safe='')}"
        case name:
            query = f"?room={quote(name, safe='')}"
    if query and bring:
        query += "&bring=true"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/v1/games/{quote(game, safe='')}/play{query}"


def watches_url(master: str, game: str, room: str) -> str:
    """Where an admin asks for a ticket to watch the room. Raises BadAddress."""
    play_url(master, game, None)
    return f"{master.rstrip('/')}/v1/games/{quote(game, safe='')}/rooms/{quote(room, safe='')}/watches"


def is_room_url(url: str) -> bool:
    """Whether that can be the websocket address of a room."""
    parts = urlsplit(url)
    return parts.scheme in ("ws", "wss") and bool(parts.netloc)

"""Names and ids: players, actors, and what a player may be called."""

from __future__ import annotations

import unicodedata

from roomfleet.wire.errors import WireError

MAX_PLAYER_NAME = 32
PLAYER_PREFIX = "p:"


class BadName(WireError):
    """A player's name that cannot be taken; the text says why."""


def player_name(text: str) -> str:
    """The name as it is kept: NFC, trimmed, 1 to 32 printable characters. Raises BadName."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_PLAYER_NAME:
        raise BadName(f"a player's name has 1 to {MAX_PLAYER_NAME} characters, not {len(name)}")
    if not name.isprintable():
        raise BadName("a player's name has printable characters only")
    return name


def player_actor(player: str) -> str:
    """The id of a player's actor: one per game."""
    return PLAYER_PREFIX + player


def player_of(actor_id: str) -> str | None:
    """The player whose actor that is, or None for any other actor."""
    return actor_id.removeprefix(PLAYER_PREFIX) if actor_id.startswith(PLAYER_PREFIX) else None

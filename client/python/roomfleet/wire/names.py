"""Names and ids: players, actors, instances, and what players and instances' keys may be."""

from __future__ import annotations

import base64
import hashlib
import unicodedata

from roomfleet.wire.errors import WireError

MAX_PLAYER_NAME = 32
MAX_INSTANCE_KEY = 128
PLAYER_PREFIX = "p:"


class BadName(WireError):
    """A player's name or an instance's key that cannot be taken; the text says why."""


def player_name(text: str) -> str:
    """The name as it is kept: NFC, trimmed, 1 to 32 printable characters. Raises BadName."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_PLAYER_NAME:
        raise BadName(f"a player's name has 1 to {MAX_PLAYER_NAME} characters, not {len(name)}")
    if not name.isprintable():
        raise BadName("a player's name has printable characters only")
    return name


def instance_key(text: str) -> str:
    """The key as it is kept: NFC, trimmed, 1 to 128 printable characters. Raises BadName."""
    key = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(key) <= MAX_INSTANCE_KEY:
        raise BadName(f"the key of an instance has 1 to {MAX_INSTANCE_KEY} characters, not {len(key)}")
    if not key.isprintable():
        raise BadName("the key of an instance has printable characters only")
    return key


def instance_name(template: str, key: str) -> str:
    """The name of the Room that is made for that key: `<template>-<80 bits of the key's SHA-256, base32>`.

    17 characters longer than the template's name. A key that got a warm instance has that one's name.
    """
    digest = hashlib.sha256(key.encode()).digest()[:10]
    return f"{template}-{base64.b32encode(digest).decode().lower()}"


def player_actor(player: str) -> str:
    """The id of a player's actor: one per game."""
    return PLAYER_PREFIX + player


def player_of(actor_id: str) -> str | None:
    """The player whose actor that is, or None for any other actor."""
    return actor_id.removeprefix(PLAYER_PREFIX) if actor_id.startswith(PLAYER_PREFIX) else None

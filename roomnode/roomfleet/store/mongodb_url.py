"""What the URL of a MongoDB store says, and how it may be shown."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from roomfleet.store.errors import CannotOpen

SCHEMES = ("mongodb", "mongodb+srv")

EXAMPLE = "mongodb://host:27017/roomfleet"

DEFAULT_DATABASE = "roomfleet"

DEFAULTS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 2_000,
    "connectTimeoutMS": 2_000,
    "socketTimeoutMS": 5_000,
    "wTimeoutMS": 4_000,
    "appName": "roomfleet",
}
"""Bounds of every wait, unless the URL says otherwise. An answer that the write did not reach a majority in
time comes before the socket gives up.
"""

_FIXED = {
    "w": "majority",
    "journal": "true",
    "j": "true",
    "readconcernlevel": "majority",
    "readpreference": "primary",
}
"""What the promises need; the URL may say the same."""

_NAME = re.compile(r'[^/\\. "$*<>:|?\0]{1,63}')


def shown(url: str) -> str:
    """The URL without its secrets: neither user and password nor options."""
    scheme, _, rest = url.partition("://")
    hidden = "***@" if "@" in rest else ""
    return f"{scheme}://{hidden}{rest.rpartition('@')[2].partition('?')[0]}"


def database_of(url: str) -> str:
    """The database that the URL names. Raises CannotOpen."""
    path = url.partition("://")[2].partition("?")[0].rpartition("@")[2].partition("/")[2]
    name = unquote(path) or DEFAULT_DATABASE
    if _NAME.fullmatch(name) is None:
        raise CannotOpen(f"{shown(url)} names no database that MongoDB could have: use {EXAMPLE}")
    return name


def defaults_for(url: str) -> dict[str, Any]:
    """`DEFAULTS`, without what the URL says itself. Raises CannotOpen for an option against the promises."""
    said = {}
    for option in url.partition("?")[2].split("&"):
        name, _, value = option.partition("=")
        said[name.lower()] = unquote(value)
    for name, needed in _FIXED.items():
        if said.get(name, needed).lower() != needed:
            raise CannotOpen(
                f"{shown(url)} has {name}={said[name]}, but acknowledged must mean saved, which takes "
                f"{name}={needed}: leave the option out"
            )
    return {name: value for name, value in DEFAULTS.items() if name.lower() not in said}


def without_secrets(text: str, url: str) -> str:
    """A message about the URL that may be shown."""
    _, _, rest = url.partition("://")
    credentials = rest.rpartition("@")[0]
    secrets = [credentials, *credentials.split(":"), *re.findall(r"=([^&]*)", url)]
    for secret in sorted((one for one in secrets if len(one) > 3), key=len, reverse=True):
        text = text.replace(secret, "***").replace(unquote(secret), "***")
    return text

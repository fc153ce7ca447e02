"""Who a player is, and who is an admin.

Players: `anonymous`, for development: the token is the player's name (INTERFACES, Join).
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import unquote

from tornado.httputil import HTTPServerRequest

from roomfleet.wire.names import BadName, player_name


class Unauthenticated(Exception):
    """The token names nobody; the text says what is needed."""


class NotAdmin(Exception):
    """The caller may not look into rooms; the text says why, and who may."""


class Identity(Protocol):
    """Turns a token into a player's name."""

    def player(self, token: str) -> str:
        """The player whose token that is. Raises Unauthenticated."""


class Anonymous:
    """Everybody is who they say they are."""

    def player(self, token: str) -> str:
        try:
            return player_name(token)
        except BadName as error:
            raise Unauthenticated(f"the token is to be the player's name: {error}") from None


def no_admins(request: HTTPServerRequest) -> None:
    """In a cluster the caller's own Kubernetes token will say who is an admin. Raises NotAdmin."""
    raise NotAdmin(
        "in a cluster nobody may watch rooms yet: callers cannot be checked against its users; run the game"
        " on your own machine (make up) to look into its rooms"
    )


def bearer(header: str | None) -> str:
    """The token of an Authorization header, percent-decoded. Raises Unauthenticated."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send the header Authorization: Bearer <token>")
    try:
        return unquote(token.strip(), errors="strict")
    except UnicodeDecodeError:
        raise Unauthenticated("the token in the Authorization header is not UTF-8, percent-encoded") from None

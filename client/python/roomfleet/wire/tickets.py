"""Tickets and line tokens: EdDSA-signed JWTs (RFC 7519, RFC 8037), checked without a call to the master.

Time comes in as an argument; PyJWT's own clock is switched off. That a ticket is used once only is for
the one who accepts it to remember (`UsedTickets`).
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from typing import TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from roomfleet.wire.errors import TicketError, TicketFlaw

LINE_AUDIENCE = "line"
"""The audience of a line token: no node, so it opens no door."""

LINE_TOKEN_SECONDS = 75.0
"""Life of a line token. Tokens are renewed before they are 15 s old: each is good for a minute after the last
word that the player heard."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Lets `sub` into `room` of `game` on the node with boot id `aud`, once, before `exp` (s since 1970).

    With a `watch_audience` it lets `sub` watch and not play.
    """

    sub: str
    game: str
    room: str
    aud: str
    exp: float
    jti: str
    """The join's id; single use."""
    session: int = 0
    """The number of the player's session: of two the higher one counts. 0: not known."""


class LineToken(msgspec.Struct, frozen=True, kw_only=True):
    """A place in line: bound to player, game, room, join and party. `arrived` and `exp` are s since 1970."""

    sub: str
    game: str
    room: str
    exp: float
    jti: str
    arrived: float
    ahead: int = 0
    """How many players were in line before it, at most."""
    others: list[str] = []
    """The other members of the party."""
    session: int = 0
    instanced_room: str = ""
    """The InstancedRoom in whose line it is, for want of the room; empty: in the room's own."""
    aud: str = LINE_AUDIENCE


def watch_audience(boot: str) -> str:
    """The audience of a ticket that lets its bearer watch a room of that node, and do nothing else."""
    return f"watch:{boot}"


Claims = TypeVar("Claims", Ticket, LineToken)


class SigningKey:
    """An Ed25519 private key with its id, which is derived from the public half."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = _public_text(private.public_key())
        self.id = key_id(self.public)
        self._header = _text(msgspec.json.encode({"alg": "EdDSA", "kid": self.id, "typ": "JWT"}))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of a 32-byte seed."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Raises ValueError when `pem` is not an unencrypted Ed25519 private key."""
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("not an Ed25519 private key")
        return cls(key)

    def to_pem(self) -> bytes:
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def sign(self, claims: Ticket | LineToken) -> str:
        """The claims as a compact JWT."""
        signed = f"{self._header}.{_text(msgspec.json.encode(claims))}"
        return f"{signed}.{_text(self._private.sign(signed.encode()))}"


def key_id(public: str) -> str:
    """The id of a public key: 16 hex digits of its SHA-256."""
    return hashlib.sha256(public.encode()).hexdigest()[:16]


def _public_text(key: Ed25519PublicKey) -> str:
    return _text(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def _text(data: bytes) -> str:
    """As parts of a compact JWT are written (RFC 7515)."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@functools.lru_cache(maxsize=1_024)
def _public_key(text: str) -> Ed25519PublicKey:
    padded = text + "=" * (-len(text) % 4)
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(padded))


def check_ticket(token: str, keys: Mapping[str, str], *, audience: str, now: float) -> Ticket:
    """The ticket's claims, if one of `keys` (public, by id) signed it for `audience` and it has not expired.

    Raises TicketError with the flaw otherwise. `now` is in seconds since 1970.
    """
    return _check(token, keys, audience, now, Ticket)


def check_line_token(token: str, keys: Mapping[str, str], *, now: float) -> LineToken:
    """The line token's claims; raises TicketError like `check_ticket`."""
    return _check(token, keys, LINE_AUDIENCE, now, LineToken)


def _check(token: str, keys: Mapping[str, str], audience: str, now: float, shape: type[Claims]) -> Claims:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        raise TicketError(TicketFlaw.MALFORMED, "this is not a ticket") from None
    if not isinstance(kid, str) or kid not in keys:
        raise TicketError(TicketFlaw.FORGED, "the ticket is signed with a key that is not known here")
    try:
        payload = jwt.decode(
            token,
            _public_key(keys[kid]),
            algorithms=["EdDSA"],
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.InvalidTokenError:
        raise TicketError(TicketFlaw.FORGED, "the ticket's signature is wrong") from None
    try:
        claims = msgspec.convert(payload, shape)
    except msgspec.ValidationError as error:
        raise TicketError(TicketFlaw.MALFORMED, f"the ticket lacks a claim: {error}") from None
    if claims.aud != audience:
        raise TicketError(
            TicketFlaw.WRONG_AUDIENCE, "the ticket is for another node, or an earlier start of this one"
        )
    if claims.exp <= now:
        raise TicketError(TicketFlaw.EXPIRED, f"the ticket expired {now - claims.exp:.0f} s ago")
    return claims


class UsedTickets:
    """Remembers the tickets that were used up, until they would have expired anyway."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}

    def check(self, ticket: Ticket) -> None:
        """Raises TicketError when the ticket was used before."""
        if ticket.jti in self._used:
            raise TicketError(TicketFlaw.REUSED, "the ticket was used before")

    def use(self, ticket: Ticket, now: float) -> None:
        """Use it up. `now` is in seconds since 1970."""
        self.check(ticket)
        while (
            self._used
        ):  # about in the order in which they expire: a use costs the same however many there are
            oldest = next(iter(self._used))
            if self._used[oldest] > now:
                break
            del self._used[oldest]
        self._used[ticket.jti] = ticket.exp

    def give_back(self, ticket: Ticket) -> None:
        """It was not accepted after all: it may be used again."""
        self._used.pop(ticket.jti, None)

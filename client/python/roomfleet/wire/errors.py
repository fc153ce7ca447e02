"""What can be wrong with something that came over a wire.

WireError
├── MalformedMessage      not of the format, or not of the message's shape
│   └── UnknownMessage    well-formed, but of a type that is not spoken here
├── Unsendable            a value that no format can carry
├── PatchError            an op that does not fit the copy it is applied to
└── TicketError           a ticket or line token that does not let its bearer in
"""

from __future__ import annotations

from enum import StrEnum


class WireError(Exception):
    """Base of all errors of `roomfleet.wire`."""


class MalformedMessage(WireError):
    """The bytes are not a message; the text says where and what was expected."""


class UnknownMessage(MalformedMessage):
    """A well-formed message of a type that this endpoint does not speak."""


class Unsendable(WireError):
    """A message holds what cannot go over the wire: only JSON data can."""


class PatchError(WireError):
    """An op does not fit the copy: the copy is not what the sender believes it is."""


class TicketFlaw(StrEnum):
    """Why a ticket is refused."""

    MALFORMED = "malformed"
    FORGED = "forged"
    EXPIRED = "expired"
    WRONG_AUDIENCE = "wrong-audience"
    REUSED = "reused"


class TicketError(WireError):
    """A ticket does not let its bearer in. Ask the master for a new one."""

    def __init__(self, flaw: TicketFlaw, detail: str) -> None:
        super().__init__(f"{detail} ({flaw}); join again to get a new one")
        self.flaw = flaw
        self.detail = detail

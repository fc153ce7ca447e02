"""Messages to bytes and back: the formats, and one decoder per direction of each conversation.

Unknown fields are ignored, so that a newer peer can add some; unknown types are an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from roomfleet.wire.errors import MalformedMessage, UnknownMessage, Unsendable
from roomfleet.wire.values import check_values

T = TypeVar("T")


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """A message: a struct whose first field on the wire is `type`, the class's name in lower case."""


@dataclass(frozen=True, eq=False, slots=True)
class Format:
    """How the messages of a session are written: one of `JSON` and `MSGPACK`."""

    name: str
    subprotocol: str
    """The websocket subprotocol by which a client asks for it."""
    binary: bool
    """Whether its frames are binary ones; else they are text."""
    _encode: Callable[[Any], bytes]
    _decoder: Callable[[Any], Any]

    def encode(self, message: Any) -> bytes:
        """The message as the payload of one frame. Raises Unsendable."""
        try:
            return self._encode(message)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise Unsendable(f"{type(message).__name__}: {error}; send JSON data only") from None

    def __repr__(self) -> str:
        return f"<Format {self.name}>"


JSON = Format("JSON", "roomfleet.v1", False, msgspec.json.Encoder().encode, msgspec.json.Decoder)
"""UTF-8 JSON in text frames."""

MSGPACK = Format(
    "MessagePack", "roomfleet.v1.msgpack", True, msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder
)
"""MessagePack in binary frames: the same values as JSON has, and no others."""

FORMATS = {format.subprotocol: format for format in (JSON, MSGPACK)}
"""By subprotocol."""


def encode(message: Any) -> bytes:
    """The message as UTF-8 JSON. Raises Unsendable."""
    return JSON.encode(message)


def to_builtins(value: Any) -> Any:
    """The value as plain dicts, lists, strings and numbers."""
    return msgspec.to_builtins(value)


class Decoder(Generic[T]):
    """Decodes the messages of one direction of a conversation, in any format.

    Raises MalformedMessage for what is not a message and UnknownMessage for an unknown `type`;
    the text names the place (`$.args.x`) and what was expected there.
    """

    def __init__(self, union: Any, conversation: str, *, strict: bool = False) -> None:
        """`strict` is for peers that anybody may be: every value is looked at, since MessagePack can say more
        than JSON, and JSON larger integers than a browser holds. A node says only what it has checked."""
        self._decoders = {format: format._decoder(union) for format in FORMATS.values()}
        self._conversation = conversation
        self._strict = strict

    def decode(self, data: bytes | str, format: Format = JSON) -> T:
        """The message in one frame's payload."""
        if format.binary and isinstance(data, str):
            raise MalformedMessage(f"{self._conversation}: {format.name} is bytes, and this is text")
        try:
            message: T = self._decoders[format].decode(data)
            if self._strict:
                check_values(message)
            return message
        except msgspec.ValidationError as error:
            if "- at `$.type`" in str(error):
                raise UnknownMessage(f"{self._conversation}: {error}") from None
            raise MalformedMessage(f"{self._conversation}: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedMessage(f"{self._conversation}: not {format.name}: {error}") from None
        except MalformedMessage as error:
            raise MalformedMessage(f"{self._conversation}: {error}") from None
        except RecursionError:
            raise MalformedMessage(f"{self._conversation}: nested too deeply") from None

"""JSON text to messages and back: one decoder per direction of each conversation.

Unknown fields are ignored, so that a newer peer can add some; unknown types are an error.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from roomfleet.wire.errors import MalformedMessage, UnknownMessage

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """A message: a struct whose first field on the wire is `type`, the class's name in lower case."""


def encode(message: Any) -> bytes:
    """The message as UTF-8 JSON."""
    return _encoder.encode(message)


def to_builtins(value: Any) -> Any:
    """The value as plain dicts, lists, strings and numbers."""
    return msgspec.to_builtins(value)


class Decoder(Generic[T]):
    """Decodes the messages of one direction of a conversation.

    Raises MalformedMessage for what is not a message and UnknownMessage for an unknown `type`;
    the text names the place (`$.args.x`) and what was expected there.
    """

    def __init__(self, union: Any, conversation: str) -> None:
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(union)
        self._conversation = conversation

    def decode(self, text: bytes | str) -> T:
        try:
            return self._decoder.decode(text)
        except msgspec.ValidationError as error:
            if "- at `$.type`" in str(error):
                raise UnknownMessage(f"{self._conversation}: {error}") from None
            raise MalformedMessage(f"{self._conversation}: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedMessage(f"{self._conversation}: not JSON: {error}") from None
        except RecursionError:
            raise MalformedMessage(f"{self._conversation}: nested too deeply") from None

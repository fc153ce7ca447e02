"""What comes over a wire is a message, or an error that names the place."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.wire import joining, link, session
from roomfleet.wire.codec import FORMATS, MSGPACK, Decoder, Format, encode, to_builtins
from roomfleet.wire.errors import MalformedMessage, UnknownMessage, Unsendable, WireError

DECODERS: list[Decoder[Any]] = [
    session.from_client,
    session.to_client,
    joining.from_player,
    joining.to_player,
    link.from_node,
    link.to_node,
]


def test_the_type_comes_first_on_the_wire() -> None:
    assert encode(session.Call(id=1, method="wave")) == b'{"type":"call","id":1,"method":"wave","args":{}}'


def test_unknown_fields_are_ignored() -> None:
    assert session.from_client.decode('{"type":"ping","t":1,"mood":"new"}') == session.Ping(t=1)


@pytest.mark.parametrize("decoder", DECODERS)
def test_an_unknown_type_is_an_error_of_its_own(decoder: Any) -> None:
    with pytest.raises(UnknownMessage, match="dance"):
        decoder.decode('{"type":"dance"}')


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "7", "[]", '"hello"', "{}", '{"type":null}', b"\xff\xfe", '{"type":"call"} {}', "\x00"],
)
def test_what_is_no_message_is_malformed(text: str | bytes) -> None:
    for decoder in DECODERS:
        with pytest.raises(MalformedMessage):
            decoder.decode(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"type":"call","id":"one","method":"walk"}', "$.id"),
        ('{"type":"call","id":1,"method":2}', "$.method"),
        ('{"type":"call","id":1,"method":"walk","args":[1,2]}', "$.args"),
        ('{"type":"call","id":1}', "method"),
        ('{"type":"ping","t":"soon"}', "$.t"),
        ('{"type":"hello","ticket":7}', "$.ticket"),
    ],
)
def test_the_error_names_conversation_and_place(text: str, place: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        session.from_client.decode(text)
    assert not isinstance(caught.value, UnknownMessage)
    assert "client to node" in str(caught.value)
    assert place in str(caught.value)


def test_a_number_that_json_does_not_know_is_malformed() -> None:
    for number in ("NaN", "Infinity", "1e999"):
        with pytest.raises(MalformedMessage):
            session.from_client.decode(f'{{"type":"ping","t":{number}}}')


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_a_wire_error(data: bytes) -> None:
    for decoder in DECODERS:
        with pytest.raises(WireError):
            decoder.decode(data)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_a_call_is_the_same_after_the_wire(args: dict[str, Any]) -> None:
    call = session.Call(id=3, method="walk", args=args)
    decoded = session.from_client.decode(encode(call))
    assert isinstance(decoded, session.Call)
    assert json.dumps(decoded.args) == json.dumps(_without_infinities(args))


def _without_infinities(value: Any) -> Any:
    """JSON has no infinities: they go over the wire as null."""
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    if isinstance(value, list):
        return [_without_infinities(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_infinities(one) for key, one in value.items()}
    return value


finite_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=5), inner, max_size=20),
    max_leaves=40,
)


@pytest.mark.parametrize("format", FORMATS.values())
@given(args=st.dictionaries(st.text(max_size=8), finite_values, max_size=4))
def test_in_every_format_a_message_is_the_same_after_the_wire(format: Format, args: dict[str, Any]) -> None:
    call = session.Call(id=3, method="walk", args=args)
    decoded = session.from_client.decode(format.encode(call), format)
    assert decoded == call
    assert repr(decoded) == repr(call), "1, 1.0 and True differ, and so do 0.0 and -0.0"
    event = session.Event(name="said", data=args)
    assert repr(session.to_client.decode(format.encode(event), format)) == repr(event)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_a_wire_error_in_messagepack(data: bytes) -> None:
    for decoder in DECODERS:
        with pytest.raises(WireError):
            decoder.decode(data, MSGPACK)


@given(st.data(), st.dictionaries(st.text(max_size=8), finite_values, min_size=1, max_size=4))
def test_a_message_with_a_changed_byte_is_a_message_or_a_wire_error(data: Any, args: dict[str, Any]) -> None:
    written = bytearray(MSGPACK.encode(session.Call(id=3, method="walk", args=args)))
    written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        decoded = session.from_client.decode(bytes(written), MSGPACK)
        # Whatever was let in can go on in JSON.
        assert session.from_client.decode(encode(decoded)) == decoded


def call_with(value: bytes) -> bytes:
    """A call in MessagePack with these bytes as the argument `a`."""
    return b"\x84\xa4type\xa4call\xa2id\x01\xa6method\xa1m\xa4args\x81\xa1a" + value


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (b"\xcb\x7f\xf8\0\0\0\0\0\0", "nan is no JSON number; send null - at `$.args.a`"),
        (b"\xca\xff\x80\0\0", "-inf is no JSON number"),
        (b"\x91\xcf\0\x20\0\0\0\0\0\0", "beyond 2**53 - 1; send it as a string - at `$.args.a[0]`"),
        (b"\xcf" + b"\xff" * 8, "beyond 2**53 - 1"),
        (b"\xd3\xff\xe0\0\0\0\0\0\0", "beyond 2**53 - 1"),
        (b"\x81\x01\x02", "the key 1 is no string - at `$.args.a`"),
        (b"\x81\xc0\x02", "the key None is no string"),
        (b"\x81\xc4\x01x\x02", "the key b'x' is no string"),
        (b"\x81\x91\x01\x02", "is no string"),
        (b"\x81\x81\x01\x01\x02", "hashable"),
        (b"\xc4\x01x", "bytes is not JSON data - at `$.args.a`"),
        (b"\xd4\x05\0", "Ext is not JSON data"),
        (b"\xd6\xff\0\0\0\x01", "datetime is not JSON data"),
        (b"\xc1", "invalid opcode"),
        (b"\xa1\xff", "utf-8"),
        (b"\xa3\xed\xa0\x80", "utf-8"),
        (b"\xdd\xff\xff\xff\xff", "truncated"),
        (b"\xdf\xff\xff\xff\xff", "truncated"),
        (b"\xdb\xff\xff\xff\xff", "truncated"),
        (b"\x91" * 98 + b"\x91\x01", "nested deeper than 100 levels - at `$.args.a[0]"),
        (b"\x91" * 60_000 + b"\x01", "nested too deeply"),
    ],
)
def test_what_messagepack_can_say_and_json_cannot_is_malformed(value: bytes, named: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        session.from_client.decode(call_with(value), MSGPACK)
    assert named in str(caught.value)
    assert str(caught.value).startswith("client to node: ")
    assert len(str(caught.value)) < 300


def test_what_is_just_within_the_limits_is_let_in() -> None:
    for value in (b"\xcf\0\x1f" + b"\xff" * 6, b"\xd3\xff\xe0\0\0\0\0\0\x01", b"\x91" * 98 + b"\x01"):
        session.from_client.decode(call_with(value), MSGPACK)


@pytest.mark.parametrize("text", ["9007199254740992", "-1" + "0" * 400, "[" * 99 + "]" * 99])
def test_a_client_cannot_say_in_json_what_no_format_holds(text: str) -> None:
    with pytest.raises(MalformedMessage, match=r"\$\.args\.a"):
        session.from_client.decode(f'{{"type":"call","id":1,"method":"m","args":{{"a":{text}}}}}')


def test_text_is_no_messagepack() -> None:
    with pytest.raises(MalformedMessage, match="bytes"):
        session.from_client.decode('{"type":"leave"}', MSGPACK)


@pytest.mark.parametrize("format", FORMATS.values())
def test_what_no_format_can_carry_is_not_sendable(format: Format) -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    for value in (object(), "\ud800", deep, {(1, object()): 1}):
        with pytest.raises(Unsendable, match="Event"):
            format.encode(session.Event(name="x", data={"a": value}))


def test_fields_left_out_are_not_sent() -> None:
    assert encode(session.Rejoin(reason="r")) == b'{"type":"rejoin","reason":"r"}'
    assert encode(joining.Join(token="Ada")) == b'{"type":"join","token":"Ada"}'


def test_a_problem_names_its_refusal_and_its_status() -> None:
    for refusal in joining.Refusal:
        problem = joining.Problem.of(refusal, "because")
        assert problem.refusal == refusal
        assert 400 <= problem.status < 600
        assert problem.type.startswith("https://roomfleet.io/problems/")
        assert "retry_after" not in to_builtins(problem)
    full = joining.Problem.of(joining.Refusal.LINE_FULL, "later", retry_after=7)
    assert to_builtins(full)["retry_after"] == 7


def test_control_link_messages_are_the_same_after_the_wire() -> None:
    report = link.Report(room="town", epoch=3, phase=link.RoomPhase.RUNNING, players=2, used=["j-1"])
    hello = link.Hello(
        name="node-0",
        boot="b",
        game="walkabout",
        fleet="default",
        capacity=10,
        url="ws://127.0.0.1:1",
        version="0.1.0",
        keys={"k": "v"},
        rooms=[report],
    )
    assert link.from_node.decode(encode(hello)) == hello
    assert link.from_node.decode(encode(report)) == report
    seated = link.Seated(id="s", problem=joining.Problem.of(joining.Refusal.ROOM_CLOSED, "closed"))
    assert link.to_node.decode(encode(seated)) == seated


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("players", -1),
        ("players", 2**31),
        ("resumable", -1),
        ("epoch", -1),
        ("epoch", 2**53),
        ("found_epoch", 2**53),
        *(
            ("saved_at", text)
            for text in ("soon", "2026-02-31T00:00:00Z", "2026-W47-6T22:27:34Z", "2026-02-01")
        ),
    ],
)
def test_what_no_room_object_could_say_is_no_report(field: str, value: object) -> None:
    good = {"type": "report", "room": "town", "epoch": 3, "phase": "running"}
    assert link.from_node.decode(encode({**good, "saved_at": "2026-11-21T22:27:34Z"}))
    with pytest.raises(MalformedMessage):
        link.from_node.decode(encode({**good, field: value}))

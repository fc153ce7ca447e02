"""What comes over a wire is a message, or an error that names the place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.wire import joining, link, session
from roomfleet.wire.codec import Decoder, encode, to_builtins
from roomfleet.wire.errors import MalformedMessage, UnknownMessage, WireError

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

"""The golden messages: Python reads and writes exactly what the JavaScript client's tests use."""

from __future__ import annotations

import copy
import json
import pathlib
from typing import Any, get_args

import pytest

from roomfleet.wire import joining, session
from roomfleet.wire.codec import MSGPACK, Decoder, encode
from roomfleet.wire.errors import MalformedMessage, PatchError
from roomfleet.wire.motion import position_at, timed_path
from roomfleet.wire.patch import apply_ops

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "messages"

ACTOR: tuple[Decoder[Any], Decoder[Any]] = (
    Decoder(session.Actor, "actor"),
    Decoder(session.WatchedActor, "watched actor"),
)

CONVERSATIONS: dict[str, tuple[Decoder[Any], Any]] = {
    "client-to-node": (session.from_client, session.FromClient),
    "node-to-client": (session.to_client, session.ToClient),
    "player-to-master": (joining.from_player, joining.Join),
    "master-to-player": (joining.to_player, joining.ToPlayer),
}

MESSAGE_FILES = sorted(
    path.stem for path in GOLDEN.glob("*.json") if path.stem.split(".")[0] in CONVERSATIONS
)


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MESSAGE_FILES)
def test_a_golden_message_is_read_and_written_back_as_it_was(name: str) -> None:
    conversation, kind = name.split(".")
    decoder, _ = CONVERSATIONS[conversation]
    messages = golden(name)
    assert messages
    for message in messages:
        assert message["type"] == kind
        decoded = decoder.decode(json.dumps(message))
        written = encode(decoded)
        assert json.loads(written) == message
        assert written.startswith(b'{"type":"')
        assert decoder.decode(written) == decoded


SESSION_FILES = [name for name in MESSAGE_FILES if "node" in name.split(".")[0]]


def golden_bytes(name: str, writer: str) -> list[bytes]:
    """The same messages in MessagePack, as Python or JavaScript (`js`) writes them."""
    text = (GOLDEN / f"{name}.msgpack.{writer}.txt").read_text(encoding="ascii")
    return [bytes.fromhex(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", SESSION_FILES)
def test_a_golden_message_is_the_same_in_messagepack(name: str) -> None:
    decoder, _ = CONVERSATIONS[name.split(".")[0]]
    expected = [decoder.decode(json.dumps(message)) for message in golden(name)]
    assert [MSGPACK.encode(message) for message in expected] == golden_bytes(name, "python")
    for writer in ("python", "js"):
        assert [decoder.decode(data, MSGPACK) for data in golden_bytes(name, writer)] == expected


@pytest.mark.parametrize("name", SESSION_FILES)
def test_a_golden_message_cut_short_is_malformed(name: str) -> None:
    decoder, _ = CONVERSATIONS[name.split(".")[0]]
    data = golden_bytes(name, "python")[0]
    for end in range(len(data)):
        with pytest.raises(MalformedMessage):
            decoder.decode(data[:end], MSGPACK)
    with pytest.raises(MalformedMessage, match="trailing"):
        decoder.decode(data + b"\xc0", MSGPACK)


@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_every_message_type_has_a_golden_file(conversation: str) -> None:
    union = CONVERSATIONS[conversation][1]
    tags = {kind.__struct_config__.tag for kind in get_args(union) or (union,)}
    files = {name.split(".")[1] for name in MESSAGE_FILES if name.startswith(conversation)}
    assert files == tags


def test_every_golden_actor_has_the_shape_of_an_actor() -> None:
    for snapshot in golden("node-to-client.snapshot"):
        watched = "tiers" in snapshot["room"]
        for actor in snapshot["actors"].values():
            decoded = ACTOR[watched].decode(json.dumps(actor))
            assert json.loads(encode(decoded)) == actor
        if watched:
            room = Decoder[session.WatchedRoom](session.WatchedRoom, "test").decode(
                json.dumps(snapshot["room"])
            )
            assert json.loads(encode(room)) == snapshot["room"]


def test_the_golden_snapshots_have_a_player_s_and_an_admin_s_with_an_invisible_actor() -> None:
    told = {
        ("tiers" in snapshot["room"], actor.get("visible", True))
        for snapshot in golden("node-to-client.snapshot")
        for actor in snapshot["actors"].values()
    }
    assert told == {(admin, visible) for admin in (False, True) for visible in (False, True)}


def test_every_bye_code_has_a_golden_message() -> None:
    assert {bye["code"] for bye in golden("node-to-client.bye")} == set(session.ByeCode)


def test_a_snapshot_and_its_patches_give_the_expected_copy() -> None:
    scenario = golden("copy.scenario")
    mine = {"actors": scenario["snapshot"]["actors"], "room": scenario["snapshot"]["room"]}
    for patch in scenario["patches"]:
        apply_ops(mine, patch["ops"])
    assert mine == scenario["expected"]


@pytest.mark.parametrize("misfit", golden("copy.misfits")["misfits"], ids=lambda misfit: misfit["why"])
def test_an_op_that_does_not_fit_is_an_error_and_changes_nothing(misfit: dict[str, Any]) -> None:
    base = golden("copy.misfits")["copy"]
    mine = copy.deepcopy(base)
    with pytest.raises(PatchError, match="does not fit"):
        apply_ops(mine, [misfit["op"]])
    assert mine == base


def test_positions_are_the_golden_ones() -> None:
    for sample in golden("motion.positions"):
        for t, x, y in sample["at"]:
            assert position_at(sample["path"], t) == (x, y)


def test_timed_paths_are_the_golden_ones() -> None:
    for sample in golden("motion.timed-paths"):
        points = [(x, y) for x, y in sample["points"]]
        path = timed_path(points, sample["speed"], sample["now"])
        assert [pytest.approx(point, abs=1e-9) for point in path] == sample["path"]

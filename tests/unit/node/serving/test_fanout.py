"""The fan-out: what is the same is encoded once, inputs come between chunks, the slow skip patches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.game.outbox import Frame
from roomfleet.node.serving.fanout import CHUNK, SNAPSHOT_SECONDS, FanOut, Viewing
from roomfleet.wire.codec import JSON, MSGPACK, Format
from roomfleet.wire.session import Event, Snapshot, to_client
from support.hosted import Listener, payload


class Bytes(Listener):
    """Keeps the frames as they come."""

    def __init__(self, format: Format = JSON) -> None:
        super().__init__()
        self.format = format
        self.frames: list[bytes] = []

    def offer(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return True


class Room:
    """Viewers with listeners, frames to send, and an event loop turned by hand."""

    def __init__(self, *names: str) -> None:
        self.now = 100.0
        self.waiting: list[Callable[[], None]] = []
        self.done = 0
        self.fanout = FanOut(lambda: self.now, self.waiting.append, self._ended)
        self.viewings = [Viewing(name, Listener()) for name in names]
        self.snapshots: list[str] = []
        self.seq = 0

    def _ended(self) -> None:
        self.done += 1

    def listener(self, name: str) -> Any:
        return next(viewing.connection for viewing in self.viewings if viewing.viewer == name)

    def viewing(self, name: str) -> Viewing:
        return next(viewing for viewing in self.viewings if viewing.viewer == name)

    def frame(self, public: bool = True, **private: list[Any]) -> None:
        self.seq += 1
        ops = [["set", ["a", "state", "hp"], self.seq]] if public else []
        self.fanout.patch(Frame(self.seq, 1.0, ops, private), self.viewings)

    def turn(self) -> None:
        """Once round the event loop."""
        waiting, self.waiting[:] = list(self.waiting), []
        for call in waiting:
            call()

    def snapshot(self, viewer: str) -> Snapshot:
        self.snapshots.append(viewer)
        return Snapshot(seq=self.seq, now=1.0, actors={}, room={})

    def seqs(self, name: str) -> list[int]:
        return [message["seq"] for message in self.listener(name).heard if message["type"] == "patch"]


def test_a_public_frame_is_the_same_bytes_for_all_of_a_format() -> None:
    room = Room()
    listeners = [Bytes(), Bytes(), Bytes(MSGPACK), Bytes(MSGPACK)]
    room.viewings = [Viewing(f"v{number}", listener) for number, listener in enumerate(listeners)]
    room.frame()
    text, same_text, binary, same_binary = (listener.frames[0] for listener in listeners)
    assert text is same_text
    assert binary is same_binary
    assert to_client.decode(payload(text)) == to_client.decode(payload(binary), MSGPACK)
    assert (text[0], binary[0]) == (0x81, 0x82), "a text frame, a binary frame; both whole"


def test_viewers_who_share_a_list_of_ops_share_the_bytes() -> None:
    room = Room()
    near, far = Bytes(), Bytes()
    room.viewings = [Viewing("near", near), Viewing("far", far)]
    seen = [["set", ["a", "state", "hp"], 1]]
    room.frame(near=seen, far=seen)
    assert near.frames[0] is far.frames[0]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    values=st.lists(json_values, min_size=1, max_size=6),
    picks=st.lists(st.lists(st.integers(0, 5), max_size=6), min_size=1, max_size=4),
    format=st.sampled_from([JSON, MSGPACK]),
)
def test_lists_that_share_ops_decode_to_what_each_viewer_is_to_be_told(
    values: list[Any], picks: list[list[int]], format: Format
) -> None:
    ops = [["set", ["a", "state", "field"], value] for value in values]
    private = {
        f"v{number}": [ops[pick] for pick in chosen if pick < len(ops)] for number, chosen in enumerate(picks)
    }
    listeners = {name: Bytes(format) for name in [*private, "other"]}
    room = Room()
    viewings = [Viewing(name, listener) for name, listener in listeners.items()]
    room.fanout.patch(Frame(7, 1.5, ops, private), viewings)
    for name, listener in listeners.items():
        expected = private.get(name, ops)
        decode = msgspec.json.decode if format is JSON else msgspec.msgpack.decode
        heard = [decode(payload(frame)) for frame in listener.frames]
        assert heard == ([{"type": "patch", "seq": 7, "now": 1.5, "ops": expected}] if expected else [])


def test_a_private_list_goes_to_its_viewer_and_replaces_the_public_one() -> None:
    room = Room("ada", "bob", "cy")
    room.frame(ada=[["set", ["a", "state", "bag"], 1]], cy=[])
    (patch,) = room.listener("ada").heard
    assert patch["ops"] == [["set", ["a", "state", "bag"], 1]]
    assert room.seqs("bob") == [1]
    assert room.seqs("cy") == [], "an empty list is nothing to send"


def test_a_frame_without_public_ops_reaches_only_those_named() -> None:
    room = Room("ada", "bob")
    room.frame(public=False, ada=[["set", ["a", "state", "bag"], 1]])
    assert room.seqs("ada") == [1]
    assert room.seqs("bob") == []


def test_inputs_are_served_between_chunks_and_the_end_is_told() -> None:
    room = Room(*(f"v{number}" for number in range(2 * CHUNK + 1)))
    room.frame()
    served = [sum(bool(room.seqs(viewing.viewer)) for viewing in room.viewings)]
    while room.fanout.busy:
        assert room.done == 0
        room.turn()
        served.append(sum(bool(room.seqs(viewing.viewer)) for viewing in room.viewings))
    assert served == [CHUNK, 2 * CHUNK, 2 * CHUNK + 1]
    assert room.done == 1


def test_an_event_comes_after_the_patches_that_were_put_out_before_it() -> None:
    room = Room(*(f"v{number}" for number in range(CHUNK + 1)))
    room.frame()
    room.fanout.event(Event(name="hit"), room.viewings)
    assert room.listener("v0").types() == ["patch"], "the event waits for the round of the patch"
    while room.fanout.busy:
        room.turn()
    assert {tuple(viewing.connection.types()) for viewing in room.viewings} == {("patch", "event")}  # type: ignore[union-attr]


def test_a_patch_does_not_reach_who_got_a_newer_snapshot_while_it_was_under_way() -> None:
    room = Room(*(f"v{number}" for number in range(CHUNK + 1)))
    late = room.viewing(f"v{CHUNK}")
    room.frame()
    late.show(room.snapshot(late.viewer), room.now)
    room.turn()
    assert late.connection.types() == ["snapshot"]  # type: ignore[union-attr]
    room.frame()
    room.turn()
    assert room.seqs(late.viewer) == [2]


def test_who_left_while_a_round_was_under_way_is_passed_over() -> None:
    room = Room(*(f"v{number}" for number in range(CHUNK + 1)))
    gone = room.viewing(f"v{CHUNK}")
    listener, gone_connection = gone.connection, None
    room.frame()
    gone.connection = gone_connection
    room.turn()
    assert listener.heard == []  # type: ignore[union-attr]


def test_a_closed_room_tells_nobody_anything_any_more() -> None:
    room = Room(*(f"v{number}" for number in range(CHUNK + 1)))
    room.frame()
    room.fanout.close()
    room.turn()
    assert room.seqs(f"v{CHUNK}") == []
    assert room.done == 0


def test_a_busy_client_skips_patches_and_gets_one_snapshot_when_it_has_drained() -> None:
    room = Room("ada", "bob")
    room.listener("bob").busy = True
    room.frame()
    room.frame()
    assert room.fanout.catch_up(room.snapshot), "somebody still waits"
    assert room.seqs("ada") == [1, 2]
    assert room.listener("bob").heard == []
    room.listener("bob").busy = False
    room.frame()
    assert room.seqs("bob") == [], "no patch fits what it has"
    assert not room.fanout.catch_up(room.snapshot)
    assert room.listener("bob").types() == ["snapshot"]
    assert room.snapshots == ["bob"]
    room.frame()
    assert room.seqs("bob") == [4]


def test_a_client_that_falls_behind_again_and_again_gets_a_snapshot_a_second_at_most() -> None:
    room = Room("bob")
    bob = room.listener("bob")
    for _ in range(2):
        bob.busy = True
        room.frame()
        bob.busy = False
        room.fanout.catch_up(room.snapshot)
    assert room.snapshots == ["bob"]
    room.now += SNAPSHOT_SECONDS
    assert not room.fanout.catch_up(room.snapshot)
    assert room.snapshots == ["bob", "bob"]


def test_a_client_is_too_slow_when_it_has_been_behind_for_the_limit() -> None:
    room = Room("ada", "bob")
    room.listener("bob").busy = True
    room.frame()
    room.now += 3
    room.frame()
    assert room.fanout.too_slow(3) == []
    room.now += 1
    assert [viewing.viewer for viewing in room.fanout.too_slow(3)] == ["bob"]


def test_who_reconnected_is_not_behind_any_more() -> None:
    room = Room("bob")
    room.listener("bob").busy = True
    room.frame()
    bob = room.viewing("bob")
    bob.connection = Listener()
    bob.show(room.snapshot("bob"), room.now)
    assert not room.fanout.catch_up(room.snapshot)
    room.now += 60
    assert room.fanout.too_slow(3) == []


def test_events_for_all_pass_over_the_busy_and_the_absent() -> None:
    room = Room("ada", "bob", "away")
    room.viewing("away").connection = None
    room.listener("bob").busy = True
    room.fanout.event(Event(name="said"), room.viewings)
    assert room.listener("ada").types() == ["event"]
    assert room.listener("bob").types() == []

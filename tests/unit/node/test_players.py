"""The fan-out: shared frames are encoded once, private ones go to their owner, the slow skip patches."""

from __future__ import annotations

from roomfleet.game.outbox import Frame, Told
from roomfleet.node.players import Players
from roomfleet.wire.codec import Format
from roomfleet.wire.session import Event
from support.hosted import Listener


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Room:
    """Players with listeners, and frames to send."""

    def __init__(self, *names: str) -> None:
        self.time = Time()
        self.snapshots: list[str] = []
        self.players = Players(self._snapshot, self.time)
        self.listeners = {name: Listener() for name in names}
        for name, listener in self.listeners.items():
            self.players.add(name).connect(listener)
        self.seq = 0

    def _snapshot(self, player: str, format: Format) -> bytes:
        self.snapshots.append(player)
        return format.encode({"type": "snapshot", "for": player})

    def frame(self, public: bool = True, **private: object) -> None:
        self.seq += 1
        ops = [["set", ["a", "state", "hp"], self.seq]] if public else []
        self.players.fan_out(Frame(self.seq, 1.0, ops, private))  # type: ignore[arg-type]

    def seqs(self, name: str) -> list[int]:
        return [message["seq"] for message in self.listeners[name].heard if message["type"] == "patch"]


class Bytes(Listener):
    """Keeps the frames as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)


def test_a_public_frame_is_the_same_bytes_for_everybody() -> None:
    room = Room()
    both = [Bytes(), Bytes()]
    for number, connection in enumerate(both):
        room.players.add(f"player {number}").connect(connection)
    room.frame()
    assert both[0].frames[0] is both[1].frames[0]


def test_a_private_list_goes_to_its_player_and_replaces_the_public_one() -> None:
    room = Room("ada", "bob", "cy")
    room.frame(ada=[["set", ["a", "state", "bag"], 1]], cy=[])
    (patch,) = room.listeners["ada"].heard
    assert patch["ops"] == [["set", ["a", "state", "bag"], 1]]
    assert room.seqs("bob") == [1]
    assert room.seqs("cy") == [], "an empty list is nothing to send"


def test_a_frame_without_public_ops_reaches_only_those_named() -> None:
    room = Room("ada", "bob")
    room.frame(public=False, ada=[["set", ["a", "state", "bag"], 1]])
    assert room.seqs("ada") == [1]
    assert room.seqs("bob") == []


def test_a_busy_client_skips_patches_and_gets_one_snapshot_when_it_has_drained() -> None:
    room = Room("ada", "bob")
    room.listeners["bob"].busy = True
    room.frame()
    room.frame()
    assert room.players.refresh_stale(), "somebody still waits"
    assert room.seqs("ada") == [1, 2]
    assert room.listeners["bob"].heard == []
    room.listeners["bob"].busy = False
    room.frame()
    assert room.seqs("bob") == [], "no patch fits what it has"
    assert not room.players.refresh_stale()
    assert room.listeners["bob"].types() == ["snapshot"]
    assert room.snapshots == ["bob"]
    room.frame()
    assert room.seqs("bob") == [4]


def test_a_client_is_too_slow_when_it_has_not_drained_for_the_limit() -> None:
    room = Room("ada", "bob")
    room.listeners["bob"].busy = True
    room.frame()
    room.time.now += 3
    room.frame()
    assert room.players.too_slow(3) == []
    room.time.now += 1
    assert [session.player for session in room.players.too_slow(3)] == ["bob"]


def test_events_for_all_pass_over_the_busy_and_the_absent() -> None:
    room = Room("ada", "bob")
    room.players.add("away", until=5.0)
    room.listeners["bob"].busy = True
    room.players.tell(Told(None, Event(name="said", data={})))
    assert room.listeners["ada"].types() == ["event"]
    assert room.listeners["bob"].types() == []
    room.players.tell(Told("bob", Event(name="whisper", data={})))
    assert room.listeners["bob"].types() == ["event"], "what is for one player alone is not dropped"
    room.players.tell(Told("nobody", Event(name="whisper", data={})))


def test_each_connection_gets_a_resume_secret_of_its_own() -> None:
    room = Room("ada")
    session = room.players.get("ada")
    assert session is not None
    first = session.resume
    assert session.connect(Listener()) != first
    assert room.players.next_gone() == float("inf")
    session.until = 7.0
    room.players.add("bob", until=5.0)
    assert room.players.next_gone() == 5.0

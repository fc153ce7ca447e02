"""What a change of state costs, as a diff and as a whole actor, by number of actors and kind of change.

    .venv/bin/python tests/bench/bench_diffs.py [--seconds S] [--json FILE]

One room on a simulated clock, one player in it. In each tick every actor changes once; then the frame is
closed and encoded as JSON. "changes" are the assignments alone, "told" all of it; "whole" is the same told
by sending each actor that changed as a whole: made and encoded. Seconds are of CPU, of the median tick. The
last lines are of one actor with a long list, in the middle of which an entry changes.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from roomfleet.game import Actor, Player, Room
from roomfleet.game.maps.geography import OpenGeography
from roomfleet.game.maps.maps import MapRoom, Tag
from roomfleet.game.seeing.view import actor_view
from roomfleet.game.starting import start_room
from roomfleet.wire.codec import encode
from roomfleet.wire.session import Patch

TICK = 0.05
SIZES = (1, 100, 10_000)
LENGTHS = (10, 1_000, 100_000)
MAP = MapRoom(id="map1.room1", width=400, height=300, tags=[Tag(name="entry", x=200, y=100)])


class Folk(Actor):
    """About a kilobyte of nested state."""

    def define(self) -> None:
        tools = [{"kind": f"tool{n}", "wear": 0, "made": {"by": "smith", "day": n}} for n in range(10)]
        self.state.public(
            hp=10,
            mood="calm",
            bag={"gold": 0, "tools": tools, "by place": {"left": {"hand": [0, 0]}, "right": {"hand": [0]}}},
            log=[],
        )
        self.state.internal(thoughts={"of": [0]})


def scalar(actor: Actor, count: int) -> None:
    actor.state.hp = count


def nested(actor: Actor, count: int) -> None:
    actor.state.bag["by place"]["left"]["hand"][1] = count


def in_a_list(actor: Actor, count: int) -> None:
    actor.state.bag["tools"][7]["wear"] = count


def log(actor: Actor, count: int) -> None:
    """An entry in, and when there are twenty the oldest out."""
    actor.state.log.append({"n": count})
    if len(actor.state.log) > 20:
        del actor.state.log[0]


def in_the_middle(actor: Actor, count: int) -> None:
    entries = actor.state.log
    entries[len(entries) // 2]["n"] = count


def equal(actor: Actor, count: int) -> None:
    actor.state.bag["by place"]["right"]["hand"] = [0]


def internal(actor: Actor, count: int) -> None:
    actor.state.thoughts["of"][0] = count


KINDS: dict[str, Callable[[Actor, int], None]] = {
    "scalar": scalar,
    "nested": nested,
    "in a list": in_a_list,
    "log": log,
    "equal": equal,
    "internal": internal,
}


@dataclass(frozen=True)
class Row:
    """Of one size and kind. Rates are changes/s, sizes bytes for each change."""

    actors: int
    kind: str
    changes_per_second: float
    told_per_second: float
    whole_per_second: float
    bytes: float
    whole_bytes: float


class Bench:
    """A room with that many actors, each with so many entries in its log."""

    def __init__(self, actors: int, entries: int = 0) -> None:
        self.now = 100.0
        self.live = start_room(
            game="bench", name="room", epoch=1, room_class=Room, map_room=MAP, state={}, ticks_per_second=20,
            seed=1, now=self.now, wall=self.now, saved=None, actors=[], geography=OpenGeography(MAP),
        )  # fmt: skip
        room: Any = self.live.room
        self.actors = [room.spawn(Folk, log=[{"n": 0}] * entries) for _ in range(actors)]
        assert room.player_class is Player
        self.live.player_enters("ann", self.live.new_player_body("ann", self.now), self.now)
        self.live.snapshot("ann", self.now)
        self.count = 0
        self.tell()
        gc.freeze()  # as a node does
        gc.set_threshold(20_000, 20, 20)

    def tell(self) -> int:
        """Close the tick; the bytes of its patch."""
        self.now += TICK
        self.live.step(self.now, self.now)
        return sum(
            len(encode(Patch(seq=frame.seq, now=frame.now, ops=frame.public)))
            for frame in self.live.take().frames
        )

    def measure(self, kind: str, change: Callable[[Actor, int], None], seconds: float) -> Row:
        self.ticks(change, seconds / 5)
        changing, telling, size = self.ticks(change, seconds)
        began = time.process_time()
        rounds = whole_bytes = 0
        while rounds < 2 or time.process_time() - began < seconds / 5:
            ops: list[Any] = [["enter", each.id, actor_view(each, owner=False)] for each in self.actors]
            whole_bytes = len(encode(Patch(seq=1, now=1.0, ops=ops)))
            rounds += 1
        whole = (time.process_time() - began) / rounds
        count = len(self.actors)
        return Row(
            actors=count,
            kind=kind,
            changes_per_second=count / changing,
            told_per_second=count / (changing + telling),
            whole_per_second=count / (changing + whole),
            bytes=size / count,
            whole_bytes=whole_bytes / count,
        )

    def ticks(self, change: Callable[[Actor, int], None], seconds: float) -> tuple[float, float, float]:
        """Ticks for so long: medians of the seconds of changing and of telling, and of the bytes."""
        changing, telling, sizes = [], [], []
        while len(sizes) < 3 or sum(changing) + sum(telling) < seconds:
            self.count += 1
            began = time.process_time()
            for actor in self.actors:
                change(actor, self.count)
            changed = time.process_time()
            sizes.append(self.tell())
            telling.append(time.process_time() - changed)
            changing.append(changed - began)
        return median(changing), median(telling), median(sizes)


def rows(seconds: float) -> Iterator[Row]:
    for size in SIZES:
        bench = Bench(size)
        for kind, change in KINDS.items():
            yield bench.measure(kind, change, seconds)
    for length in LENGTHS:
        yield Bench(1, length).measure(f"1 of {length:,}", in_the_middle, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="for each line")
    parser.add_argument("--json", type=Path, help="write the results here, too")
    options = parser.parse_args()
    heads = ("actors", "change", "changes/s", "told/s", "whole/s", "bytes", "whole bytes", "told:whole")
    print("{:>7} {:<12}{:>11}{:>10}{:>10}{:>8}{:>13}{:>12}".format(*heads))
    found = []
    for row in rows(options.seconds):
        found.append(asdict(row))
        print(
            f"{row.actors:>7} {row.kind:<12}{row.changes_per_second:>11,.0f}{row.told_per_second:>10,.0f}"
            f"{row.whole_per_second:>10,.0f}{row.bytes:>8.0f}{row.whole_bytes:>13.0f}"
            f"{row.told_per_second / row.whole_per_second:>12.1f}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

"""What it costs a room to tell its viewers what they see: µs per change, per tick, and what idle rooms hold.

    python tests/bench/bench_vision.py [--viewers N] [--seconds S] [--json FILE]

In process, without sockets: the room's own share of a tick, up to the frame that its node encodes. Changes:
100 actors in a room that viewers see wholly, or 300 units of a 2,000 by 2,000 world. Ticks: the viewers
themselves walk about in that world, each on a new course about every two seconds. CPU time, not the clock's.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from roomfleet.game import ALL, Actor, Player, Radius, Room
from roomfleet.game.maps.maps import MapRoom
from support.game_room import TPS, World

SIZE = 2_000
MAP = MapRoom(id="bench.vision", width=SIZE, height=SIZE)


class Beast(Actor):
    def define(self) -> None:
        self.state.public(hp=0)
        self.state.owner(gold=0)


class Hero(Player):
    speed = 120

    def define(self) -> None:
        self.state.public(hp=0)
        self.state.owner(gold=0)


class Field(Room):
    player_class = Hero


def field(viewers: int, vision: Any, actors: int = 0) -> World:
    """A room with that many players at random places."""
    world = World(Field, map_room=MAP)
    rng = random.Random(1)
    live = world.live
    for number in range(viewers):
        name = f"p{number}"
        live.player_enters(name, live.new_player_body(name, world.now), world.now)
        live.actors.get(f"p:{name}").position = (rng.uniform(0, SIZE), rng.uniform(0, SIZE))  # type: ignore[union-attr]
    for _ in range(actors):
        world.room.spawn(Beast, at=(rng.uniform(0, SIZE), rng.uniform(0, SIZE)))
    world.room.vision = vision
    step(world)
    return world


def step(world: World) -> Any:
    """The next tick; what is put out."""
    world.now += 1 / TPS
    world.live.step(world.now, world.now)
    world.live.next_due()
    return world.live.take()


def changes(viewers: int, vision: Any, kind: str, rounds: int = 30) -> dict[str, Any]:
    """µs per change of one of 100 actors, frame included, five changes each a tick in one row."""
    world = field(viewers, vision, 100)
    rng = random.Random(2)
    beasts = [each for each in world.room.actors if isinstance(each, Beast)]
    heroes = [each for each in world.room.actors if isinstance(each, Hero)][:100] or beasts
    spent = 0.0
    for number in range(rounds):
        goals = [(rng.uniform(0, SIZE), rng.uniform(0, SIZE)) for _ in beasts]
        began = time.process_time()
        if kind == "public state":
            for beast in beasts:
                beast.state.hp = number
        elif kind == "owner state":
            for hero in heroes:
                hero.state.gold = number + 1
        else:
            for beast, goal in zip(beasts, goals, strict=True):
                beast.move_to(goal)
        step(world)
        spent += time.process_time() - began
    return {
        "viewers": viewers,
        "vision": "all" if vision is ALL else f"radius {vision.distance:g}",
        "change": kind,
        "us_per_change": spent / rounds / (len(heroes) if kind == "owner state" else 100) * 1e6,
    }


def ticks(viewers: int, vision: Any, seconds: float) -> dict[str, Any]:
    """ms per tick with all viewers walking about, and how much of it is told."""
    world = field(viewers, vision)
    rng = random.Random(3)
    heroes = world.room.actors

    def walk(share: float) -> int:
        count = 0
        for hero in heroes:
            if rng.random() < share:
                hero.move_to((rng.uniform(0, SIZE), rng.uniform(0, SIZE)))
                count += 1
        return count

    walk(1.0)
    for _ in range(20):
        walk(1 / (2 * TPS))
        step(world)
    spent, worst, courses, enters, ops = 0.0, 0.0, 0, 0, 0
    rounds = round(seconds * TPS)
    for _ in range(rounds):
        began = time.process_time()
        courses += walk(1 / (2 * TPS))
        out = step(world)
        took = time.process_time() - began
        spent += took
        worst = max(worst, took)
        for frame in out.frames:
            lists = list(frame.private.values()) or [frame.public] * viewers
            ops += sum(map(len, lists))
            enters += sum(op[0] == "enter" for each in lists for op in each)
    return {
        "viewers": viewers,
        "vision": "all" if vision is ALL else f"radius {vision.distance:g}",
        "ms_per_tick": spent / rounds * 1e3,
        "worst_ms": worst * 1e3,
        "courses_per_tick": courses / rounds,
        "ops_per_viewer_per_second": ops / seconds / viewers if viewers else 0.0,
        "enters_per_viewer_per_second": enters / seconds / viewers if viewers else 0.0,
        "core_percent": spent / seconds * 100,
    }


def idle(rooms: int = 2_000) -> float:
    """KB that a room without actors and players holds, in Python objects."""
    kept = [World(Field, map_room=MAP).live for _ in range(10)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [World(Field, map_room=MAP).live for _ in range(rooms)]
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held / len(kept) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--viewers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # as a node does
    result: dict[str, Any] = {"changes": [], "ticks": [], "idle_kb": 0.0}
    print(f"{'viewers':>8} {'vision':>12} {'change':>14} {'µs each':>9}")
    for viewers, vision in ((0, ALL), (1, ALL), (options.viewers, ALL), (options.viewers, Radius(300))):
        for kind in ("public state", "owner state", "course"):
            row = changes(viewers, vision, kind)
            result["changes"].append(row)
            print(f"{row['viewers']:8} {row['vision']:>12} {kind:>14} {row['us_per_change']:9.1f}")
    print(
        f"\n{'viewers':>8} {'vision':>12} {'ms/tick':>8} {'worst':>7} {'core':>6} {'courses/tick':>13}"
        f" {'ops/viewer/s':>13} {'enters/viewer/s':>16}"
    )
    for viewers, vision in (
        (options.viewers // 4, Radius(300)),
        (options.viewers, Radius(100)),
        (options.viewers, Radius(300)),
        (options.viewers, ALL),
    ):
        row = ticks(viewers, vision, options.seconds)
        result["ticks"].append(row)
        print(
            f"{row['viewers']:8} {row['vision']:>12} {row['ms_per_tick']:8.2f} {row['worst_ms']:7.1f}"
            f" {row['core_percent']:5.1f}% {row['courses_per_tick']:13.1f}"
            f" {row['ops_per_viewer_per_second']:13.1f} {row['enters_per_viewer_per_second']:16.1f}"
        )
    result["idle_kb"] = idle()
    print(f"\nan idle room: {result['idle_kb']:.1f} KB in Python objects")
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

"""Live moves: how long a room with players stands still when it goes from one node to another.

    python tests/bench/bench_move.py [--players N] [--moves N] [--json FILE]

Everything is real: `roomfleet up` with two nodes, which are cordoned in turn, SQLite with synchronous FULL.
Every player changes its state twice a second, so that patches come with each tick.

Frozen: from the moment at which the old node stops the room's time to its first tick on the new node, which
says it. Seen: for each client, from its last patch of the old node to its first snapshot of the new one;
connections to the new node are opened then. The nodes have one core, the master and the clients have the
other, where there are two.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import yaml
from rig.cores import pin, prepare
from rig.followers import Follower

from support.raw import ask
from support.running import Running, running
from support.trial_game import GAME, trial_game

FROZEN = re.compile(r"moved from \S+ to \S+, frozen for (\d+) ms")
CHANGE_SECONDS = 0.5
SETTLE_SECONDS = 1.0
"""Between two moves."""


async def enter(fleet: Running, player: str) -> Follower:
    """A player in the room."""
    answer = await asyncio.to_thread(
        ask, f"{fleet.url}/v1/games/{GAME}/joins", method="POST", player=player, body={"room": "alpha"}
    )
    place = answer.json
    while place["state"] == "waiting":
        await asyncio.sleep(0.02)
        path = f"/v1/games/{GAME}/joins/{place['id']}"
        place = (await asyncio.to_thread(ask, fleet.url + path, player=player)).json
    made = Follower()
    await made.enter(place["url"], place["ticket"])
    return made


async def change(follower: Follower, offset: float) -> None:
    """Something of one's own, twice a second."""
    await asyncio.sleep(offset)
    number = 0
    while True:
        number += 1
        follower.call("note", value=number)
        await asyncio.sleep(CHANGE_SECONDS)


def cordon(fleet: Running, slots: list[int]) -> None:
    """As `kubectl apply` would."""
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "RoomFleet",
        "metadata": {"name": "default"},
        "spec": {"minNodes": 2, "maxNodes": 2, "strategy": "Distributed", "cordoned": slots},
    }
    path = f"/apis/roomfleet.io/v1alpha1/namespaces/{GAME}/roomfleets/default?fieldManager=bench&force=true"
    request = urllib.request.Request(
        fleet.url + path,
        data=yaml.safe_dump(manifest).encode(),
        headers={"Content-Type": "application/apply-patch+yaml"},
        method="PATCH",
    )
    urllib.request.urlopen(request, timeout=10).close()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def until(look: Any, what: str) -> None:
    deadline = time.monotonic() + 30
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within 30 s: {what}")
        await asyncio.sleep(0.02)


async def measure(fleet: Running, players: int, moves: int) -> tuple[list[float], list[float], int]:
    """Frozen and seen times in seconds, and how many clients had to ask the master."""
    followers = [await enter(fleet, f"p{number}") for number in range(players)]
    changing = [
        asyncio.ensure_future(change(each, number / players * CHANGE_SECONDS))
        for number, each in enumerate(followers)
    ]
    for number in range(1, moves + 1):
        await asyncio.sleep(SETTLE_SECONDS)
        slot = int(fleet.room("alpha")["node"][-1])
        await asyncio.to_thread(cordon, fleet, [slot])
        await until(
            lambda number=number: all(len(each.seen) + each.lost >= number for each in followers),
            f"move {number}",
        )
    for task in changing:
        task.cancel()
    await asyncio.gather(*changing, return_exceptions=True)
    frozen = [int(found) / 1000 for found in FROZEN.findall(master_log(fleet))]
    for each in followers:
        each.leave()
    return frozen, [value for each in followers for value in each.seen], sum(each.lost for each in followers)


def master_log(fleet: Running) -> str:
    return (fleet.data / "log" / "master.log").read_text()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--players", type=int, default=100)
    parser.add_argument("--moves", type=int, default=25)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    with tempfile.TemporaryDirectory() as folder:
        game = trial_game(Path(folder), rooms={"alpha": {"capacity": options.players}})
        with running(game, Path(folder) / "data", environment=dict(os.environ)) as fleet:
            for pid in fleet.node_pids().values():
                pin(pid)
            frozen, seen, asked = asyncio.run(measure(fleet, options.players, options.moves))
    row = {
        "players": options.players,
        "moves": len(frozen),
        "frozen_p50_ms": percentile(frozen, 0.5) * 1000,
        "frozen_p99_ms": percentile(frozen, 0.99) * 1000,
        "seen_p50_ms": percentile(seen, 0.5) * 1000,
        "seen_p99_ms": percentile(seen, 0.99) * 1000,
        "sent_to_master": asked,
    }
    for key, value in row.items():
        print(f"{key:16}{value:10.0f}")
    if options.json:
        options.json.write_text(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()

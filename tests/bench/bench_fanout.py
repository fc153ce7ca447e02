"""A: clients on one core when every client is sent every position each tick, on both sides in turn.

    python tests/bench/bench_fanout.py [--start N] [--step N] [--most N] [--seconds S] [--only SIDE]
                                       [--subprotocol NAME] [--json FILE]

20 Hz, 100 moving actors, all see all, saving on. A side carries so many clients as long as each gets 19
patches a second and 99 of 100 echoes are back within 50 ms. Clients are added until it does not. The server
has a core to itself; the load generator, and Roomfleet's master, share another.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig.capacity import Found, Search, find_capacity, keeps_up
from rig.cores import prepare
from rig.sides import NoPeer, Side, colyseus, roomfleet

BEFORE = (500, 1_000)


def capacity(server: AbstractContextManager[Side], search: Search) -> Found:
    """That of one side."""
    with server as side:
        return find_capacity(side, search, keeps_up)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--start", type=int, default=2_000)
    parser.add_argument("--step", type=int, default=500)
    parser.add_argument("--most", type=int, default=6_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", choices=["roomfleet", "colyseus"])
    parser.add_argument("--subprotocol", default="roomfleet.v1.msgpack")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    search = Search(options.start, options.step, options.most, options.seconds, before=BEFORE)
    found: dict[str, Found] = {}
    try:
        if options.only != "roomfleet":
            found["colyseus"] = capacity(colyseus(), search)
    except NoPeer as error:
        print(f"nothing to compare with: {error}", file=sys.stderr)
    if options.only != "colyseus":
        found["roomfleet"] = capacity(roomfleet("stream", subprotocol=options.subprotocol), search)
    figures: dict[str, object] = {name: asdict(each) for name, each in found.items()}
    for each in found.values():
        print(f"{each.side}: {each.clients:,} clients on one core" + (" or more" if each.bounded else ""))
    if len(found) == 2 and found["colyseus"].clients:
        figures["like_for_like_ratio"] = ratio = found["roomfleet"].clients / found["colyseus"].clients
        print(f"like for like: {ratio:.2f} times as many")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""B: clients on one core for the same visible motion, told by courses instead of by positions.

    python tests/bench/bench_motion.py [--peer-clients N] [--start N] [--step N] [--most N] [--seconds S]
                                       [--only SIDE] [--json FILE]

The same world as in A. Roomfleet tells each actor's course when it changes, at a wall; its clients
interpolate. Colyseus tells every position each tick; its clients draw the last one. Real clients of both look
at all actors sixty times a second beside the load, and what they show is held against the truth. Roomfleet
carries so many clients as long as 99 of 100 echoes are back within 50 ms, it skips no more than one tick in
twenty, and its clients are no more wrong than Colyseus'.
Colyseus' clients are counted as in A (`--peer-clients` says how many that were).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig.capacity import RTT_MS, TICKS_MISSED, Found, Row, Search, find_capacity, keeps_up
from rig.cores import prepare
from rig.sides import NoPeer, Side, colyseus, roomfleet
from rig.watching import Watch, watching_colyseus, watching_roomfleet

TICKS = 20
"""A second, on both sides."""

BEFORE = (1_000, 3_000)


def looked_at(side: Side, watch: Watch, seconds: float) -> Callable[[], Row]:
    """A window during which the watching clients look, too."""

    def window() -> Row:
        watch.begin(seconds)
        row = side.measure(seconds)
        return row | watch.result()

    return window


def of_colyseus(clients: int | None, search: Search) -> Found:
    """Its capacity as in A, unless it is known, and how wrong its clients are there."""
    with colyseus() as side, watching_colyseus(side.port) as watch:
        if clients is not None:
            search = Search(clients, clients, clients, search.seconds)  # this size, and no other
        return find_capacity(side, search, keeps_up, window=looked_at(side, watch, search.seconds))


def of_roomfleet(peer: Row | None, search: Search) -> Found:
    """Its capacity, by a rule that holds it to the peer's errors where they are known."""

    def good(row: Row) -> bool:
        right = peer is None or all(row[key] <= peer[key] for key in ("error_mean", "error_p99"))
        ticks = row["missed_ticks"] <= TICKS_MISSED * TICKS * row["seconds"]
        return bool(row["rtt_p99_ms"] < RTT_MS and not row["unanswered"] and ticks and right)

    with roomfleet("walks") as side, watching_roomfleet(side, "walks") as watch:
        return find_capacity(side, search, good, window=looked_at(side, watch, search.seconds))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-clients", type=int)
    parser.add_argument("--start", type=int, default=6_000)
    parser.add_argument("--step", type=int, default=1_500)
    parser.add_argument("--most", type=int, default=12_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--only", choices=["roomfleet", "colyseus"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    found: dict[str, Found] = {}
    peer: Row | None = None
    try:
        if options.only != "roomfleet":
            found["colyseus"] = of_colyseus(options.peer_clients, Search(2_000, 500, 6_000, options.seconds))
            peer = found["colyseus"].best or found["colyseus"].rows[-1]
    except NoPeer as error:
        print(f"nothing to compare with: {error}", file=sys.stderr)
    if options.only != "colyseus":
        search = Search(options.start, options.step, options.most, options.seconds, before=BEFORE)
        found["roomfleet"] = of_roomfleet(peer, search)
    figures: dict[str, object] = {name: asdict(each) for name, each in found.items()}
    for each in found.values():
        row = each.best or each.rows[-1]
        print(
            f"{each.side}: {each.clients:,} clients on one core{' or more' if each.bounded else ''};"
            f" position error mean {row['error_mean']:.2f}, p99 {row['error_p99']:.2f} world units"
        )
    carried = options.peer_clients or (found["colyseus"].clients if "colyseus" in found else 0)
    if carried and "roomfleet" in found:
        figures["same_motion_ratio"] = ratio = found["roomfleet"].clients / carried
        print(f"same visible motion: {ratio:.2f} times as many")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""A: clients on one core when every client is sent every position each tick, on both sides in turn.

    python tests/bench/bench_fanout.py [--seconds S] [--only SIDE] [--clients N …] [--json FILE]

20 Hz, 100 moving actors, all see all, saving on. A side carries so many clients as long as each gets 19
patches a second and 99 of 100 echoes are back within 50 ms. Clients are added until it does not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rig.cores import prepare
from rig.sides import colyseus, roomfleet

COLUMNS = (
    ("clients", "clients", 0),
    ("patches/s", "patches_per_client_per_s", 1),
    ("B/patch", "bytes_per_patch", 0),
    ("server %", "server_cpu_pct", 0),
    ("user %", "server_user_pct", 0),
    ("p50 ms", "rtt_p50_ms", 1),
    ("p99 ms", "rtt_p99_ms", 1),
    ("gap ms", "max_gap_ms", 0),
    ("snaps", "snapshots", 0),
    ("load %", "load_cpu_pct", 0),
    ("RSS MB", "server_rss_mb", 0),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--clients", type=int, nargs="+", default=[500])
    parser.add_argument("--subprotocol", default="roomfleet.v1")
    parser.add_argument("--only")
    options = parser.parse_args()
    prepare()
    sides = {
        "roomfleet": lambda: roomfleet("stream", subprotocol=options.subprotocol),
        "colyseus": colyseus,
    }
    for name, start in sides.items():
        if options.only not in (None, name):
            continue
        with start() as side:
            print(f"{side.name:>10}" + "".join(f"{title:>10}" for title, _, _ in COLUMNS), flush=True)
            for clients in options.clients:
                joins = side.load.clients(clients)
                side.load.idle(1)
                row = side.load.measure(options.seconds)
                print(
                    " " * 10 + "".join(f"{row[key]:10.{digits}f}" for _, key, digits in COLUMNS),
                    joins,
                    flush=True,
                )


if __name__ == "__main__":
    main()

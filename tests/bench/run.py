"""All benchmarks, one after the other; what the project compares itself by goes into build/bench.json.

    python tests/bench/run.py [--quick] [--only NAME …] [--plot FILE]

The letters are those of docs/performance.md. `--quick` is a run to see that everything works: its figures say
nothing. The peer's folder is build/colyseus, or what COLYSEUS_DIR names; without it there are no ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.load import REPOSITORY
from rig.plot import draw

BUILD = REPOSITORY / "build"
BENCHES = REPOSITORY / "tests" / "bench"

RATIOS = (
    "like_for_like_ratio",
    "same_motion_ratio",
    "idle_room_kb",
    "core_us_per_event",
    "core_bytes_per_room",
)
"""The figures that stand on top of build/bench.json."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A script, with what it is given in a quick run."""

    name: str
    title: str
    quick: tuple[str, ...] = ()


BENCHES_IN_ORDER = (
    Bench(
        "fanout",
        "A  like for like: every position to everybody, each tick",
        ("--start", "400", "--step", "200", "--most", "400", "--seconds", "2"),
    ),
    Bench(
        "motion",
        "B  the same visible motion",
        ("--start", "400", "--step", "200", "--most", "400", "--seconds", "2"),
    ),
    Bench("effect", "C  input to effect on another client", ("--clients", "100", "--seconds", "3")),
    Bench("idle_rooms", "D  idle rooms", ("--rooms", "200", "--seconds", "2")),
    Bench("diffs", "E  what a change costs", ("--seconds", "0.2")),
    Bench("stuck", "F  a stuck client among the others", ("--clients", "200", "--seconds", "4")),
    Bench("vision", "who sees what", ("--viewers", "100", "--seconds", "0.5")),
    Bench("joins", "joins", ("--joins", "20", "--seconds", "2")),
    Bench("move", "live moves", ("--players", "10", "--moves", "2")),
    Bench("saves", "saves", ("--seconds", "1")),
    Bench("store", "the store", ("--seconds", "0.5")),
    Bench("core", "the master's core", ("--one", "1000", "10")),
    Bench("kube", "the operator on a real API server", ("--rooms", "100", "--joins", "20")),
)


def run(bench: Bench, *, quick: bool, more: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """Its figures; None when it failed, which it has said itself."""
    print(f"\n== {bench.title}", flush=True)
    result = BUILD / "bench" / f"{bench.name}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    command = [sys.executable, str(BENCHES / f"bench_{bench.name}.py"), "--json", str(result)]
    began = time.monotonic()
    code = subprocess.run([*command, *(bench.quick if quick else ()), *more], check=False).returncode
    print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
    if code or not result.exists():
        print(f"   failed with exit code {code}", flush=True)
        return None
    figures: dict[str, Any] = json.loads(result.read_text())
    return figures


def known_peer(details: dict[str, Any]) -> tuple[str, ...]:
    """How many clients the peer carried in A: B need not find it again."""
    clients = details.get("fanout", {}).get("colyseus", {}).get("clients")
    return ("--peer-clients", str(clients)) if clients else ()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=[bench.name for bench in BENCHES_IN_ORDER])
    parser.add_argument("--plot", type=Path, default=BUILD / "bench.svg", help="where the plot goes")
    options = parser.parse_args()
    details: dict[str, Any] = {}
    failed = []
    for bench in BENCHES_IN_ORDER:
        if options.only and bench.name not in options.only:
            continue
        more = known_peer(details) if bench.name == "motion" else ()
        figures = run(bench, quick=options.quick, more=more)
        if figures is None:
            failed.append(bench.name)
        else:
            details[bench.name] = figures
    ratios = {key: figures[key] for figures in details.values() for key in RATIOS if key in figures}
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    whole = {**ratios, "quick": options.quick, "machine": machine, "details": details}
    (BUILD / "bench.json").write_text(json.dumps(whole, indent=1))
    print("\n== what is compared")
    for key, value in ratios.items():
        print(f"{key:24}{value:8.2f}")
    print(f"figures: {BUILD / 'bench.json'}")
    if draw(details, options.plot):
        print(f"plot: {options.plot}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

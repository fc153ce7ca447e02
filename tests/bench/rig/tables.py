"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = (
    ("clients", "clients", 0),
    ("patches/s", "patches_per_client_per_s", 1),
    ("B/patch", "bytes_per_patch", 0),
    ("server %", "server_cpu_pct", 0),
    ("µs/patch", "server_us_per_patch", 1),
    ("p50 ms", "rtt_p50_ms", 1),
    ("p99 ms", "rtt_p99_ms", 1),
    ("gap ms", "max_gap_ms", 0),
    ("missed", "missed_ticks", 0),
    ("snapshots", "snapshots", 0),
    ("load %", "load_cpu_pct", 0),
    ("RSS MB", "server_rss_mb", 0),
    ("err mean", "error_mean", 2),
    ("err p99", "error_p99", 2),
    ("seen p50", "effect_p50_ms", 1),
    ("seen p99", "effect_p99_ms", 1),
)
"""Title, key and digits; what a row does not have is left out.

`server` is the server's CPU, in all and for each patch sent, `load` that of the load generator; p50 and p99
are of echoes, `seen` of changes until another client has them; `gap` is the longest time without a patch that
any client saw; `missed` are ticks that the node skipped; `err` is how far what a client shows is from the
truth, in world units.
"""

WIDTH = 10


def heading(title: str, row: Mapping[str, Any]) -> str:
    """Above rows like this one."""
    return f"{title:<{WIDTH}}" + "".join(f"{name:>{WIDTH}}" for name, key, _ in COLUMNS if key in row)


def line(row: Mapping[str, Any], mark: str = "") -> str:
    """One window. `mark` stands before it; one that is not good says so behind."""
    cells = "".join(f"{row[key]:{WIDTH}.{digits}f}" for _, key, digits in COLUMNS if key in row)
    return f"{mark:<{WIDTH}}{cells}" + ("" if row.get("good", True) else "  too many")

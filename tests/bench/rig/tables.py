"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = (
    ("clients", "clients", 0),
    ("patches/s", "patches_per_client_per_s", 1),
    ("B/patch", "bytes_per_patch", 0),
    ("server %", "server_cpu_pct", 0),
    ("user %", "server_user_pct", 0),
    ("p50 ms", "rtt_p50_ms", 1),
    ("p99 ms", "rtt_p99_ms", 1),
    ("gap ms", "max_gap_ms", 0),
    ("snapshots", "snapshots", 0),
    ("load %", "load_cpu_pct", 0),
    ("RSS MB", "server_rss_mb", 0),
)
"""Title, key and digits. `server` is the server's CPU, `load` that of the load generator; p50 and p99 are of
echoes; `gap` is the longest time without a patch that any client saw."""

WIDTH = 10


def heading(title: str) -> str:
    return f"{title:<{WIDTH}}" + "".join(f"{name:>{WIDTH}}" for name, _, _ in COLUMNS)


def line(row: Mapping[str, Any], mark: str = "") -> str:
    """One window. `mark` stands before it; one that is not good says so behind."""
    cells = "".join(f"{row[key]:{WIDTH}.{digits}f}" for _, key, digits in COLUMNS)
    return f"{mark:<{WIDTH}}{cells}" + ("" if row.get("good", True) else "  too many")

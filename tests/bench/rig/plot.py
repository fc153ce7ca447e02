"""The plot: clients against CPU and latency, both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rig.capacity import RTT_MS

SERIES = (
    ("fanout", "colyseus", "Colyseus, a patch each tick", "#c2570c", "o"),
    ("fanout", "roomfleet", "Roomfleet, a patch each tick (A)", "#1d6fb8", "s"),
    ("motion", "roomfleet", "Roomfleet, courses (B)", "#2a8a57", "^"),
)
"""Benchmark, side, label, colour and marker."""


LATENCY_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw(details: Mapping[str, Any], file: Path) -> bool:
    """Draw what was measured; the file's suffix says the format. False: there is nothing to draw."""
    known = [
        (label, colour, marker, rows)
        for bench, side, label, colour, marker in SERIES
        if (rows := _rows(details.get(bench, {}).get(side)))
    ]
    if not known:
        return False
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "roomfleet"
    from matplotlib import pyplot

    figure, (cpu, latency) = pyplot.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
    for label, colour, marker, rows in known:
        clients = [row["clients"] for row in rows]
        for axes, key in ((cpu, "server_cpu_pct"), (latency, "rtt_p99_ms")):
            axes.plot(
                clients, [row[key] for row in rows], color=colour, marker=marker, markersize=5, label=label
            )
    cpu.set(title="CPU of the server", ylabel="% of one core", ylim=(0, 105))
    latency.set(title="Round trip of an input, 99 of 100", ylabel="ms", yscale="log")
    latency.set_ylim(1, 500)
    latency.set_yticks(LATENCY_TICKS, [f"{tick}" for tick in LATENCY_TICKS])
    latency.minorticks_off()
    latency.axhline(RTT_MS, color="#777777", linewidth=1, linestyle="--")
    latency.text(
        *(0.99, RTT_MS * 1.05, f"limit {RTT_MS:g} ms"),
        transform=latency.get_yaxis_transform(),
        horizontalalignment="right",
        color="#555555",
        fontsize=8,
    )
    for axes in (cpu, latency):
        axes.set_xlabel("clients on one core")
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    cpu.legend(loc="lower right", fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=120)
    pyplot.close(figure)
    return True


def _rows(found: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """For each size the better of its windows, by size."""
    best: dict[int, Mapping[str, Any]] = {}
    for row in found["rows"] if found else ():
        known = best.get(row["clients"])
        if known is None or row["rtt_p99_ms"] < known["rtt_p99_ms"]:
            best[row["clients"]] = row
    return [best[clients] for clients in sorted(best)]

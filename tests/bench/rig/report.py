"""The figures of build/bench.json as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Details = Mapping[str, Any]

COMMON = (
    ("clients", "clients", ",.0f"),
    ("patches/client/s", "patches_per_client_per_s", ".1f"),
    ("bytes/patch", "bytes_per_patch", ",.0f"),
    ("server CPU %", "server_cpu_pct", ".0f"),
    ("echo p50 ms", "rtt_p50_ms", ".1f"),
    ("echo p99 ms", "rtt_p99_ms", ".1f"),
    ("longest gap ms", "max_gap_ms", ".0f"),
    ("load's CPU %", "load_cpu_pct", ".0f"),
)


def report(whole: Mapping[str, Any]) -> str:
    """All tables that there are figures for."""
    details = whole["details"]
    parts = [_summary(whole), *(part for section in SECTIONS for part in section(details))]
    return "\n\n".join(parts) + "\n"


def _summary(whole: Mapping[str, Any]) -> str:
    machine = whole["machine"]
    lines = [f"Measured on {machine['cores']} cores ({machine['machine']}), Python {machine['python']}."]
    for key, text in (
        ("like_for_like_ratio", "like for like (A)"),
        ("same_motion_ratio", "same visible motion (B)"),
    ):
        if key in whole:
            lines.append(f"- {text}: **{whole[key]:.2f}×** Colyseus' clients on one core")
    if "idle_room_kb" in whole:
        lines.append(f"- an idle room (D): **{whole['idle_room_kb']:.1f} KB**")
    return lines[0] + "\n\n" + "\n".join(lines[1:])


def _table(columns: Sequence[tuple[str, str, str]], rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| " + " | ".join(title for title, _, _ in columns) + " |",
        "|" + "---:|" * len(columns),
        *("| " + " | ".join(_cell(row[key], style) for _, key, style in columns) + " |" for row in rows),
    ]
    return "\n".join(lines)


def _cell(value: Any, style: str) -> str:
    return format(value, style) if style else str(value)


def _sides(
    details: Details, bench: str, title: str, more: Sequence[tuple[str, str, str]] = ()
) -> Iterator[str]:
    found = details.get(bench)
    if not found:
        return
    yield f"### {title}"
    for name in ("colyseus", "roomfleet"):
        side = found.get(name)
        if not side:
            continue
        carried = f"{side['clients']:,} clients" + (" or more" if side["bounded"] else "")
        yield f"{side['side']}: {carried}."
        rows = [{**row, "held": "yes" if row["good"] else "no"} for row in side["rows"]]
        yield _table((*COMMON, *more, ("within the rule", "held", "")), rows)


def _fanout(details: Details) -> Iterator[str]:
    yield from _sides(details, "fanout", "A. Like for like")


def _motion(details: Details) -> Iterator[str]:
    errors = (("error mean", "error_mean", ".2f"), ("error p99", "error_p99", ".2f"))
    yield from _sides(details, "motion", "B. The same visible motion", errors)


def _effect(details: Details) -> Iterator[str]:
    if found := details.get("effect"):
        yield "### C. Input to effect on another client"
        seen = (("seen p50 ms", "effect_p50_ms", ".1f"), ("seen p99 ms", "effect_p99_ms", ".1f"))
        yield _table((COMMON[0], *seen, *COMMON[3:6]), found["rows"])


def _idle(details: Details) -> Iterator[str]:
    if found := details.get("idle_rooms"):
        yield "### D. Idle rooms"
        columns = (
            ("rooms", "rooms", ",.0f"),
            ("KB each", "room_kb", ".1f"),
            ("CPU %", "cpu_percent", ".1f"),
            ("all running after s", "start_seconds", ".1f"),
        )
        yield _table(columns, found["rows"])


def _stuck(details: Details) -> Iterator[str]:
    if found := details.get("stuck"):
        yield "### F. A stuck client"
        rows = [{**found[name], "name": name} for name in ("without", "with")]
        memory = (("memory first MB", "memory_from_mb", ".1f"), ("most MB", "memory_most_mb", ".1f"))
        yield _table((("stuck client", "name", ""), *COMMON[:2], *COMMON[3:7], *memory), rows)


def _move(details: Details) -> Iterator[str]:
    if found := details.get("move"):
        yield "### Live moves"
        columns = (
            ("players", "players", ",.0f"),
            ("moves", "moves", ",.0f"),
            ("frozen p50 ms", "frozen_p50_ms", ".0f"),
            ("p99 ms", "frozen_p99_ms", ".0f"),
            ("seen p50 ms", "seen_p50_ms", ".0f"),
            ("p99 ms", "seen_p99_ms", ".0f"),
        )
        yield _table(columns, [found])


def _diffs(details: Details) -> Iterator[str]:
    if found := details.get("diffs"):
        yield "### E. What a change costs"
        columns = (
            ("actors", "actors", ",.0f"),
            ("change", "kind", ""),
            ("changes/s", "changes_per_second", ",.0f"),
            ("told/s", "told_per_second", ",.0f"),
            ("whole actors/s", "whole_per_second", ",.0f"),
            ("bytes", "bytes", ",.0f"),
            ("whole bytes", "whole_bytes", ",.0f"),
        )
        yield _table(columns, found)


SECTIONS = (_fanout, _motion, _effect, _idle, _diffs, _stuck, _move)

"""Lives from a seed: what came of one, how a failing one is made smaller, and how it reads."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from support.simulation.oracle import Broken
from support.simulation.simulation import Simulation

TRACE_LINES = 60
SHRINK_LIVES = 200
"""So many lives at most are spent on making a failing one smaller."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which life: a seed, and how many events; or some of its actions, for so many seconds."""

    seed: int
    events: int
    only: tuple[int, ...] | None = None
    until: float | None = None

    @property
    def command(self) -> str:
        """Lives it again, from the top of the repository."""
        text = f".venv/bin/python tests/support/simulation/run.py --seed {self.seed} --events {self.events}"
        if self.until is not None:
            text += f" --until {self.until:.3f}"
        if self.only is not None:
            text += f" --only {ranges(self.only)}"
        return text


def ranges(numbers: tuple[int, ...]) -> str:
    """`1-3,7`; `none` for none."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts) or "none"


def numbers(text: str) -> tuple[int, ...]:
    """What `ranges` wrote."""
    found: list[int] = []
    for part in text.split(",") if text != "none" else ():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Failure:
    rule: str
    text: str
    about: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Life:
    """What came of it."""

    plan: Plan
    events: int
    seconds: float
    """Of simulated time."""
    walked: float
    """Seconds after the start when the walk ended, in rest or in failure."""
    actions: int
    admitted: int
    refused: int
    restarts: int
    failure: Failure | None


def live(plan: Plan, note: Callable[[str], None] | None = None) -> Life:
    """Live it from beginning to end."""
    simulation = Simulation(plan.seed, note)
    failure, walked = None, None
    try:
        simulation.live(plan.events, only=plan.only, until=plan.until)
        walked = simulation.seconds
        simulation.come_to_rest()
    except Broken as broken:
        failure = Failure(broken.rule, str(broken), broken.about)
    except Exception as error:  # noqa: BLE001
        where = traceback.extract_tb(error.__traceback__)[-1]
        rule = f"{type(error).__name__} in {where.name}"
        failure = Failure(rule, "".join(traceback.format_exception(error)[-6:]), ())
    return Life(
        plan=plan,
        events=simulation.master.events,
        seconds=simulation.seconds,
        walked=simulation.seconds if walked is None else walked,
        actions=simulation.performed,
        admitted=simulation.oracle.admitted,
        refused=sum(simulation.oracle.refused.values()),
        restarts=simulation.master.life - 1,
        failure=failure,
    )


def shrink(failed: Life, lives: int = SHRINK_LIVES) -> Life:
    """The same failure with as few actions as can be found in so many lives (delta debugging: Zeller and
    Hildebrandt 2002).
    """
    rule = failed.failure.rule if failed.failure is not None else ""
    until = failed.plan.until if failed.plan.until is not None else failed.walked + 0.001
    only = failed.plan.only if failed.plan.only is not None else tuple(range(failed.actions))
    best = live(replace(failed.plan, only=only, until=until))
    if best.failure is None or best.failure.rule != rule:
        return failed
    parts, tried = 2, 0
    while only and tried < lives:
        size = max(1, len(only) // parts)
        for start in range(0, len(only), size):
            fewer = only[:start] + only[start + size :]
            attempt = live(replace(failed.plan, only=fewer, until=until))
            tried += 1
            if attempt.failure is not None and attempt.failure.rule == rule:
                only, best = fewer, attempt
                parts = max(2, parts - 1)
                break
            if tried >= lives:
                break
        else:
            if size == 1:
                break
            parts = min(len(only), parts * 2)
    return best


def explain(failed: Life) -> str:
    """A failing life, to be read: what is broken, what was done, what the core heard and did about it."""
    trace: list[str] = []
    live(failed.plan, trace.append)
    failure = failed.failure
    if failure is None:
        return f"seed {failed.plan.seed}: nothing is wrong"
    names = [name.rpartition("/")[2] for name in failure.about]
    lines = [line for line in trace if "#" in line or not names or any(name in line for name in names)]
    lines = [line if len(line) < 400 else line[:400] + " …" for line in lines if "NodeHeard" not in line]
    parts = [
        f"seed {failed.plan.seed}, {failed.seconds:.1f} s after the start: {failure.text}",
        f"again: {failed.plan.command} --trace",
        *(["…"] if len(lines) > TRACE_LINES else []),
        *lines[-TRACE_LINES:],
    ]
    return "\n".join(parts)

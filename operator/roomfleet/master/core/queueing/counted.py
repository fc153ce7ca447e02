"""What the core has counted since its start, for metrics. Never by room or player: the series stay few."""

from __future__ import annotations

from collections import Counter, defaultdict

from roomfleet.master.core.effects import Admitted, InLine, Refused
from roomfleet.master.core.joining.line import Join
from roomfleet.wire.histogram import Histogram

WORK_SECONDS = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 0.1, 1.0)
JOIN_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
WRITE_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

ADMITTED, CANCELLED = "admitted", "cancelled"


class Counted:
    """Outcomes and times. Counts only rise."""

    def __init__(self) -> None:
        self.work: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(WORK_SECONDS))
        """Seconds of work on a key of the room queue, by its kind; as long as the given stopwatch shows."""
        self.failures: Counter[str] = Counter(room=0, fleet=0, template=0, event=0, alarm=0, effect=0)
        """Keys of a kind, events, alarms and effects that raised."""
        self.joins: Counter[tuple[str, str, str]] = Counter()
        """By game, who asked (`player`; `node` for a seat), and outcome: admitted, cancelled, or why not."""
        self.admitted: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(JOIN_SECONDS))
        """Seconds from asking to admission, by game."""
        self.players: Counter[tuple[str, str]] = Counter()
        """Players who were let in, by game: new, back, party or traveller."""
        self.moves: Counter[tuple[str, str]] = Counter()
        """Live moves of rooms by game: moved, refused (the new node cannot run it), or broken (a node was
        gone in the middle, and the room came up anew)."""

    def answered(self, join: Join, answer: Admitted | InLine | Refused, now: float) -> None:
        """A final answer was given; a place in line is none."""
        match answer:
            case Admitted() as admitted:
                self.joins[join.game, _asker(join), ADMITTED] += 1
                self.players[join.game, _how(join, admitted)] += 1 + len(admitted.others)
                self.admitted[join.game].observe(now - join.requested)
            case Refused(problem):
                self.joins[join.game, _asker(join), problem.refusal] += 1

    def cancelled(self, join: Join) -> None:
        """Whoever asked went away before an answer."""
        self.joins[join.game, _asker(join), CANCELLED] += 1


class Writes:
    """What became of writes to objects. The adapters count them."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter(written=0, conflict=0, gone=0, failed=0)
        """written, conflict, gone, or failed."""
        self.seconds = Histogram(WRITE_SECONDS)
        """Of those that were written."""

    def written(self, seconds: float) -> None:
        self.outcomes["written"] += 1
        self.seconds.observe(seconds)

    def failed(self, *, conflict: bool = False, gone: bool = False) -> None:
        self.outcomes["conflict" if conflict else "gone" if gone else "failed"] += 1


def _how(join: Join, admitted: Admitted) -> str:
    if join.seat is not None:
        return "traveller"
    if admitted.others:
        return "party"
    return "back" if join.comes_back else "new"


def _asker(join: Join) -> str:
    return "player" if join.seat is None else "node"

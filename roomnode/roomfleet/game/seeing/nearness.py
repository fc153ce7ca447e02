"""Which actors are near each other, for one radius: a grid, and crossing times worked out from timed vectors.

Two bodies come near at the radius and part at the radius times 1 + hysteresis. While both go straight on,
their distance squared is a quadratic in time, so the tick at which they come near or part is known ahead
and is one deadline; nothing is looked at in between. A pair is looked at again when one of the two changes
its course, comes to the end of a leg of its path, jumps, or crosses a border of the grid; cells are half
as wide as the distance of parting, so only bodies at most two cells apart can be near. Pairs in which nobody
has eyes are never looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from roomfleet.game.seeing.crossings import NEVER, Calendar, Timed

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.scripting.steps import Steps
    from roomfleet.game.seeing.vision import Radius
    from roomfleet.wire.motion import Path

_INSTANT = 1e-6
"""Seconds by which a tick may begin before the moment for which it was worked out."""

_SLACK = 1e-4
"""Part of the radius by which a crossing counts as done: rounding must not put it off by a tick."""

Cell = tuple[int, int]
_REACH = 2
"""In how many cells on each side there can be something near: with 2 a fourth of the bodies looked at are
near, with 1 and cells twice as wide a sixth."""
_AROUND = [(x, y) for x in range(-_REACH, _REACH + 1) for y in range(-_REACH, _REACH + 1)]


class Body(Timed):
    """An actor that stands on its own feet, with all that is docked to it. Due when it comes to the end of
    a leg or to a border of its cell."""

    __slots__ = (
        "audience",
        "cell",
        "eyes",
        "near",
        "pairs",
        "ring",
        "root",
        "t",
        "until",
        "vx",
        "vy",
        "x",
        "y",
    )

    def __init__(self, ring: Ring, root: Actor) -> None:
        super().__init__()
        self.ring = ring
        self.root = root
        self.eyes: tuple[str, ...] = ()
        """Viewers whose actors are part of it."""
        self.pairs: dict[Body, Pair] = {}
        """Those that are near, or will be or cease to be on the present legs."""
        self.near: dict[Body, None] = {}
        self.audience: tuple[str, ...] | None = None
        """Viewers to whom it is near, its own too; None when that is to be worked out again."""
        self.cell: Cell = (0, 0)

    def go(self, path: Path, now: float) -> None:
        """Work out the present leg: where it is at `t`, how fast it goes, and until when."""
        last = path[-1]
        self.vx = self.vy = 0.0
        self.t = now
        if now + _INSTANT >= last[2]:
            self.x, self.y, self.until = last[0], last[1], math.inf
        elif now < path[0][2]:
            self.x, self.y, self.until = path[0][0], path[0][1], path[0][2]
        else:
            leg = 1
            while path[leg][2] <= now + _INSTANT:
                leg += 1
            (x, y, begun), (to_x, to_y, self.until) = path[leg - 1], path[leg]
            self.vx = (to_x - x) / (self.until - begun)
            self.vy = (to_y - y) / (self.until - begun)
            self.x = x + self.vx * (now - begun)
            self.y = y + self.vy * (now - begun)

    def due(self) -> None:
        self.ring.wake(self)


class Pair(Timed):
    """Two bodies that are near each other or about to be. Due when they come near or part."""

    __slots__ = ("near", "one", "other")

    def __init__(self, one: Body, other: Body) -> None:
        super().__init__()
        self.one = one
        self.other = other
        self.near = False

    def due(self) -> None:
        self.one.ring.look(self)


Told = Callable[[Body, Body, bool], None]
"""Two bodies have come near each other, or have parted."""


class Ring:
    """All bodies of a room and the eyes that see as far as this radius."""

    __slots__ = (
        "_bodies",
        "_calendar",
        "_cells",
        "_eyes",
        "_far",
        "_lost",
        "_near",
        "_steps",
        "_told",
        "_woken",
        "size",
    )

    def __init__(self, radius: Radius, steps: Steps, calendar: Calendar, told: Told) -> None:
        parting = radius.distance * (1 + radius.hysteresis)
        self.size = parting / _REACH
        """The width of a cell."""
        self._near = (radius.distance * (1 + _SLACK)) ** 2
        self._far = (parting * (1 - _SLACK)) ** 2
        self._lost = parting**2
        self._steps = steps
        self._calendar = calendar
        self._told = told
        self._eyes = 0
        self._bodies: dict[str, Body] = {}
        self._cells: dict[Cell, tuple[dict[Body, None], dict[Body, None]]] = {}
        """Bodies with eyes, and those without."""
        self._woken: dict[Body, bool] = {}
        """Bodies to look at when the step ends; whether their course changed."""

    # -- who is there ------------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        """Whether it has eyes."""
        return self._eyes > 0

    def audience(self, root: Actor) -> tuple[str, ...]:
        """The viewers to whom that actor is near."""
        body = self._bodies[root._id]
        if body.audience is None:
            eyes = list(body.eyes)
            for other in body.near:
                eyes.extend(other.eyes)
            body.audience = tuple(eyes)
        return body.audience

    def near(self, root: Actor) -> Iterator[Actor]:
        """The actors, on their own feet, that are near that one."""
        return (other.root for other in self._bodies[root._id].near)

    def is_near(self, root: Actor, other: Actor) -> bool:
        """Whether they are near each other."""
        return self._bodies[other._id] in self._bodies[root._id].near

    # -- coming and going --------------------------------------------------------------------------------

    def add(self, root: Actor) -> None:
        """A body; nobody is told."""
        body = Body(self, root)
        body.go(root._path, self._steps.now)
        self._bodies[root._id] = body
        self._enrol(body)
        self._compare(body, self._around(body.cell), silent=True)
        self._plan(body)

    def remove(self, root: Actor) -> None:
        """Nobody is told."""
        body = self._bodies.pop(root._id)
        self._eyes -= len(body.eyes)
        for other in list(body.pairs):
            self._drop(body, other, silent=True)
        self._strike(body)
        self._woken.pop(body, None)
        body.when = NEVER

    def end(self) -> None:
        """Nothing of it is due any more."""
        for body in self._bodies.values():
            body.when = NEVER
            for pair in body.pairs.values():
                pair.when = NEVER

    def open_eye(self, root: Actor, viewer: str) -> None:
        """A viewer is part of that body from now on; nobody is told."""
        body = self._bodies[root._id]
        self._eyes += 1
        if not body.eyes:
            self._strike(body)
            body.eyes = (viewer,)
            self._enrol(body)
            self._compare(body, self._around(body.cell), silent=True)
        else:
            body.eyes = (*body.eyes, viewer)
        self._forget_audiences(body)

    def close_eye(self, root: Actor, viewer: str) -> None:
        """The viewer is not part of that body any more; nobody is told."""
        body = self._bodies[root._id]
        self._eyes -= 1
        self._forget_audiences(body)
        if body.eyes == (viewer,):
            self._strike(body)
            body.eyes = ()
            self._enrol(body)
            for other in [each for each in body.pairs if not each.eyes]:
                self._drop(body, other, silent=True)
        else:
            body.eyes = tuple(each for each in body.eyes if each != viewer)

    def split(self, root: Actor, from_root: Actor, viewers: Iterable[str]) -> None:
        """`root` stood up from `from_root`, where it was docked, and takes those viewers along: it is near
        what that is near."""
        whole = self._bodies[from_root._id]
        self.add(root)
        part = self._bodies[root._id]
        for viewer in viewers:
            self.open_eye(root, viewer)
        for other in [*whole.near, whole]:
            if other is not part and (part.eyes or other.eyes):
                self._flip(self._pair(part, other), near=True, silent=True)
                self._compare_with(part, (other,), None, silent=True)
        for viewer in viewers:
            self.close_eye(from_root, viewer)

    def merge(self, root: Actor, into: Actor, viewers: Iterable[str]) -> None:
        """`root` was docked to something that is part of `into`, with those viewers."""
        before = list(self._bodies[root._id].near)
        self.remove(root)
        whole = self._bodies[into._id]
        for viewer in viewers:
            self.open_eye(into, viewer)
        for other in before:
            if other is not whole and whole.eyes and other not in whole.near and self._within(whole, other):
                self._flip(self._pair(whole, other), near=True, silent=True)
                self._compare_with(whole, (other,), None, silent=True)

    # -- motion ------------------------------------------------------------------------------------------

    def turned(self, root: Actor) -> None:
        """The course of that body changed, from where it is: looked at by `settle`."""
        self._woken[self._bodies[root._id]] = True

    def wake(self, body: Body) -> None:
        """It is at a border, or at the end of a leg."""
        if body.until <= self._steps.now + _INSTANT:
            self._woken[body] = True
        else:
            self._woken.setdefault(body, False)

    def settle(self) -> None:
        """Look at all bodies whose course changed or that are in another cell."""
        while self._woken:
            self._settle()

    def _settle(self) -> None:
        woken, self._woken = self._woken, {}
        for body, turned in woken.items():
            if turned:
                body.go(body.root._path, self._steps.now)
        # One after the other: two who change their cells at once may come within reach by both moves only.
        for body, turned in woken.items():
            left = self._change_cell(body)
            if left is not None:
                self._part(body)
            if turned:
                self._compare(body, self._around(body.cell))
            elif left is not None:
                known = set(self._around(left))
                self._compare(body, [cell for cell in self._around(body.cell) if cell not in known])
            self._plan(body)

    def jump(self, root: Actor) -> list[Pair]:
        """That body is elsewhere at once: it parts from what it was near. Gives the pairs that now are near
        and were not; `meet` tells of them."""
        body = self._bodies[root._id]
        self._woken.pop(body, None)
        body.go(root._path, self._steps.now)
        if self._change_cell(body) is not None:
            self._part(body)
        met: list[Pair] = []
        self._compare(body, self._around(body.cell), met)
        self._plan(body)
        return met

    def meet(self, pairs: list[Pair]) -> None:
        """Tell of these."""
        for pair in pairs:
            self._flip(pair, near=True)

    def look(self, pair: Pair) -> None:
        """Whether these two have come near or parted, and when they next will."""
        if pair.one.until <= self._steps.now:
            self._next_leg(pair.one)
        self._compare_with(pair.one, (pair.other,), None, silent=False)

    # -- within ------------------------------------------------------------------------------------------

    def _change_cell(self, body: Body) -> Cell | None:
        """Put it into the cell where it is; the one that it left, if it did."""
        since = self._steps.now - body.t
        x, y = body.x + body.vx * since, body.y + body.vy * since
        cell = (math.floor(x / self.size), math.floor(y / self.size))
        left = body.cell
        if cell == left:
            return None
        self._strike(body)
        self._enrol(body)
        return left

    def _plan(self, body: Body) -> None:
        """When it must be looked at again for itself."""
        at = body.until
        since = self._steps.now - body.t
        for place, speed, cell in (
            (body.x + body.vx * since, body.vx, body.cell[0]),
            (body.y + body.vy * since, body.vy, body.cell[1]),
        ):
            if speed:
                border = (cell + 1 if speed > 0 else cell) * self.size
                at = min(at, self._steps.now + max(0.0, (border - place) / speed))
        if at < math.inf:
            self._calendar.put(body, self._steps.tick_after(at))
        else:
            body.when = NEVER

    def _around(self, cell: Cell) -> list[Cell]:
        x, y = cell
        return [(x + dx, y + dy) for dx, dy in _AROUND]

    def _enrol(self, body: Body) -> None:
        since = self._steps.now - body.t
        x, y = body.x + body.vx * since, body.y + body.vy * since
        body.cell = cell = (math.floor(x / self.size), math.floor(y / self.size))
        there = self._cells.get(cell)
        if there is None:
            there = self._cells[cell] = ({}, {})
        there[0 if body.eyes else 1][body] = None

    def _strike(self, body: Body) -> None:
        there = self._cells[body.cell]
        del there[0 if body.eyes else 1][body]
        if not there[0] and not there[1]:
            del self._cells[body.cell]

    def _part(self, body: Body) -> None:
        """Drop the pairs with bodies that are too many cells away now."""
        x, y = body.cell
        for other in list(body.pairs):
            if abs(other.cell[0] - x) > _REACH or abs(other.cell[1] - y) > _REACH:
                if other in body.near and self._within(body, other):
                    continue  # the other is past a border, too, and is looked at in the next tick
                self._drop(body, other)

    def _within(self, one: Body, other: Body) -> bool:
        now = self._steps.now
        for body in (one, other):
            if body.until <= now:
                self._next_leg(body)
        dx = one.x + one.vx * (now - one.t) - other.x - other.vx * (now - other.t)
        dy = one.y + one.vy * (now - one.t) - other.y - other.vy * (now - other.t)
        return dx * dx + dy * dy <= self._lost

    def _next_leg(self, body: Body) -> None:
        """It came to the end of one since the last tick: it is looked at for itself, too, in this step."""
        body.go(body.root._path, self._steps.now)
        self._woken[body] = True

    def _pair(self, one: Body, other: Body) -> Pair:
        pair = one.pairs.get(other)
        if pair is None:
            pair = one.pairs[other] = other.pairs[one] = Pair(one, other)
        return pair

    def _flip(self, pair: Pair, *, near: bool, silent: bool = False) -> None:
        one, other = pair.one, pair.other
        if pair.near is near:
            return
        pair.near = near
        if near:
            one.near[other] = other.near[one] = None
        else:
            del one.near[other], other.near[one]
        one.audience = other.audience = None
        if not silent:
            self._told(one, other, near)

    def _drop(self, one: Body, other: Body, *, silent: bool = False) -> None:
        pair = one.pairs.pop(other)
        del other.pairs[one]
        pair.when = NEVER
        self._flip(pair, near=False, silent=silent)

    def _forget_audiences(self, body: Body) -> None:
        body.audience = None
        for other in body.near:
            other.audience = None

    def _compare(
        self, body: Body, cells: list[Cell], met: list[Pair] | None = None, *, silent: bool = False
    ) -> None:
        """Look at the body's pairs with all bodies in these cells. Those that come near are put into `met`
        when it is given, and become near at once when it is not."""
        found: list[Body] = []
        for cell in cells:
            there = self._cells.get(cell)
            if there is not None:
                found += there[0]
                if body.eyes:
                    found += there[1]
        self._compare_with(body, found, met, silent=silent)

    def _compare_with(
        self, body: Body, others: Iterable[Body], met: list[Pair] | None, *, silent: bool
    ) -> None:
        now, today, tick_after = self._steps.now, self._steps.tick, self._steps.tick_after
        put = self._calendar.put
        pairs = body.pairs
        near_squared, far_squared = self._near, self._far
        vx, vy, until = body.vx, body.vy, body.until
        x, y = body.x + vx * (now - body.t), body.y + vy * (now - body.t)
        for other in others:
            if other is body:
                continue
            if other.until <= now:
                self._next_leg(other)
            since = now - other.t
            ux, uy = other.vx, other.vy
            dx, dy = other.x + ux * since - x, other.y + uy * since - y
            ux -= vx
            uy -= vy
            apart = dx * dx + dy * dy
            pair = pairs.get(other)
            near = pair is not None and pair.near
            if near and apart > far_squared:
                self._flip(pair, near=False, silent=silent)  # type: ignore[arg-type]
                near = False
            elif not near and apart <= near_squared:
                pair = self._pair(body, other)
                near = True
                if met is None:
                    self._flip(pair, near=True, silent=silent)
                else:
                    met.append(pair)
            # apart at a time s from now: speed * s² + 2 * closing * s + apart
            speed = ux * ux + uy * uy
            closing = dx * ux + dy * uy
            at = math.inf
            if near:
                if speed:
                    root = closing * closing - speed * (apart - far_squared)
                    at = now + (math.sqrt(root) - closing) / speed
            elif closing < 0:
                root = closing * closing - speed * (apart - near_squared)
                if root >= 0:
                    at = now + (-closing - math.sqrt(root)) / speed
            if at <= until and at <= other.until and at < math.inf:
                if pair is None:
                    pair = self._pair(body, other)
                tick = tick_after(at)
                if today < tick >= pair.queued:
                    pair.when = tick
                else:
                    put(pair, tick)
            elif pair is not None:
                pair.when = NEVER
                if not near:
                    del pairs[other], other.pairs[body]

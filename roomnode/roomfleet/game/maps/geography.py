"""Geographies: how ways are found in a room, and which places are free to stand on.

`open` knows only the room's edges. `grid` goes around the objects of the map that are not passable: A*
over a grid (Hart, Nilsson, Raphael 1968), then pulled taut into few straight legs. An actor is a point;
`grid` keeps it `clearance` away from what is in the way, so that what is drawn around the point fits.

World units; the origin is the room's top left corner. Pure: the same room gives the same ways.
"""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from roomfleet.game.errors import GameError
from roomfleet.game.maps.mapfault import MapError, listed
from roomfleet.game.maps.maps import MapObject, MapRoom
from roomfleet.game.maps.obstacles import Obstacles, Rect, share_before
from roomfleet.wire.motion import Point

MAX_CELLS = 10_000
"""A grid has no more cells than that: it bounds the work of one search."""


class NotAPlace(GameError, ValueError):
    """A coordinate that is no finite number."""


class Geography(ABC):
    """What a room asks of its geography. Positions are `(x, y)`."""

    name: str

    def __init__(self, room: MapRoom) -> None:
        self.width = room.width
        self.height = room.height

    @property
    def info(self) -> dict[str, Any]:
        """What clients are told in `welcome`: the name and, for `grid`, its figures."""
        return {"name": self.name}

    def clamp(self, point: Point) -> Point:
        """The point itself, or the nearest one inside the room. Raises NotAPlace."""
        x, y = float(point[0]), float(point[1])
        if not (math.isfinite(x) and math.isfinite(y)):
            raise NotAPlace(f"({x}, {y}) is no place: give two finite numbers")
        return min(max(x, 0.0), self.width), min(max(y, 0.0), self.height)

    @abstractmethod
    def nearest_free(self, point: Point) -> Point:
        """The place nearest to the point that one can stand on: inside the room, in no obstacle."""

    @abstractmethod
    def path(self, start: Point, goal: Point) -> list[Point]:
        """The way from `start` to the free place nearest to `goal`: `start`, then a point for each leg.

        Inside the room and through no obstacle, unless it starts in one: then the first leg leads out. To
        a goal that cannot be reached it leads as near as one can get. Just `[start]` when that is here.
        """


class OpenGeography(Geography):
    """Straight lines inside the room; objects are scenery."""

    name = "open"

    def nearest_free(self, point: Point) -> Point:
        return self.clamp(point)

    def path(self, start: Point, goal: Point) -> list[Point]:
        return _without_repeats([self.clamp(start), self.clamp(goal)])


_AROUND = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


class GridGeography(Geography):
    """Around obstacles, by a grid of square cells.

    `info.grid` of the map's room may set `cell` (side of a cell; default 10, more in rooms so large that
    it would take over 10,000 cells) and `clearance` (distance kept from obstacles, default half a cell
    and at most 5). A gap narrower than a cell plus twice the clearance may be overlooked.
    """

    name = "grid"

    def __init__(self, room: MapRoom) -> None:
        """Raises MapError when the options are wrong or no place in the room is free."""
        super().__init__(room)
        self.cell, self.clearance = _options(room)
        rects = [_grown(each, self.clearance) for each in room.objects if not each.passable]
        self._obstacles = Obstacles(room.width, room.height, self.cell, rects)
        if self._obstacles.nearest_free((self.width / 2, self.height / 2)) is None:
            raise MapError(
                _file(room), room.id, ("rooms", room.id, "objects"), "leave no free place: make some passable"
            )
        self._middle = [
            self._obstacles.middle(index) for index in range(self._obstacles.columns * self._obstacles.rows)
        ]
        self._free = [self._obstacles.is_free(middle) for middle in self._middle]
        self._steps: dict[int, tuple[tuple[int, float], ...]] = {}

    @property
    def info(self) -> dict[str, Any]:
        return {"name": self.name, "cell": self.cell, "clearance": self.clearance}

    def nearest_free(self, point: Point) -> Point:
        place = self._obstacles.nearest_free(self.clamp(point))
        if place is None:
            raise AssertionError("a grid without a free place was refused when it was made")
        return place

    def path(self, start: Point, goal: Point) -> list[Point]:
        here = self.clamp(start)
        begin, end = self.nearest_free(here), self.nearest_free(goal)
        if self._obstacles.clear(begin, end):
            return _without_repeats([here, begin, end])
        points = self._search(begin, end)
        if points is None:  # in a nook too small for the grid: straight on, as far as nothing is in the way
            return _without_repeats([here, begin, self._obstacles.as_far(begin, end)])
        return _without_repeats([here, *self._taut(points)])

    def _search(self, begin: Point, end: Point) -> list[Point] | None:
        """A way over the middles of cells; to a goal that is cut off, to the cell nearest to it."""
        first = {index: math.dist(begin, self._middle[index]) for index in self._cells_seen(begin)}
        if not first:
            return None
        parts = {self._part[index] for index in first}
        last = {index: math.dist(end, self._middle[index]) for index in self._cells_seen(end)}
        last = {index: rest for index, rest in last.items() if self._part[index] in parts}
        goal = end
        if not last:
            nearest = min(
                (index for index in range(len(self._part)) if self._part[index] in parts),
                key=lambda index: (math.dist(end, self._middle[index]), index),
            )
            goal = self._middle[nearest]
            last = {nearest: 0.0}
        cells = self._cheapest(first, last, goal)
        return [begin, *(self._middle[index] for index in cells), *([] if goal is not end else [end])]

    def _cheapest(self, first: dict[int, float], last: dict[int, float], goal: Point) -> list[int]:
        """A*: from any of `first` to any of `last`, with what each costs to get to and from."""
        cost = dict(first)
        before: dict[int, int] = {}
        heap = [(spent + math.dist(self._middle[index], goal), index) for index, spent in first.items()]
        heapq.heapify(heap)
        done: set[int] = set()
        best, best_cost = -1, math.inf
        while heap:
            bound, index = heapq.heappop(heap)
            if bound >= best_cost:
                break
            if index in done:
                continue
            done.add(index)
            spent = cost[index]
            if index in last and spent + last[index] < best_cost:
                best, best_cost = index, spent + last[index]
            for neighbour, length in self._steps_from(index):
                total = spent + length
                if total < cost.get(neighbour, math.inf):
                    cost[neighbour] = total
                    before[neighbour] = index
                    heapq.heappush(heap, (total + math.dist(self._middle[neighbour], goal), neighbour))
        way = [best]
        while way[-1] in before:
            way.append(before[way[-1]])
        return way[::-1]

    def _taut(self, points: list[Point]) -> list[Point]:
        """The same way with corners left out wherever the straight line is clear, from both ends."""
        for _ in range(2):
            kept = [points[0]]
            for index in range(1, len(points) - 1):
                if not self._obstacles.clear(kept[-1], points[index + 1]):
                    kept.append(points[index])
            points = [*kept, points[-1]][::-1]
        return points

    def _cells_seen(self, point: Point) -> list[int]:
        """Free cells nearby whose middles the point has a clear line to."""
        columns, rows = self._obstacles.columns, self._obstacles.rows
        row, column = divmod(self._obstacles.cell_of(point), columns)
        nearby = (
            beside * columns + along
            for beside in range(max(row - 2, 0), min(row + 2, rows - 1) + 1)
            for along in range(max(column - 2, 0), min(column + 2, columns - 1) + 1)
        )
        return [
            index
            for index in nearby
            if self._free[index] and self._obstacles.clear(point, self._middle[index])
        ]

    def _steps_from(self, index: int) -> tuple[tuple[int, float], ...]:
        """The neighbours that one can go to from a cell, with the length of the step. Kept once found."""
        known = self._steps.get(index)
        if known is not None:
            return known
        columns, rows = self._obstacles.columns, self._obstacles.rows
        row, column = divmod(index, columns)
        here = self._middle[index]
        rects = self._obstacles.near(index)
        steps = []
        for right, down in _AROUND:
            if 0 <= column + right < columns and 0 <= row + down < rows:
                neighbour = index + down * columns + right
                there = self._middle[neighbour]
                if self._free[neighbour] and all(share_before(here, there, rect) is None for rect in rects):
                    steps.append((neighbour, math.dist(here, there)))
        self._steps[index] = tuple(steps)
        return self._steps[index]

    @cached_property
    def _part(self) -> list[int]:
        """For each cell the part of the room that it belongs to; parts are cut off from one another.

        Found when the first way around something is looked for: a room starts without it.
        """
        part = [-1] * len(self._free)
        for seed in range(len(part)):
            if part[seed] >= 0 or not self._free[seed]:
                continue
            part[seed] = seed
            todo = [seed]
            while todo:
                for neighbour, _ in self._steps_from(todo.pop()):
                    if part[neighbour] < 0:
                        part[neighbour] = seed
                        todo.append(neighbour)
        return part


GEOGRAPHIES: dict[str, Callable[[MapRoom], Geography]] = {
    OpenGeography.name: OpenGeography,
    GridGeography.name: GridGeography,
}
"""By the name that a map gives. A game may add its own."""


def geography_for(room: MapRoom) -> Geography:
    """The geography that the room names. Raises MapError, listing those that there are."""
    make = GEOGRAPHIES.get(room.geography)
    if make is None:
        problem = f"no geography {room.geography!r}; there are: {listed(list(GEOGRAPHIES))}"
        raise MapError(_file(room), room.id, ("rooms", room.id, "geography"), problem)
    return make(room)


def _options(room: MapRoom) -> tuple[float, float]:
    """Cell and clearance."""
    least = 1.0
    while math.ceil(room.width / least) * math.ceil(room.height / least) > MAX_CELLS:
        least *= 1.05
    options = room.info.get("grid", {})
    place = ("rooms", room.id, "info", "grid")
    if not isinstance(options, dict) or not options.keys() <= {"cell", "clearance"}:
        raise MapError(_file(room), room.id, place, "must be an object with cell and clearance, or left out")
    cell = options.get("cell", max(10.0, least))
    most = max(room.width, room.height, 10.0)
    if not _is_number(cell) or not least <= cell <= most:
        problem = f"must be a number from {math.ceil(least)} to {most:g}, not {cell!r}"
        raise MapError(_file(room), room.id, (*place, "cell"), problem)
    clearance = options.get("clearance", min(5.0, cell / 2))
    if not _is_number(clearance) or not 0.5 <= clearance <= 100:
        problem = f"must be a number from 0.5 to 100, not {clearance!r}"
        raise MapError(_file(room), room.id, (*place, "clearance"), problem)
    return float(cell), float(clearance)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _file(room: MapRoom) -> str:
    return f"maps/{room.id.partition('.')[0]}.json"


def _grown(thing: MapObject, margin: float) -> Rect:
    right, bottom = thing.x + thing.width, thing.y + thing.height
    return thing.x - margin, thing.y - margin, right + margin, bottom + margin


def _without_repeats(points: Iterable[Point]) -> list[Point]:
    kept: list[Point] = []
    for point in points:
        if not kept or point != kept[-1]:
            kept.append(point)
    return kept

"""What is in the way in a room: rectangles, found quickly by the square cells that they lie over.

World units. Places are closed: one may stand on an obstacle's edge, not inside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from roomfleet.wire.motion import Point

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_SLACK = 1e-6
"""So much may a line graze the edge of an obstacle: rounding, not room to pass."""


class Obstacles:
    """The rectangles in a room of `width` by `height`, and the cells of side `cell` that cover it."""

    def __init__(self, width: float, height: float, cell: float, rects: Sequence[Rect]) -> None:
        self.width = width
        self.height = height
        self.cell = cell
        self.columns = max(1, math.ceil(width / cell))
        self.rows = max(1, math.ceil(height / cell))
        self._near: dict[int, list[Rect]] = {}
        for rect in rects:
            for index in self._cells_over(rect):
                self._near.setdefault(index, []).append(rect)
        self._xs = sorted({0.0, width, *(edge for rect in rects for edge in (rect[0], rect[2]))})
        self._ys = sorted({0.0, height, *(edge for rect in rects for edge in (rect[1], rect[3]))})

    def near(self, index: int) -> Sequence[Rect]:
        """The rectangles that touch a cell or one of those around it."""
        return self._near.get(index, ())

    def cell_of(self, point: Point) -> int:
        """The cell that a point of the room is in: row by row, from the top left corner."""
        column = min(int(point[0] / self.cell), self.columns - 1)
        row = min(int(point[1] / self.cell), self.rows - 1)
        return row * self.columns + column

    def middle(self, index: int) -> Point:
        """The middle of a cell, or the nearest point in the room where the cell juts out of it."""
        row, column = divmod(index, self.columns)
        return min((column + 0.5) * self.cell, self.width), min((row + 0.5) * self.cell, self.height)

    def is_free(self, point: Point) -> bool:
        """Whether one can stand there: inside the room and in no obstacle."""
        x, y = point
        if not (0 <= x <= self.width and 0 <= y <= self.height):
            return False
        return not any(
            left + _SLACK < x < right - _SLACK and top + _SLACK < y < bottom - _SLACK
            for left, top, right, bottom in self.near(self.cell_of(point))
        )

    def nearest_free(self, point: Point) -> Point | None:
        """The free place nearest to a point of the room; None when all of the room is covered.

        Exact: such a place shares each of its coordinates with the point or with an edge.
        """
        if self.is_free(point):
            return point
        x0, y0 = point
        best: Point | None = None
        bound = math.inf
        ys = sorted((y0, *self._ys), key=lambda y: abs(y - y0))
        for x in sorted((x0, *self._xs), key=lambda x: abs(x - x0)):
            if abs(x - x0) >= bound:
                break
            for y in ys:
                distance = math.hypot(x - x0, y - y0)
                if distance >= bound:
                    break
                if self.is_free((x, y)):
                    best, bound = (x, y), distance
        return best

    def clear(self, start: Point, end: Point) -> bool:
        """Whether the straight line between two points of the room goes through no obstacle."""
        return all(
            share_before(start, end, rect) is None
            for index in self._cells_along(start, end)
            for rect in self.near(index)
        )

    def as_far(self, start: Point, end: Point) -> Point:
        """The last point of the straight line before anything is in the way."""
        shares = [
            share
            for index in self._cells_along(start, end)
            for rect in self.near(index)
            if (share := share_before(start, end, rect)) is not None
        ]
        return _between(start, end, min(shares, default=1.0))

    def _cells_over(self, rect: Rect) -> Iterator[int]:
        """The cells that a rectangle touches, and those around them."""
        left, top, right, bottom = (math.floor(edge / self.cell) for edge in rect)
        for row in range(max(top - 1, 0), min(bottom + 1, self.rows - 1) + 1):
            for column in range(max(left - 1, 0), min(right + 1, self.columns - 1) + 1):
                yield row * self.columns + column

    def _cells_along(self, start: Point, end: Point) -> Iterator[int]:
        """Cells on a straight line, none further than one from the next: `near` covers those between."""
        steps = max(1, math.ceil(math.dist(start, end) / self.cell))
        for step in range(steps + 1):
            yield self.cell_of(_between(start, end, step / steps))


def share_before(start: Point, end: Point, rect: Rect) -> float | None:
    """How much of the line lies before the rectangle's inside; None when it does not enter it.

    Liang and Barsky, "A New Concept and Method for Line Clipping", 1984.
    """
    enter, leave = 0.0, 1.0
    for axis in (0, 1):
        low, high = rect[axis] + _SLACK, rect[axis + 2] - _SLACK
        here, way = start[axis], end[axis] - start[axis]
        if way == 0:
            if not low < here < high:
                return None
            continue
        near, far = (low - here) / way, (high - here) / way
        enter, leave = max(enter, min(near, far)), min(leave, max(near, far))
        if enter >= leave:
            return None
    return enter


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share

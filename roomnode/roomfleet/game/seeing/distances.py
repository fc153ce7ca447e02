"""How far each viewer of a room sees: those who see all, and a ring for each radius that others have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from roomfleet.game.seeing.crossings import Calendar
from roomfleet.game.seeing.nearness import Pair, Ring, Told
from roomfleet.game.seeing.sight import root_of, tree_of
from roomfleet.game.seeing.vision import Everything, Radius, Vision

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.scripting.steps import Steps


class Distances:
    """The rings of a room in which not everybody sees all. False when nobody is left for whom it matters."""

    __slots__ = ("_calendar", "_far_sighted", "_ring_of", "_rings", "_roots", "_steps", "_told", "_viewers")

    def __init__(self, steps: Steps, told: Told, viewers: Mapping[str, Actor]) -> None:
        self._steps = steps
        self._told = told
        self._viewers = viewers
        self._calendar = Calendar(steps)
        self._rings: dict[Radius, Ring] = {}
        self._ring_of: dict[str, Radius] = {}
        self._far_sighted: dict[str, None] = dict.fromkeys(viewers)
        """Viewers who see all."""

    def __bool__(self) -> bool:
        return bool(self._ring_of)

    # -- viewers -----------------------------------------------------------------------------------------

    def put(self, viewer: str, vision: Vision, actors: Iterable[Actor]) -> None:
        """The viewer sees so far from now on. `actors` are those of the room."""
        self.take(viewer)
        if isinstance(vision, Everything):
            self._far_sighted[viewer] = None
            return
        ring = self._rings.get(vision)
        if ring is None:
            ring = self._rings[vision] = Ring(vision, self._steps, self._calendar, self._told)
            for actor in actors:
                if actor._shown and actor._parent is None:
                    ring.add(actor)
        self._ring_of[viewer] = vision
        ring.open_eye(root_of(self._viewers[viewer]), viewer)

    def take(self, viewer: str) -> None:
        """The viewer sees nothing any more."""
        self._far_sighted.pop(viewer, None)
        radius = self._ring_of.pop(viewer, None)
        if radius is not None:
            ring = self._rings[radius]
            ring.close_eye(root_of(self._viewers[viewer]), viewer)
            if not ring:
                ring.end()
                del self._rings[radius]

    def end(self) -> None:
        """Nothing is due any more."""
        for ring in self._rings.values():
            ring.end()

    # -- who sees whom -----------------------------------------------------------------------------------

    def seers(self, root: Actor) -> list[str]:
        """The viewers who see that far."""
        seers = list(self._far_sighted)
        for ring in self._rings.values():
            seers.extend(ring.audience(root))
        return seers

    def sees(self, viewer: str, root: Actor) -> bool:
        """Whether that viewer sees as far as there; it is not of the same body."""
        radius = self._ring_of.get(viewer)
        if radius is None:
            return True
        return self._rings[radius].is_near(root_of(self._viewers[viewer]), root)

    def seen_by(self, viewer: str) -> Iterator[Actor]:
        """The roots that a viewer sees, but for its own; none for one who sees all."""
        radius = self._ring_of.get(viewer)
        if radius is not None:
            yield from self._rings[radius].near(root_of(self._viewers[viewer]))

    # -- actors ------------------------------------------------------------------------------------------

    def add(self, root: Actor) -> None:
        """A root has come in."""
        for ring in self._rings.values():
            ring.add(root)

    def remove(self, root: Actor) -> None:
        """A root goes out of the room."""
        for ring in self._rings.values():
            ring.remove(root)

    def turned(self, root: Actor) -> None:
        """It has another course from where it is."""
        for ring in self._rings.values():
            ring.turned(root)

    def jump(self, root: Actor) -> Callable[[], None]:
        """It is elsewhere. Tells of the partings at once; of the meetings when what it gives is called."""
        met: list[tuple[Ring, list[Pair]]] = [(ring, ring.jump(root)) for ring in self._rings.values()]

        def meet() -> None:
            for ring, pairs in met:
                ring.meet(pairs)

        return meet

    def docked(self, actor: Actor, onto: Actor) -> None:
        """`actor`, which was a root, is part of the root `onto` now. Nobody is told."""
        for radius, ring in self._rings.items():
            ring.merge(actor, onto, self._riders(actor, radius))

    def undocked(self, actor: Actor, from_root: Actor) -> None:
        """`actor` is a root now and was part of `from_root`. Nobody is told."""
        for radius, ring in self._rings.items():
            ring.split(actor, from_root, self._riders(actor, radius))

    def settle(self) -> None:
        """See who came near whom by the courses that were taken since the last time."""
        for ring in self._rings.values():
            ring.settle()

    def _riders(self, actor: Actor, radius: Radius) -> list[str]:
        players = [each._player for each in tree_of(actor)]
        return [each for each in players if each is not None and self._ring_of.get(each) == radius]

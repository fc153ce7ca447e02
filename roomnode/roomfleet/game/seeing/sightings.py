"""Which of a room's viewers see which actors: docking and invisible actors (`sight`) and how far they see
(`distances`) put together. There while anybody watches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from roomfleet.game.seeing.distances import Distances
from roomfleet.game.seeing.sight import is_open, may_see, root_of, tree_of
from roomfleet.game.seeing.view import Audience
from roomfleet.game.seeing.vision import ALL

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.population import Population
    from roomfleet.game.scripting.steps import Steps
    from roomfleet.game.seeing.nearness import Told
    from roomfleet.game.seeing.vision import Vision

Seen = dict[str, frozenset[str] | None]
"""By actor the players who see it; None is everybody."""


class Sightings:
    """The viewers of one room, and what is within their sight."""

    __slots__ = ("_actors", "_steps", "_told", "admins", "distances", "viewers")

    def __init__(self, steps: Steps, actors: Population, told: Told) -> None:
        """`told` hears of bodies that come near each other, or part, by their motion."""
        self._steps = steps
        self._actors = actors
        self._told = told
        self.viewers: dict[str, Actor] = {}
        """Players who watch, with their actors."""
        self.admins: tuple[str, ...] = ()
        self.distances: Distances | None = None
        """There while somebody does not see the whole room."""

    def __bool__(self) -> bool:
        """Whether anybody watches."""
        return bool(self.viewers or self.admins)

    def __contains__(self, viewer: str) -> bool:
        return viewer in self.viewers or viewer in self.admins

    # -- viewers -----------------------------------------------------------------------------------------

    def add(self, viewer: str, actor: Actor, vision: Vision) -> None:
        """A player watches."""
        self.viewers[viewer] = actor
        self.place(viewer, vision)

    def place(self, viewer: str, vision: Vision) -> None:
        """The player sees so far from now on; nobody is told."""
        if self.distances is None:
            if vision is ALL:
                return
            self.distances = Distances(self._steps, self._told, self.viewers)
        self.distances.put(viewer, vision, self._actors)
        self._tidy()

    def remove(self, viewer: str) -> None:
        """The viewer does not watch any more."""
        if viewer in self.viewers:
            if self.distances is not None:
                self.distances.take(viewer)
            del self.viewers[viewer]
        self.admins = tuple(each for each in self.admins if each != viewer)
        self._tidy()

    def _tidy(self) -> None:
        if self.distances is not None and not self.distances:
            self.distances.end()
            self.distances = None

    # -- who sees whom -----------------------------------------------------------------------------------

    def seers(self, actor: Actor) -> Iterable[str] | None:
        """The players who see it; None is all."""
        if is_open(actor):
            return None if self.distances is None else self.distances.seers(root_of(actor))
        riders = [each for each in tree_of(root_of(actor)) if each._player in self.viewers]
        return [str(each._player) for each in riders if may_see(each, actor)]

    def audience(self, actor: Actor) -> Audience:
        """Those who are told of what everybody who sees it may know; None is everybody."""
        if self.distances is None and is_open(actor):
            return None
        return (*(self.seers(actor) or ()), *self.admins)

    def sees(self, viewer: str, actor: Actor) -> bool:
        """Whether that player sees that actor."""
        mine = self.viewers[viewer]
        if not actor._shown or not may_see(mine, actor):
            return False
        root = root_of(actor)
        return self.distances is None or root is root_of(mine) or self.distances.sees(viewer, root)

    def seen_of(self, actors: dict[str, Actor], riders: Iterable[str] = ()) -> Seen:
        """Of `actors` all who see them; of others those of the riders who see so far and no farther."""
        seen: Seen = {}
        for actor_id, actor in actors.items():
            if actor._shown:
                seers = self.seers(actor)
                seen[actor_id] = None if seers is None else frozenset(seers)
        if self.distances is not None:
            others: dict[str, set[str]] = {}
            for viewer in riders:
                for root in self.distances.seen_by(viewer):
                    for each in tree_of(root):
                        if each._id not in actors and is_open(each):
                            others.setdefault(each._id, set()).add(viewer)
            seen.update((actor_id, frozenset(seers)) for actor_id, seers in others.items())
        return seen

    def difference(self, before: Seen, after: Seen) -> tuple[dict[str, frozenset[str]], ...]:
        """By actor who sees it now and did not before, and who did and does not now."""
        everybody = frozenset(self.viewers)
        nobody: frozenset[str] = frozenset()
        gained: dict[str, frozenset[str]] = {}
        lost: dict[str, frozenset[str]] = {}
        for actor_id in {**before, **after}:
            was, now = before.get(actor_id, nobody), after.get(actor_id, nobody)
            if was is not now:
                was, now = everybody if was is None else was, everybody if now is None else now
                if now - was:
                    gained[actor_id] = now - was
                if was - now:
                    lost[actor_id] = was - now
        return gained, lost

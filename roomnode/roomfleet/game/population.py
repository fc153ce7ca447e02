"""The actors of a live room: their coming and going, and all that is done to them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from roomfleet.game.actor import Actor, Player
from roomfleet.game.errors import ActorError
from roomfleet.game.moving.moves import Move, point_of
from roomfleet.game.outbox import Change, ChangeKind
from roomfleet.game.saving.saved import body_of, make_actor
from roomfleet.game.seeing.sight import root_of
from roomfleet.game.seeing.watching import ABSENT
from roomfleet.game.state.plain import text
from roomfleet.wire.motion import Path, Point, timed_path

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom
    from roomfleet.game.scripting.script import Wait

A = TypeVar("A", bound=Actor)


class Population:
    """Actors by id, in the order in which they came."""

    __slots__ = ("_by_id", "_live", "_next")

    def __init__(self, live: LiveRoom) -> None:
        self._live = live
        self._by_id: dict[str, Actor] = {}
        self._next = 0

    def __iter__(self) -> Iterator[Actor]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, actor_id: str) -> Actor | None:
        return self._by_id.get(actor_id)

    def body(self, actor: Actor, *, travelling: bool = False) -> dict[str, Any]:
        """As it is saved now."""
        return body_of(actor, self._live.now, travelling=travelling)

    # -- coming -------------------------------------------------------------------------------------------

    def spawn(self, cls: type[A], at: Any, name: str, state: Mapping[str, Any]) -> A:
        """A new actor; what its `created` raises is raised here, and then there is none."""
        if not (isinstance(cls, type) and issubclass(cls, Actor)) or issubclass(cls, Player):
            raise ActorError(f"spawn() takes a class derived from Actor, and no player's, not {cls!r}")
        live = self._live
        self._next += 1
        actor = make_actor(
            cls,
            f"{live.name}-{live.epoch}-{self._next}",
            text(name, f"{cls.__name__}.name") or cls.__name__,
            None,
            [[*self.spot(at), live.now]],
        )
        assert isinstance(actor, cls)
        actor.state._fill(state)
        actor.state._watch(actor)
        self.attach(actor)
        live.unsaved.created(actor.id)
        try:
            live.scripts.strict_hook(actor, "created")
        except BaseException:
            if actor._live is not None:
                self._take_out(actor)
            raise
        if actor._live is not None:
            self.show(actor)
            live.scripts.kickoff(actor)
        return actor

    def attach(self, actor: Actor) -> None:
        """It is in the room; nobody sees it yet."""
        if actor.id in self._by_id:
            raise ActorError(f"{actor.id} is in the room {self._live.name} already")
        self._by_id[actor.id] = actor
        actor._live = self._live
        if actor.player is not None:
            self._live.player_came(actor.player, actor)
        for name, timer in actor._timers.items():
            self._live.scripts.schedule(actor, name, timer)

    def show(self, actor: Actor) -> None:
        """From now on viewers know of it."""
        if not actor._shown:
            actor._shown = True
            self._live.scripts.gone.came(actor)
            self._live.view.shown(actor)

    def spot(self, at: Any) -> Point:
        """A free place: at a point, an actor, a tag or door, a tag of that name, or None: the entry."""
        live = self._live
        if at is None:
            group = live.room.tags["entry"]
            point = point_of(group.random()) if group else (live.map.width / 2, live.map.height / 2)
        elif isinstance(at, str):
            group = live.room.tags[at]
            if not group:
                there = ", ".join(live.room.tags.names) or "none"
                raise ActorError(f"{live.name} ({live.map.id}) has no tag {at!r}; there are: {there}")
            point = point_of(group.random())
        else:
            point = point_of(at)
        return live.geography.nearest_free(point)

    def arrive_at(self, actor: Actor, at: Any) -> None:
        """Put it at the spot where it arrives; at the entry when there is no such spot, which is told."""
        try:
            spot = self.spot(at)
        except ActorError as error:
            self._live.scripts.report(actor, f"{actor.type}.travel", error)
            spot = self.spot(None)
        self._put(actor, spot)

    # -- what scripts do to them --------------------------------------------------------------------------

    def rename(self, actor: Actor, name: str) -> None:
        if not isinstance(name, str):
            raise ActorError(f"{actor!r}: a name is a string, not {type(name).__name__}")
        name = text(name, f"{actor.type}.name")
        if name != actor._name:
            actor._name = name
            self._changed(actor, "name", name)

    def set_speed(self, actor: Actor, speed: float) -> None:
        """Walks under way go on at the new speed; at 0 they end here."""
        if speed == actor.speed:
            return
        live = self._live
        here = actor.position
        actor._speed = speed
        self._changed(actor, "speed", speed)
        if actor._parent is None and actor._path[-1][2] > live.now:
            ahead = [(x, y) for x, y, time in actor._path if time > live.now]
            self._set_path(actor, timed_path([here, *ahead], speed, live.now))
            if speed <= 0:
                self._end_move(actor, arrived=False)
            elif actor._move is not None:
                actor._move.retimed()

    def place(self, actor: Actor, at: Any) -> None:
        """There at once."""
        self._on_feet(actor, "be put somewhere")
        self._put(actor, self.spot(at))

    def _put(self, actor: Actor, spot: Point) -> None:
        if actor._parent is not None:
            self.undock(actor)
        self._end_move(actor)
        self._set_path(actor, [[*spot, self._live.now]], jump=True)

    def move(self, actor: Actor, target: Any) -> Move:
        return self._walk(actor, (target,))

    def follow(self, actor: Actor, targets: Any) -> Move:
        try:
            targets = tuple(targets)
        except TypeError:
            targets = ()
        if not targets:
            raise ActorError(f"{actor!r} cannot follow no points: give at least one")
        return self._walk(actor, targets)

    def _walk(self, actor: Actor, targets: tuple[Any, ...]) -> Move:
        live = self._live
        self._on_feet(actor, "walk")
        wanted = [point_of(target) for target in targets]
        live.journeys.drop(actor)  # who walks away from a door does not wait for it any more
        here = actor.position
        points = [here]
        short = False
        for each in wanted:
            points += live.geography.path(points[-1], each)[1:]
            short = short or _far(points[-1], each)
        goal = points[-1]
        self._end_move(actor)
        move = Move(actor, live.steps, goal, short=short)
        if actor.speed <= 0:
            move.resolve(not _far(here, goal))
            return move
        path = timed_path(points, actor.speed, live.now)
        if len(path) > 1 or actor._path[-1][2] > live.now:
            self._set_path(actor, path)
        if len(path) > 1:
            actor._move = move
        else:
            move.resolve(True)
        return move

    def stand(self, actor: Actor) -> None:
        self._end_move(actor)
        if actor._parent is None and actor._path[-1][2] > self._live.now:
            self._set_path(actor, [[*actor.position, self._live.now]])

    def dock(self, actor: Actor, parent: Actor) -> None:
        if not isinstance(parent, Actor) or parent._live is not self._live:
            raise ActorError(f"{actor!r} cannot dock to {parent!r}: that is not an actor in this room")
        above: Actor | None = parent
        while above is not None:
            if above is actor:
                raise ActorError(f"{actor!r} cannot dock to {parent!r}: that would be docked to itself")
            above = above._parent
        if actor._parent is parent:
            return
        self._end_move(actor)
        if actor._shown:
            self._show_with_parents(parent)
        live = self._live

        def dock() -> list[tuple[Actor, str, Any]]:
            if actor._parent is not None:
                self._unlink(actor)
            actor._path = [[*parent.position, live.now]]
            self._link(actor, parent)
            live.view.docked(actor, root_of(parent))
            return [(actor, "path", actor._path), (actor, "parent", parent._id)]

        live.unsaved.touch(actor._id)
        live.view.reshape((actor, parent), dock)

    def _show_with_parents(self, actor: Actor) -> None:
        """So that nobody hears of a parent that is not there yet."""
        if not actor._shown:
            if actor._parent is not None:
                self._show_with_parents(actor._parent)
            self.show(actor)

    def _link(self, actor: Actor, parent: Actor) -> None:
        actor._parent = parent
        parent._children.append(actor)

    def relink(self, actor: Actor, parent_id: str | None) -> None:
        """Dock as it was saved; when the parent is not here it stands on its own feet."""
        parent = self._by_id.get(parent_id) if parent_id is not None else None
        if parent is not None:
            self._link(actor, parent)

    def undock(self, actor: Actor) -> None:
        if actor._parent is None:
            return

        def undock() -> list[tuple[Actor, str, Any]]:
            self._unlink(actor)
            return [(actor, "path", actor._path), (actor, "parent", None)]

        self._live.unsaved.touch(actor._id)
        self._live.view.reshape((actor,), undock)

    def _unlink(self, actor: Actor) -> None:
        root, parent = root_of(actor), actor._parent
        assert parent is not None
        actor._path = [[*actor.position, self._live.now]]
        parent._children.remove(actor)
        actor._parent = None
        self._live.view.undocked(actor, root)

    def set_visible(self, actor: Actor, visible: bool) -> None:
        if actor._hidden is not visible:
            return

        def change() -> list[tuple[Actor, str, Any]]:
            actor._hidden = not visible
            return [(actor, "visible", ABSENT if visible else False)]

        self._live.unsaved.touch(actor._id)
        self._live.view.reshape((actor,), change)

    def set_distance(self, actor: Player, distance: float | None) -> None:
        """How far its player sees."""

        def change() -> None:
            actor._distance = distance
            actor._distance_set = True

        self._live.unsaved.touch(actor._id)
        self._live.view.refocus(change, actor.player)

    # -- going --------------------------------------------------------------------------------------------

    def remove(self, actor: Actor) -> None:
        if actor.player is not None:
            raise ActorError(
                f"{actor!r} is a player's actor and cannot be removed; kick(reason) ends the session"
            )
        self._take_out(actor)
        if not actor.transient:
            self._live.unsaved.departed(Change(ChangeKind.DELETE, actor.id, {}))

    def away(self, actor: Actor, why: str) -> None:
        """A player's actor whose session ended."""
        here = [[*actor.position, self._live.now]]
        self._take_out(actor, why)
        body = {**self.body(actor), "path": here}
        self._live.unsaved.departed(Change(ChangeKind.AWAY, actor.id, body))

    def _take_out(self, actor: Actor, why: str = "removed") -> None:
        self._live.journeys.drop(actor)
        for child in actor.children:
            self.undock(child)
        self.vanish(
            actor, why
        )  # while it is docked: else those who do not see its parent see it for a moment
        self.undock(actor)
        self.detach(actor, why)

    def detach(self, actor: Actor, why: str, wait: Wait[Any] | None = None) -> None:
        """Out of the live room: its scripts end, those that await `wait` as if they had returned."""
        live = self._live
        self._end_move(actor)
        live.scripts.close_all(actor, wait)
        del self._by_id[actor.id]
        self.vanish(actor, why)
        actor._live = None
        if actor.player is not None:
            live.player_went(actor.player)

    def vanish(self, actor: Actor, why: str) -> None:
        """From now on viewers know of it no more."""
        if actor._shown:
            self._live.scripts.gone.add(actor, self._live.view.seers(actor))
            self._live.view.gone(actor, why)
        actor._shown = False

    # -- common -------------------------------------------------------------------------------------------

    def _on_feet(self, actor: Actor, what: str) -> None:
        if actor._parent is not None:
            raise ActorError(f"{actor!r} is docked to {actor._parent!r} and cannot {what}: undock it first")

    def _end_move(self, actor: Actor, *, arrived: bool = True) -> None:
        move, actor._move = actor._move, None
        if move is not None:
            if arrived:
                move.end()
            else:
                move.resolve(False)

    def _set_path(self, actor: Actor, path: Path, *, jump: bool = False) -> None:
        """A new course from where it is, or (`jump`) from elsewhere; it is not docked."""
        actor._path = path
        self._live.unsaved.touch(actor._id)
        self._live.view.course(actor, jump=jump)

    def _changed(self, actor: Actor, field: str, value: Any) -> None:
        self._live.unsaved.touch(actor._id)
        self._live.view.field(actor, field, value)


def _far(one: Point, other: Point) -> bool:
    return any(abs(a - b) > 1e-6 for a, b in itertools.zip_longest(one, other))

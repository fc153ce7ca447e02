"""Actors: what lives in a room. A game's author derives from Actor, and from Player for players' actors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from roomfleet.game.errors import ActorError
from roomfleet.game.maps.instancekeys import checked, key_for
from roomfleet.game.moving.journeys import Journey
from roomfleet.game.moving.moves import Goal, Move
from roomfleet.game.scripting.script import Wait
from roomfleet.game.scripting.scripted import Scripted
from roomfleet.game.seeing.vision import checked_distance
from roomfleet.wire.motion import Path, Point, position_at

if TYPE_CHECKING:
    from roomfleet.game.maps.maps import Door
    from roomfleet.game.room import Room

_OWN = ("id", "name", "type", "room", "player", "path", "position", "parent", "children", "state")


class _Speed:
    """`speed = 40` in a class's body is the default of its actors; set on an actor, it is told and saved."""

    def __get__(self, actor: Actor | None, cls: type[Actor]) -> float:
        if actor is None or actor._speed is None:
            return cls._class_speed
        return actor._speed

    def __set__(self, actor: Actor, value: float) -> None:
        actor._set_speed(_checked_speed(type(actor).__name__, value))


def _checked_speed(who: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ActorError(f"{who}.speed: {value!r} is not a number of world units a second, 0 or more")
    return float(value)


class _Visible:
    """`visible = False` in a class's body is the default of its actors; set on an actor, it is told and
    saved."""

    def __get__(self, actor: Actor | None, cls: type[Actor]) -> bool:
        return not (cls._class_hidden if actor is None else actor._hidden)

    def __set__(self, actor: Actor, value: bool) -> None:
        actor._set_visible(_checked_visible(type(actor).__name__, value))


def _checked_visible(who: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ActorError(f"{who}.visible: {value!r} is neither True nor False")
    return value


class _VisionDistance:
    """`vision_distance = 150` in a class's body is how far its players see; set on an actor, it is saved."""

    def __get__(self, actor: Player | None, cls: type[Player]) -> float | None:
        return cls._class_distance if actor is None or not actor._distance_set else actor._distance

    def __set__(self, actor: Player, value: float | None) -> None:
        actor._set_distance(checked_distance(value, f"{type(actor).__name__}.vision_distance"))


class Actor(Scripted):
    """Something that lives in a room: it has a place, a speed, state and scripts.

    Override: `define()` for its state, `created()` once in its life, `kickoff()` for its life: that is run
    from the top whenever the room starts or the actor arrives in it.
    """

    __slots__ = (
        "_children",
        "_hidden",
        "_id",
        "_move",
        "_name",
        "_parent",
        "_path",
        "_player",
        "_shown",
        "_speed",
    )

    _class_speed: ClassVar[float] = 100.0
    transient: ClassVar[bool] = False
    """Actors of the class are never saved: they are gone when the room stops."""

    speed: float = _Speed()  # type: ignore[assignment]
    """World units a second. At 0 it cannot walk."""

    _class_hidden: ClassVar[bool] = False
    visible: bool = _Visible()  # type: ignore[assignment]
    """An invisible actor is seen by its own player, by the player whose actor it is docked to, by those
    docked to it, and by admins. What is docked to it is seen by nobody else, either."""

    _id: str
    _name: str
    _player: str | None
    _speed: float | None
    _path: Path
    _move: Move | None
    _parent: Actor | None
    _children: list[Actor]
    _shown: bool
    """It is in a room, and viewers may know of it."""
    _hidden: bool

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "speed" in cls.__dict__:
            cls._class_speed = _checked_speed(cls.__name__, cls.__dict__["speed"])
            del cls.speed
        if "visible" in cls.__dict__:
            cls._class_hidden = not _checked_visible(cls.__name__, cls.__dict__["visible"])
            del cls.visible
        for name in _OWN:
            if name in cls.__dict__ and cls.__module__ != __name__:
                raise ActorError(
                    f"{cls.__name__}.{name}: every actor has its own `{name}`; choose another name"
                )

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Unique in the game, for good."""
        return self._id

    @property
    def type(self) -> str:
        """The name of its class."""
        return type(self).__name__

    @property
    def player(self) -> str | None:
        """The player whose actor it is, or None."""
        return self._player

    @property
    def name(self) -> str:
        """What it is called; for people."""
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._in_room().actors.rename(self, value)

    @property
    def room(self) -> Room:
        """The room that it is in. Raises ActorError when it is in none any more."""
        return self._in_room().room

    def _set_speed(self, speed: float) -> None:
        self._in_room().actors.set_speed(self, speed)

    def _set_visible(self, visible: bool) -> None:
        self._in_room().actors.set_visible(self, visible)

    # -- where it is --------------------------------------------------------------------------------------

    @property
    def position(self) -> Point:
        """Where it is now, `(x, y)`; of a docked actor where its parent is.

        Setting it puts the actor there at once, or at the nearest free place; a walk under way ends.
        """
        if self._parent is not None:
            return self._parent.position
        return position_at(self._path, self._live.now if self._live is not None else self._path[-1][2])

    @position.setter
    def position(self, value: Any) -> None:
        self._in_room().actors.place(self, value)

    @property
    def path(self) -> Path:
        """Its timed vectors `[[x, y, t], …]`, a copy."""
        return [list(each) for each in self._path]

    @property
    def parent(self) -> Actor | None:
        """The actor that it is docked to."""
        return self._parent

    @property
    def children(self) -> list[Actor]:
        """The actors docked to it."""
        return list(self._children)

    def move_to(self, target: Goal) -> Move:
        """Walk to a point, an actor (where it is now), a tag or a door; it starts at once.

        Awaited it gives True on arrival, False when something else was begun before. The way ends at the
        nearest place that can be reached: `short` on the result says that this is not the target itself.
        Raises ActorError for a docked actor.
        """
        return self._in_room().actors.move(self, target)

    def follow(self, points: Sequence[Goal]) -> Move:
        """Walk from one of these to the next without a halt: `move_to` of several targets.

        Clients are told the whole way at once. `short` on the result says that one of them cannot be
        reached; the way leads past it as near as it can. Raises ActorError, for no points too.
        """
        return self._in_room().actors.follow(self, points)

    def stop(self) -> None:
        """Stand still. A walk under way ends with False."""
        self._in_room().actors.stand(self)

    def dock(self, parent: Actor) -> None:
        """Go where the parent goes from now on, through doors too. Raises ActorError."""
        self._in_room().actors.dock(self, parent)

    def undock(self) -> None:
        """Stand where the parent is now, on one's own feet. Does nothing for one that is not docked."""
        self._in_room().actors.undock(self)

    # -- going away ---------------------------------------------------------------------------------------

    def travel(self, room: str, at: Any = None, wake: bool = False, key: str | None = None) -> Journey:
        """Go to another Room object of the game, with all that is docked to it.

        With a `key`, `room` is an InstancedRoom and this goes to its instance for that key, which is made if
        there is none; TravelRefused is raised when there can be none.

        `at` is a tag there or `(x, y)`; None is its entry. A player gets a seat there first and lives on
        here meanwhile; TravelRefused is raised when there is none. Others go at once; `wake` starts a
        sleeping room, else they wait for it to start. It leaves when the present step of its script ends;
        of its scripts nothing runs here after that, so nothing after an `await` of this either.
        """
        key = None if key is None else checked(key, self)
        return self._in_room().journeys.begin(self, room, at, door="", wake=wake, key=key)

    def enter(self, door: str | Door, wake: bool = False) -> Journey:
        """Go through a door of this room: `travel` to where it leads. It does not walk there first."""
        live = self._in_room()
        found = live.room.doors[door] if isinstance(door, str) else door
        way = found.exit
        key = key_for(way.key, self, live.name) if way.key else None
        return live.journeys.begin(self, way.room, way.at, door=found.name, wake=wake, key=key)

    def remove(self) -> None:
        """Take it out of the game for good. What is docked to it stays where it is.

        Raises ActorError for a player's actor.
        """
        self._in_room().actors.remove(self)

    # -- its life -----------------------------------------------------------------------------------------

    def created(self) -> Any:
        """Called once in its life, when it is made. What it does before its first await is saved with it."""

    def kickoff(self) -> Any:
        """Its life: run from the top whenever the room starts or the actor arrives. Plain or async."""

    def restart(self) -> None:
        """Begin `kickoff` again from the top; the one under way ends at its present await."""
        self._in_room().scripts.restart_kickoff(self)

    def ask(self, name: str, /, **args: Any) -> Wait[Any]:
        """Call a `@request` of this actor: `await other.ask("trade", other=self, item="axe")`.

        It starts at once. A plain one has been answered when this returns, and what it did is saved with
        what the asker does in the same step and right after the await. Awaited it gives the answer;
        raises Refused or an InventoryError as the request does, NoSuchMethod or BadArguments here,
        RequestFailed.
        """
        return self._in_room().scripts.ask(self, name, args)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id} {self._name!r}>"

    @property
    def _key(self) -> str:
        return self._id

    def _who(self) -> str:
        return f"{type(self).__name__} {self._id}"


class Player(Actor):
    """A player's actor: one in a game, kept for good."""

    __slots__ = ("_distance", "_distance_set")

    _class_distance: ClassVar[float | None] = None
    vision_distance: float | None = _VisionDistance()  # type: ignore[assignment]
    """How far its player sees, world units, whatever the room's `vision` is: infinity for all, None (as
    without it) for what the room says."""

    _distance: float | None
    _distance_set: bool

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "vision_distance" in cls.__dict__:
            value = cls.__dict__["vision_distance"]
            cls._class_distance = checked_distance(value, f"{cls.__name__}.vision_distance")
            del cls.vision_distance

    def _set_distance(self, distance: float | None) -> None:
        self._in_room().actors.set_distance(self, distance)

    @property
    def player(self) -> str:
        """The player's name."""
        assert self._player is not None
        return self._player

    def event(self, name: str, **data: Any) -> None:
        """Tell the player's client that something happened. Nothing of it is kept."""
        self.room.event(name, data, to=self)

    def kick(self, reason: str) -> None:
        """Put the player out of the room; the actor is kept."""
        self._in_room().telling.kick(self, reason)

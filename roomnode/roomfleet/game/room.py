"""Rooms: what a game's author derives from."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from roomfleet.game.actor import Actor, Player
from roomfleet.game.errors import ActorError
from roomfleet.game.maps.maps import MapObject, MapRoom
from roomfleet.game.maps.tags import Doors, Tags
from roomfleet.game.scripting.scripted import Scripted
from roomfleet.game.seeing.vision import ALL, Vision, checked_vision

if TYPE_CHECKING:
    pass

A = TypeVar("A", bound=Actor)


_OWN = (
    "name",
    "now",
    "random",
    "map",
    "width",
    "height",
    "tags",
    "doors",
    "objects",
    "actors",
    "players",
    "state",
)


class _Vision:
    """`vision = Radius(300)` in a class's body is the default of its rooms; set on a room, it is saved."""

    def __get__(self, room: Room | None, cls: type[Room]) -> Vision:
        if room is not None and room._live is not None:
            return room._live.vision
        return cls._class_vision or ALL

    def __set__(self, room: Room, value: Vision) -> None:
        room._in_room().set_vision(checked_vision(value, f"{type(room).__name__}.vision"))


class Room(Scripted):
    """A room: its state, its actors, its map.

    Override: `define()` for its state, `created()` once in its life, `joined(player)` and `left(player)`;
    all but `define` plain or async.
    """

    __slots__ = ()

    player_class: ClassVar[type[Player]] = Player
    """What a player who is new to the game becomes here."""

    _class_vision: ClassVar[Vision | None] = None
    vision: Vision = _Vision()  # type: ignore[assignment]
    """How far players see: `ALL` actors of the room, or `Radius(distance)` around their own. A class that
    says nothing leaves it to the map's `vision`, a radius; where that says nothing, too, it is ALL."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "vision" in cls.__dict__:
            cls._class_vision = checked_vision(cls.__dict__["vision"], f"{cls.__name__}.vision")
            del cls.vision
        for name in _OWN:
            if name in cls.__dict__:
                raise ActorError(
                    f"{cls.__name__}.{name}: every room has its own `{name}`; choose another name"
                )
        if not (isinstance(cls.player_class, type) and issubclass(cls.player_class, Player)):
            raise ActorError(
                f"{cls.__name__}.player_class: {cls.player_class!r} is not a class derived from Player"
            )

    # -- hooks --------------------------------------------------------------------------------------------

    def created(self) -> Any:
        """Called once in the room's life, at its first start: make its actors. What it does before its first
        await is saved together with the record that it ran; if it raises there, the room does not start."""

    def joined(self, player: Player) -> Any:
        """A player's actor has come in: from a join, or through a door."""

    def left(self, player: Player) -> Any:
        """A player leaves: the session ended, or the actor goes to another room. It is still here until the
        first await."""

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The Room object's name."""
        return self._in_room().name

    @property
    def now(self) -> float:
        """Room time, s: it stands still while the room is asleep and never falls."""
        return self._in_room().now

    @property
    def random(self) -> random.Random:
        """The room's own: seeded, so that a run can be repeated."""
        return self._in_room().random

    @property
    def map(self) -> MapRoom:
        """The map's room."""
        return self._in_room().map

    @property
    def width(self) -> float:
        """World units."""
        return self.map.width

    @property
    def height(self) -> float:
        """World units."""
        return self.map.height

    @property
    def tags(self) -> Tags:
        """Named spots: `room.tags["beat"].random()`."""
        live = self._in_room()
        return Tags(live.map.tags, lambda: live.random)

    @property
    def doors(self) -> Doors:
        """Doors by name or place: `room.doors["gate"]`."""
        return Doors(self.map.doors)

    @property
    def objects(self) -> list[MapObject]:
        """Fixed things of the map."""
        return list(self.map.objects)

    # -- who is in it -------------------------------------------------------------------------------------

    @property
    def actors(self) -> list[Actor]:
        """All actors, in the order in which they came."""
        return list(self._in_room().actors)

    @property
    def players(self) -> list[Player]:
        """The actors of players who are here."""
        return [each for each in self._in_room().actors if isinstance(each, Player)]

    def actor(self, actor_id: str) -> Actor | None:
        """The actor of that id, if it is here."""
        return self._in_room().actors.get(actor_id)

    def find(self, cls: type[A] = Actor, *, name: str | None = None, **state: Any) -> list[A]:  # type: ignore[assignment]
        """Actors of a class, with that name and these values in their state: `find(Guard, mood="calm")`."""
        return [
            each
            for each in self._in_room().actors
            if isinstance(each, cls)
            and (name is None or each.name == name)
            and all(field in each.state and getattr(each.state, field) == state[field] for field in state)
        ]

    def spawn(self, cls: type[A], at: Any = None, name: str = "", **state: Any) -> A:
        """A new actor, at a point, tag, door or actor, at a tag of that name, or at the entry.

        `state` gives values to fields that its `define()` has. Raises what its `created()` raises, and
        there is no actor then.
        """
        return self._in_room().actors.spawn(cls, at, name, state)

    # -- what it does -------------------------------------------------------------------------------------

    def event(
        self, name: str, data: dict[str, Any] | None = None, to: Actor | Iterable[Actor] | None = None
    ) -> None:
        """Tell the clients of all players here that something happened, or of one, or of several.

        Nothing of it is kept. Raises ActorError when one of `to` is no player's actor in the room.
        """
        self._in_room().telling.event(name, data or {}, to)

    @contextmanager
    def together(self, *members: Actor | Room) -> Iterator[None]:
        """Save what happens to these in the with-block together or not at all, over awaits too.

        Nothing of them is saved before the block ends: keep it short. (What happens between two awaits is
        saved together anyway.)
        """
        live = self._in_room()
        keys = [member._key for member in members]
        if any(member._live is not live for member in members):
            raise ActorError(f"together{members!r}: all of them must be in the room {live.name}")
        live.unsaved.hold(keys)
        try:
            yield
        finally:
            live.unsaved.release(keys)

    @property
    def _key(self) -> str:
        return "room"

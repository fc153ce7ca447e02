"""Looking at the master's work: games, rooms, nodes, health. Read only."""

from __future__ import annotations

import msgspec
from tornado.web import HTTPError

from roomfleet.master.api.context import Context
from roomfleet.master.api.problems import JsonHandler
from roomfleet.master.core.model import Key
from roomfleet.master.core.views import InstancedRoomView, NodeView, RoomView
from roomfleet.wire.joining import Problem, Refusal
from roomfleet.wire.version import __version__

HANGING_SECONDS = 30.0
"""A key that has waited in the room queue that long means that the master hangs."""


class GamesView(msgspec.Struct, frozen=True, kw_only=True):
    """The games (namespaces) that this master serves."""

    games: list[str]


class RoomList(msgspec.Struct, frozen=True, kw_only=True):
    rooms: list[RoomView]


class InstancedRoomList(msgspec.Struct, frozen=True, kw_only=True):
    instanced_rooms: list[InstancedRoomView]


class NodeList(msgspec.Struct, frozen=True, kw_only=True):
    nodes: list[NodeView]


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """How the room queue stands. Ages in seconds."""

    status: str
    version: str
    queue_length: int
    queue_oldest_age: float


class _View(JsonHandler):
    def initialize(self, context: Context) -> None:
        self.context = context
        self.core = context.runner.core

    def need(self, game: str) -> None:
        """Answers 404 for a game that is not here."""
        if not self.context.has_game(game):
            raise HTTPError(404, "there is no game %s here; see /v1/games", game)


class Games(_View):
    def get(self) -> None:
        self.answer(GamesView(games=self.context.games()))


class RoomViews(_View):
    """All Rooms but instances: whoever has the name of one gets in, as with its key."""

    def get(self, game: str) -> None:
        self.need(game)
        rooms = [room for room in self.core.rooms(game) if room.instanced_room is None]
        self.answer(RoomList(rooms=rooms))


class OneRoom(_View):
    def get(self, game: str, name: str) -> None:
        self.need(game)
        room = self.core.room(Key(game, name))
        if room is None:
            self.refuse(Problem.of(Refusal.NO_SUCH_ROOM, f"there is no room {name!r} in {game}"))
            return
        self.answer(room)


class InstancedRoomViews(_View):
    def get(self, game: str) -> None:
        self.need(game)
        self.answer(InstancedRoomList(instanced_rooms=self.core.templates(game)))


class NodeViews(_View):
    def get(self, game: str) -> None:
        self.need(game)
        self.answer(NodeList(nodes=self.core.nodes(game)))


class Healthz(_View):
    """Whether the room queue moves and the objects are known as they are."""

    def get(self) -> None:
        health = self.core.health(self.context.wall())
        trouble = self.context.trouble()
        if health.oldest_age >= HANGING_SECONDS:
            trouble = "the room queue hangs"
        self._say(not trouble, trouble or "ok")

    def _say(self, well: bool, status: str) -> None:
        health = self.core.health(self.context.wall())
        view = HealthView(
            status=status,
            version=__version__,
            queue_length=health.length,
            queue_oldest_age=health.oldest_age,
        )
        self.answer(view, 200 if well else 503)


class Readyz(Healthz):
    """Whether every object has been told to the core."""

    def get(self) -> None:
        self._say(self.core.synced, "ok" if self.core.synced else "still reading the objects")

"""`GET /v1/games/{game}/players/{player}`: where is this player? For the player, and for admins.

Which room holds the player's actor stands in the store, which the master never opens: a node is asked.
Whether the player is connected is known only where that room runs, so it may take a second question.
"""

from __future__ import annotations

import msgspec

from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import NotAdmin, Unauthenticated, bearer
from roomfleet.master.api.problems import JsonHandler
from roomfleet.master.core.joining.line import JoinState
from roomfleet.master.core.model import Key
from roomfleet.master.core.state import Link
from roomfleet.master.core.views import NodeView
from roomfleet.wire.joining import Problem, Refusal
from roomfleet.wire.link import Found, Presence
from roomfleet.wire.names import BadName, player_name

RETRY_SECONDS = 2
ASKED = 3
"""So many nodes are asked, one after the other, until one answers."""


class LinePlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a room's line; `position` 1 is next."""

    room: str
    position: int
    eta_seconds: float | None


class PlayerView(msgspec.Struct, frozen=True, kw_only=True):
    """A player as things are now."""

    player: str
    presence: Presence
    room: str | None
    """The room that holds the player's actor, running or not; None: there is no actor yet."""
    node: str
    """Where that room runs; empty: nowhere."""
    line: LinePlace | None
    """None: in no line."""


class OnePlayer(JsonHandler):
    """Where is this player?"""

    def initialize(self, context: Context) -> None:
        self.context = context
        self.core = context.runner.core

    async def get(self, game: str, player: str) -> None:
        problem = self._problem(game, player)
        if problem is not None:
            self.refuse(problem)
            return
        join = self.core.join_of(game, player)
        line = None
        if join is not None and join.state is JoinState.WAITING and join.room is not None:
            line = LinePlace(room=join.room, position=join.position, eta_seconds=join.eta_seconds)
        found = await self._find(game, player)
        if found is None and line is not None:
            found = Found(id="", player=player, room=None)  # who waits for a first node is nowhere else
        if found is None:
            text = f"no room node can say at the moment where {player} is: try again"
            self.refuse(Problem.of(Refusal.TIMEOUT, text, RETRY_SECONDS))
            return
        if found.room is None and join is None:
            self.refuse(Problem.of(Refusal.NO_SUCH_PLAYER, f"the game {game} has never seen {player}"))
            return
        node = self._node_of(game, found.room)
        self.answer(PlayerView(player=player, presence=found.presence, room=found.room, node=node, line=line))

    def _problem(self, game: str, player: str) -> Problem | None:
        """Why the caller is told nothing; None: they may know."""
        if not self.context.has_game(game):
            return Problem.of(Refusal.NO_SUCH_GAME, f"there is no game {game!r} here")
        try:
            player_name(player)
        except BadName as error:
            return Problem.of(Refusal.BAD_REQUEST, f"no player's name: {error}")
        header = self.request.headers.get("Authorization")
        try:
            if header is not None and self.context.identity.player(bearer(header)) == player:
                return None
        except Unauthenticated as error:
            return Problem.of(Refusal.UNAUTHENTICATED, str(error))
        try:
            self.context.admin(self.request)
        except NotAdmin as error:
            refusal = Refusal.UNAUTHENTICATED if header is None else Refusal.FORBIDDEN
            return Problem.of(refusal, f"only {player} may ask where {player} is, and admins: {error}")
        return None

    async def _find(self, game: str, player: str) -> Found | None:
        """What nodes say; None: none says anything. Who runs the player's room has the last word."""
        likely = self._up(game, self._node_of(game, self.core.seat_of(game, player)))
        asking = [] if likely is None else [likely]
        asking += [one for one in self.core.some_nodes_up(game, ASKED) if one not in asking]
        answer, asked = None, ""
        for node in asking[:ASKED]:
            answer, asked = await self._ask(game, node, player), node.name
            if answer is not None:
                break
        if answer is None:
            return None
        runs = self._up(game, self._node_of(game, answer.room))
        if runs is None or runs.name == asked:
            return answer
        return await self._ask(game, runs, player) or answer

    def _up(self, game: str, name: str) -> NodeView | None:
        """The node, if its link is up."""
        node = self.core.node(Key(game, name))
        return node if node is not None and node.link == Link.UP else None

    def _node_of(self, game: str, room: str | None) -> str:
        view = self.core.room(Key(game, room)) if room is not None else None
        return view.node if view is not None else ""

    async def _ask(self, game: str, node: NodeView, player: str) -> Found | None:
        return await self.context.runner.finder.ask(Key(game, node.name), node.boot, player)

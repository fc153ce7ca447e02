"""Runs the core: gives it events and the time, carries out its effects.

One event loop, one thread. What differs between a laptop and a cluster stands behind `Adapter`; players
and nodes are reached through `roomfleet.master.api`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from roomfleet.master.adapter import Adapter
from roomfleet.master.answers import Answer, Answers, Join, claim
from roomfleet.master.core.effects import (
    Announce,
    AnswerInstance,
    AnswerJoin,
    AnswerSeat,
    BindRoom,
    BringPlayer,
    CreateNode,
    CreateRoom,
    DeleteNode,
    DeleteRoomObject,
    Effect,
    EraseRooms,
    FindMarked,
    FindPlayer,
    MarkRoom,
    Record,
    SendBack,
    SendDesired,
    SendDrain,
    SendGoodbye,
    SendNudge,
    SweepRooms,
    WriteFleetStatus,
    WriteStatus,
    WriteTemplateStatus,
)
from roomfleet.master.core.events import Event, JoinCancelled, JoinPolled, JoinRequested, Tick
from roomfleet.master.core.master import Core
from roomfleet.master.finding import Finder
from roomfleet.master.links import Links
from roomfleet.wire import link as wire
from roomfleet.wire.joining import Problem
from roomfleet.wire.link import Bring, Drain, Erase, Find, Goodbye, Mark, Nudge, Seated
from roomfleet.wire.tickets import LineToken, SigningKey

log = logging.getLogger(__name__)

ORDERS = (SendDesired, SendDrain, SendGoodbye, CreateNode, DeleteNode)
"""What changes where rooms run: only the master that holds the lease orders that."""

HELD_SECONDS = 0.1
"""How often a master that may not act asks whether it may."""

ANSWER_KEPT_SECONDS = 60.0
"""How long a final answer can be asked for again by REST."""


class Runner:
    """The master's one loop around the core."""

    def __init__(
        self,
        core: Core,
        adapter: Adapter,
        key: SigningKey,
        wall: Callable[[], float],
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_act`: whether this master is the one now. While it is not, nodes are told nothing."""
        self.core = core
        self.key = key
        self.wall = wall
        self.links = Links()
        self.finder = Finder(self.links.send)
        self._answers = Answers(key, wall)
        self._adapter = adapter
        self._loop = asyncio.get_running_loop()
        self._joins: dict[str, Join] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        """When it rings."""
        self._may_act = may_act
        self._held: list[Effect] = []
        self._stopped = False

    # -- events in, effects out ----------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Tell the core something, and do what it wants done."""
        if self._stopped:
            return
        for effect in self.core.handle(event, self.wall()):
            if isinstance(effect, ORDERS) and (self._held or not self._may_act()):
                self._hold(effect)
            else:
                self._try(effect)
        self._arm()

    def _hold(self, effect: Effect) -> None:
        """Keep an order until this master may act again."""
        self._held.append(effect)
        if len(self._held) == 1:
            self._loop.call_later(HELD_SECONDS, self._let_go)

    def _let_go(self) -> None:
        if self._stopped:
            return
        if not self._may_act():
            self._loop.call_later(HELD_SECONDS, self._let_go)
            return
        held, self._held = self._held, []
        for effect in held:
            self._try(effect)

    def _try(self, effect: Effect) -> None:
        """One effect that fails takes no other along; the core comes back to it."""
        try:
            self._carry_out(effect)
        except Exception:
            log.exception("could not carry out %s", type(effect).__name__)
            self.core.counted.failures["effect"] += 1

    def stop(self) -> None:
        """No event counts from now on."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        due = self.core.next_due()
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = due
        if due is not None:
            self._timer = self._loop.call_later(max(0.0, due - self.wall()), self._tick)

    def _tick(self) -> None:
        self._timer = self._due = None
        self.handle(Tick())

    def _carry_out(self, effect: Effect) -> None:
        send = self.links.send
        match effect:
            case Record():
                self._adapter.record(effect)
            case WriteStatus():
                self._adapter.write_status(effect)
            case WriteFleetStatus():
                self._adapter.write_fleet_status(effect)
            case WriteTemplateStatus():
                self._adapter.write_template_status(effect)
            case CreateRoom():
                self._adapter.create_room(effect)
            case BindRoom():
                self._adapter.bind_room(effect)
            case DeleteRoomObject():
                self._adapter.delete_room(effect)
            case Announce():
                self._adapter.announce(effect)
            case CreateNode():
                self._adapter.create_node(effect)
            case DeleteNode(node=node):
                self.links.drain(node)
                self._adapter.delete_node(effect)
            case SendDesired():
                self.links.desire(effect)
            case SendDrain(node, boot, seconds):
                send(node, boot, Drain(seconds=seconds))
            case SendGoodbye(node, boot, room):
                send(node, boot, Goodbye(room=room))
            case SendNudge(node, boot, room):
                send(node, boot, Nudge(room=room))
            case FindPlayer(find, node, boot, player):
                send(node, boot, Find(id=find, player=player))
            case BringPlayer(id, node, boot, player, origin, room):
                send(node, boot, Bring(id=id, player=player, origin=origin, room=room))
            case FindMarked(node, boot):
                send(node, boot, wire.FindMarked())
            case MarkRoom(node, boot, room, uid, on_delete):
                send(node, boot, Mark(room=room, uid=uid, on_delete=on_delete))
            case EraseRooms(node, boot, rooms, entry):
                send(node, boot, Erase(rooms=list(rooms), entry=entry))
            case SweepRooms(node, boot, names):
                send(node, boot, wire.Sweep(rooms=list(names)))
            case SendBack(node, boot, room, entry):
                send(node, boot, wire.SendBack(room=room, entry=entry))
            case AnswerJoin():
                self._answer_join(effect)
            case AnswerSeat():
                send(effect.node, effect.boot, self._answers.for_node(effect))
            case AnswerInstance(node, boot, asked, str() as room):
                send(node, boot, Seated(id=asked, room=room))
            case AnswerInstance(node, boot, asked, Problem() as problem):
                send(node, boot, Seated(id=asked, problem=problem))

    # -- joins ---------------------------------------------------------------------------------------------

    def join(
        self,
        game: str,
        player: str,
        room: str | None,
        *,
        place: LineToken | None,
        listen: Callable[[Answer], None],
        others: Sequence[str] = (),
        session: int = 0,
        bring: bool = False,
        template: str | None = None,
        key: str | None = None,
    ) -> Join:
        """Ask to get in, with `others` as a party: a room, or the instance of an InstancedRoom for a key.

        `listen` hears each answer; `place` gives back a place in line; `session` goes on with one that began
        before; `bring`: the player's actor is to be brought.
        """
        join = Join(secrets.token_urlsafe(12), game, player, template, key, listeners=[listen])
        self._joins[join.id] = join
        claimed = None
        if place is not None:
            claimed, session = claim(player, place), session or place.session
        self.handle(
            JoinRequested(
                *(join.id, game, player, room, self.wall()),
                others=tuple(others),
                place=claimed,
                session=session,
                bring=bring,
                template=template,
                key=key,
            )
        )
        return join

    def find_join(self, game: str, join_id: str) -> Join | None:
        join = self._joins.get(join_id)
        return join if join is not None and join.game == game else None

    def polled(self, join: Join) -> None:
        """Somebody still waits for this join."""
        if not join.final:
            self.handle(JoinPolled(join.id))

    def cancel(self, join: Join, *, for_good: bool = False) -> None:
        """The player went away; `for_good`: gave it up, and keeps no place."""
        self._joins.pop(join.id, None)
        self.handle(JoinCancelled(join.id, for_good))

    def _answer_join(self, effect: AnswerJoin) -> None:
        join = self._joins.get(effect.id)
        if join is None:
            return
        join.answer = self._answers.for_player(join, effect.answer)
        if join.final:
            self._loop.call_later(ANSWER_KEPT_SECONDS, self._joins.pop, join.id, None)
        for listener in list(join.listeners):
            listener(join.answer)

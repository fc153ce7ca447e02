"""The seats that this node's rooms want in other rooms: asked of the master, or of a peer without one.

While the master is away, whoever runs the target is asked again and again; the player stays, is told to wait,
and goes when there is a seat or the master is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from roomfleet.node.travelling.seats import NoSeat
from roomfleet.wire.link import FromNode, Locate, Seat, Seated, Unseat
from roomfleet.wire.names import instance_name

AGAIN_SECONDS = 0.3
AGAIN_MOST_SECONDS = 3.0
"""Without a master the target's node is asked again, after pauses that grow: the room may be up by now, or
have a free seat."""


@dataclass(frozen=True, slots=True)
class GrantedSeat:
    """A seat in another room: where to send the player, with which ticket. Of an instance that was only asked
    for, the room alone.
    """

    room: str
    url: str
    ticket: str


class Asker(Protocol):
    """A room whose player wants to go to another one."""

    name: str
    epoch: int

    def seat_waiting(self, player: str, target: str, position: int, eta: float | None) -> None: ...

    def seat_granted(self, request: int, seat: GrantedSeat) -> None: ...

    def seat_refused(self, request: int, reason: str) -> None: ...


@dataclass(slots=True)
class _Wanted:
    room: Asker
    request: int
    player: str
    target: str
    session: int
    """The number of the player's session."""
    key: str | None
    """The target is an InstancedRoom: its instance for this key."""
    line_token: str = ""
    told: bool = False
    """The player was told to wait."""
    at_peer: bool = False
    """The target's node is being asked."""


class SeatRequests:
    """All that are not answered for good."""

    def __init__(
        self,
        send: Callable[[FromNode], bool],
        ask_peer: Callable[[str, str, int], Awaitable[tuple[str, str]]],
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
        timeout: float,
    ) -> None:
        """`send` says whether the link is up; `ask_peer(player, room, session)` gives URL and ticket or
        raises NoSeat; `spawn` runs a coroutine by the side. Without a master a player waits for at most
        `timeout` seconds.
        """
        self._send = send
        self._ask_peer = ask_peer
        self._spawn = spawn
        self._wanted: dict[str, _Wanted] = {}
        self._timeout = timeout
        self._away = False
        """The master is away, and what it answered meanwhile is lost."""

    def __len__(self) -> int:
        return len(self._wanted)

    def want(
        self, room: Asker, request: int, player: str, target: str, session: int = 0, key: str | None = None
    ) -> None:
        """Answered by the room's `seat_waiting`, `seat_granted` or `seat_refused`, never from within this."""
        asked = _id(room, request)
        self._wanted[asked] = wanted = _Wanted(room, request, player, target, session, key)
        if not self._ask(asked, wanted):
            self._away = True
            self._ask_peers()

    def unwant(self, room: Asker, request: int) -> None:
        """Also for one that was granted: somebody else may have it."""
        asked = _id(room, request)
        self._wanted.pop(asked, None)
        self._send(Unseat(id=asked))

    def forget(self, room: Asker) -> None:
        """The room is over."""
        for wanted in list(self._wanted.values()):
            if wanted.room is room:
                self.unwant(room, wanted.request)

    def answered(self, answer: Seated) -> None:
        """The master's word."""
        wanted = self._wanted.get(answer.id)
        if wanted is None:
            return
        if answer.problem is not None:
            del self._wanted[answer.id]
            wanted.room.seat_refused(wanted.request, answer.problem.detail)
        elif answer.ticket or not wanted.player:
            self._grant(answer.id, answer.room or wanted.target, answer.url, answer.ticket)
        else:
            wanted.told = True
            wanted.line_token = answer.line_token
            wanted.room.seat_waiting(wanted.player, wanted.target, answer.position, answer.eta_seconds)

    def link_down(self) -> None:
        """The master is away: who runs the target may have a seat."""
        self._away = True
        self._ask_peers()

    def link_up(self) -> None:
        """The master is back, and is asked for everything again."""
        if not self._away:
            return
        self._away = False
        for asked, wanted in self._wanted.items():
            self._send(Unseat(id=asked))
            self._ask(asked, wanted)

    def _ask(self, asked: str, wanted: _Wanted) -> bool:
        if not wanted.player:
            return self._send(Locate(instanced_room=wanted.target, key=wanted.key or "", id=asked))
        return self._send(
            Seat(
                room=wanted.target,
                player=wanted.player,
                id=asked,
                session=wanted.session,
                line_token=wanted.line_token,
                key=wanted.key,
            )
        )

    def _ask_peers(self) -> None:
        for asked, wanted in self._wanted.items():
            if not wanted.at_peer:
                wanted.at_peer = True
                self._spawn(self._from_peer(asked, wanted), "seat")

    async def _from_peer(self, asked: str, wanted: _Wanted) -> None:
        """Until there is a seat, the master is back, or it took too long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout
        pause = AGAIN_SECONDS
        try:
            while self._away and self._wanted.get(asked) is wanted:
                try:
                    room, url, ticket = await self._seat_of_peer(wanted)
                except NoSeat as error:
                    if self._wanted.get(asked) is wanted:
                        self._wait(asked, wanted, str(error) if loop.time() >= until else "")
                    await asyncio.sleep(pause)
                    pause = min(AGAIN_MOST_SECONDS, pause * 1.5)
                else:
                    if self._wanted.get(asked) is wanted:
                        self._grant(asked, room, url, ticket)
        finally:
            wanted.at_peer = False

    async def _seat_of_peer(self, wanted: _Wanted) -> tuple[str, str, str]:
        """Room, URL and ticket. Raises NoSeat."""
        if not wanted.player:
            raise NoSeat(f"the master is not there at the moment, which knows the rooms of {wanted.target}")
        # The name of an instance whose key did not get a warm one; only the master knows those.
        room = wanted.target if wanted.key is None else instance_name(wanted.target, wanted.key)
        return (room, *await self._ask_peer(wanted.player, room, wanted.session))

    def _wait(self, asked: str, wanted: _Wanted, too_late: str) -> None:
        if not self._away:
            return
        if too_late:
            del self._wanted[asked]
            wanted.room.seat_refused(wanted.request, too_late)
        elif not wanted.told:
            wanted.told = True
            wanted.room.seat_waiting(wanted.player, wanted.target, 0, None)

    def _grant(self, asked: str, room: str, url: str, ticket: str) -> None:
        wanted = self._wanted.pop(asked)
        wanted.room.seat_granted(wanted.request, GrantedSeat(room, url, ticket))


def _id(room: Asker, request: int) -> str:
    return f"{room.name}/{room.epoch}/{request}"

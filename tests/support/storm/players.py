"""What the players of a storm do: each carries out its own deeds, one after the other, where they can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from roomfleet.client import (
    CallError,
    Client,
    InstanceOf,
    Invitation,
    Refused,
    SessionEnded,
    State,
    StateChanged,
    WrongState,
)
from support.storm.chronicle import Chronicle
from support.storm.fleets import Fleet
from support.storm.game import CAVE, KEYS, ROOMS
from support.storm.ledger import Ledger
from support.storm.plan import Action, Deed
from support.trial_game import state_of

T = TypeVar("T")

ANSWER_SECONDS = 30.0
"""Within that a call is answered, or its connection counts as lost."""
ON_THE_WAY = (State.CONNECTING, State.WAITING, State.LOADING, State.TRAVELLING, State.RECONNECTING)
RESTING = (State.IDLE, State.REFUSED, State.BYE)


def chosen(options: Iterable[T], luck: float) -> T | None:
    """The option that a number in [0, 1) stands for."""
    found = list(options)
    return found[int(luck * len(found))] if found else None


class Hero:
    """One player, with the windows that were opened for it."""

    def __init__(
        self, name: str, deeds: tuple[Action, ...], fleet: Fleet, chronicle: Chronicle, ledger: Ledger
    ) -> None:
        self.name = name
        self._fleet = fleet
        self.client = self._window()
        """The newest window."""
        self.asked_at: float | None = None
        """Since when the newest window is on the way in, unless it got in or heard why not."""
        self.replaced: list[tuple[float, Client]] = []
        """Older windows that have not heard of it yet, since when."""
        self._deeds = deeds
        self.others: Mapping[str, Hero] = {}
        """Everybody, by name."""
        self._chronicle = chronicle
        self._ledger = ledger
        self._tasks: set[asyncio.Task[None]] = set()
        self._joining: asyncio.Task[None] | None = None
        self._going: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        return f"p:{self.name}"

    @property
    def is_free(self) -> bool:
        """Whether it could be invited."""
        return self.client.state in RESTING

    @property
    def clients(self) -> list[Client]:
        return [self.client, *(older for _, older in self.replaced)]

    def say(self, what: str) -> None:
        self._chronicle.say(self.name, what)

    async def live(self) -> None:
        """Do all that is planned."""
        for action in self._deeds:
            await asyncio.sleep(action.at - self._chronicle.now)
            assert isinstance(action.what, Deed)
            await self._do(action.what, action.luck)

    async def end(self) -> None:
        """Close all windows."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(client.leave() for client in self.clients))

    # -- getting in and out --------------------------------------------------------------------------------

    def join(
        self,
        room: str | InstanceOf | None = None,
        *,
        bring: bool = False,
        party: Sequence[str] = (),
        invitation: Invitation | None = None,
    ) -> None:
        """Ask for a way in, unless that is being done."""
        if self.client.state in RESTING and (self._joining is None or self._joining.done()):
            self.say(
                f"joins {room or 'where it was'}{', to be brought' if bring else ''}"
                f"{f', with {party}' if party else ''}{', invited' if invitation else ''}"
            )
            getting_in = self.client.join(room, bring=bring, party=party, invitation=invitation)
            self._joining = self._start(self._join(self.client, getting_in))

    async def _join(self, client: Client, getting_in: Coroutine[Any, Any, None]) -> None:
        self._start(self._listen(client, client.events()))
        try:
            await getting_in
        except Refused as refused:
            if not refused.problem.detail or not refused.problem.refusal:
                self._chronicle.is_broken(f"{self.name} was refused without a reason: {refused.problem}")
            self._chronicle.counts[f"refused: {refused.problem.refusal}"] += 1
        except (SessionEnded, WrongState) as ended:
            self.say(f"does not get in: {ended}")

    async def _listen(self, client: Client, events: Any) -> None:
        async for event in events:
            if not isinstance(event, StateChanged):
                continue
            if client is self.client:
                if event.state not in ON_THE_WAY:
                    self.asked_at = None
                elif self.asked_at is None:
                    self.asked_at = self._chronicle.now
            for invitation in event.invitations:
                self.others[invitation.player].join(invitation=invitation)
            about = f"{event.state} {event.room or ''} {event.reason}".strip()
            if event.problem is not None:
                about += f" {event.problem.refusal}: {event.problem.detail}"
            if event.code is not None:
                about += f" ({event.code})"
            if event.position is not None:
                about += f" as number {event.position}"
            self.say(f"is {about}{'' if client is self.client else ' in an older window'}")
            # A node that stood still may show an older window an old state, until it finds out.
            is_back = client is self.client and event.state is client.state is State.PLAYING
            if is_back and self.id in client.actors:
                for broken in self._ledger.see(self.name, state_of(client), self._chronicle.now):
                    self._chronicle.is_broken(broken)

    def _window(self) -> Client:
        return Client(self._fleet.url, game=self._fleet.game, token=self.name, keep_alive_seconds=1)

    # -- deeds ---------------------------------------------------------------------------------------------

    async def _do(self, deed: Deed, luck: tuple[float, float, float]) -> None:
        state = self.client.state
        if state in RESTING:
            if deed not in (Deed.LEAVE, Deed.CANCEL):
                room: str | InstanceOf | None = chosen((None, *ROOMS), luck[0])
                if deed is Deed.JOIN_KEY:
                    room = InstanceOf(CAVE, chosen(KEYS, luck[0]) or "")
                others = [hero.name for hero in self.others.values() if hero.is_free and hero is not self]
                other = chosen(sorted(others), luck[1]) if deed is Deed.JOIN_PARTY else None
                self.join(room, bring=deed is Deed.JOIN_BROUGHT, party=[other] if other is not None else [])
        elif state is not State.PLAYING:
            if deed is Deed.CANCEL:
                self.say(f"gives up ({state})")
                await self.client.leave()
        elif self.id in self.client.actors:
            await self._play(deed, luck)

    async def _play(self, deed: Deed, luck: tuple[float, float, float]) -> None:
        client, ledger = self.client, self._ledger
        account = ledger.of(self.name)
        match deed:
            case Deed.NOTE:
                account.noted += 1
                value = account.noted
                await self._call(
                    "note",
                    lambda process: ledger.noted(self.name, value, process, self._chronicle.now),
                    value=value,
                )
            case Deed.KEEP:
                account.kept.asked += 1
                value, noted = account.kept.asked, account.noted
                await self._call("keep", lambda process: ledger.kept(self.name, value, noted), value=value)
            case Deed.GIVE:
                others = sorted(
                    id for id, actor in client.actors.items() if actor["player"] and id != self.id
                )
                other, coins = chosen(others, luck[0]), 1 + int(luck[1] * 5)
                if other is not None:
                    account.gave.asked += coins

                    def gave(process: int) -> None:
                        account.gave.told += coins

                    await self._call("give", gave, to=other, coins=coins)
            case Deed.DROP:
                thing = chosen(state_of(client)["bag"], luck[0])
                if thing is not None:
                    account.holds.discard(thing)
                    await self._call("drop", lambda process: None, thing=thing)
            case Deed.PICK:
                lying = sorted(actor["name"] for actor in client.actors.values() if not actor["player"])
                thing = chosen(lying, luck[0])
                if thing is not None:
                    await self._call("pick", lambda process: account.holds.add(thing), thing=thing)
            case Deed.SEND:
                things = sorted(state_of(client)["bag"])[: 1 + int(luck[0] * 3)]
                account.holds.difference_update(things)
                room, key = chosen((*ROOMS, CAVE), luck[1]) or "", chosen(KEYS, luck[2]) or ""
                if things:
                    await self._send(things, room, key if room == CAVE else "", wake=luck[2] < 0.5)
            case Deed.WALK:
                self._start(self._call("walk", None, x=10 + 380 * luck[0], y=10 + 280 * luck[1]))
            case Deed.GO | Deed.GO_KEY:
                if self._going is None or self._going.done():
                    where = {"room": CAVE, "key": chosen(KEYS, luck[0])}
                    if deed is Deed.GO:
                        where = {"room": chosen(ROOMS, luck[0])}
                    self.say(f"goes to {' '.join(map(str, where.values()))}")
                    self._going = self._start(self._call("go", None, within=None, **where))
            case Deed.LEAVE | Deed.CANCEL:
                self.say("leaves")
                await client.leave()
            case Deed.CUT:
                self.say("loses its connection")
                cut(client)
            case Deed.SWITCH | Deed.JOIN_BROUGHT:
                self.say("opens another window")
                self.replaced.append((self._chronicle.now, client))
                self.client, self.asked_at = self._window(), None
                self.join(chosen(ROOMS, luck[0]), bring=deed is Deed.JOIN_BROUGHT)
            case _:
                pass

    async def _send(self, things: list[str], room: str, key: str, *, wake: bool) -> None:
        await self._call("send", lambda process: None, things=things, room=room, key=key, wake=wake)

    async def _call(
        self,
        method: str,
        done: Callable[[int], None] | None,
        within: float | None = ANSWER_SECONDS,
        **args: Any,
    ) -> None:
        try:
            async with asyncio.timeout(within):
                found = await self.client.call(method, **args)
        except CallError as error:
            self._chronicle.counts[f"call: {error.code}"] += 1
            self.say(f"{method} {args}: {error}")
            if error.code not in ("dropped", "not-connected", "refused", "not-saved"):
                self._chronicle.is_broken(f"{self.name}'s {method} {args} failed: {error}")
            return
        except TimeoutError:
            self._chronicle.is_broken(f"{self.name}'s {method} {args} was not answered within {within:g} s")
            return
        self._chronicle.counts["calls done"] += 1
        if done is not None:
            self.say(f"{method} {args}: done by {found}")
            done(found)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._chronicle.is_broken(f"{self.name} cannot go on: {error!r}")


def cut(client: Client) -> None:
    """Close the client's websockets under it, as a network does."""
    for socket in client._sockets._sockets.values():
        if socket.connection is not None:
            socket.connection.close()

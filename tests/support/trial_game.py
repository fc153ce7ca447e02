"""A small game for tests of faults: heroes who save by hand, trade and travel, and carts that never rest."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from roomfleet.client import CallError, Client, State
from support.faults import MODULE as FAULTS
from support.game_folder import map_text, write
from support.running import eventually

T = TypeVar("T")

ROOMS = """
    from __future__ import annotations

    from roomfleet.game import Actor, Player, Refused, Room, command


    class Hero(Player):
        speed = 400

        def define(self) -> None:
            self.state.public(kept=0, noted=0, coins=10, scribbled="", stones=3, did="")

        @command
        async def keep(self, value: int) -> int:
            self.state.kept = value
            await self.save()
            return value

        @command
        def note(self, value: int) -> int:
            self.state.noted = value
            return value

        @command
        async def go(self, room: str, key: str = "") -> bool:
            return await self.travel(room, key=key or None)

        @command
        async def walk(self, x: float, y: float) -> bool:
            return await self.move_to((x, y))

        @command
        async def enter_door(self, door: str) -> bool:
            return await self.enter(door)

        @command
        async def give(self, to: str, coins: int) -> int:
            other = self.room.actor("p:" + to)
            if other is None:
                raise Refused("not here")
            with self.room.together(self, other):
                self.state.coins -= coins
                await self.sleep(0.02)
                other.state.coins += coins
            await self.save()
            return self.state.coins

        @command
        async def tame(self, pets: int) -> None:
            for number in range(pets):
                self.room.spawn(Pet, at=self, name=f"{self.player}'s {number}").dock(self)
            await self.save()

        @command
        async def send(self, name: str, room: str, wake: bool, key: str = "") -> None:
            await self.room.spawn(Load, at=self, name=name).travel(room, wake=wake, key=key or None)

        @command
        async def drop(self, label: str) -> None:
            '''One as an actor, one on the room's pile.'''
            self.state.stones -= 2
            self.state.did = label
            self.room.state.pile += 1
            self.room.spawn(Stone, at=self, name=label)
            await self.save()

        @command
        async def pick(self, name: str, label: str) -> None:
            stone = [each for each in self.room.actors if each.name == name][0]
            self.state.did = label
            self.state.stones += 1
            stone.remove()
            await self.save()

        @command
        async def caravan(self, name: str, room: str) -> None:
            lead = self.room.spawn(Load, at=self, name=name)
            first = self.room.spawn(Pet, at=self, name=f"{name}'s first")
            first.dock(lead)
            self.room.spawn(Pet, at=self, name=f"{name}'s second").dock(first)
            await self.save()
            lead.state.bound = f"{name} to {room}"
            await lead.travel(room, wake=True)

        @command
        async def rest(self) -> None:
            self.room.state.resting = True
            await self.save()

        @command
        def scribble(self, value: int, size: int) -> None:
            self.state.noted = value
            self.state.scribbled = f"{value}" + "x" * size


    class Pet(Actor):
        pass


    class Stone(Actor):
        pass


    class Load(Actor):
        def define(self) -> None:
            self.state.public(bound="")


    class Cart(Actor):
        '''Goes to and fro for ever, with a load docked to it.'''

        def define(self) -> None:
            self.state.public(trips=0)

        async def kickoff(self) -> None:
            while True:
                await self.sleep(self.room.random.uniform(0.05, 0.4))
                if not self.room.state.resting:
                    break
            door = list(self.room.doors)[0]
            self.state.trips += 1
            await self.enter(door, wake=True)


    class Guard(Actor):
        '''Walks its beat for ever.'''

        async def kickoff(self) -> None:
            while True:
                for x in (50, 350):
                    await self.move_to((x, 250))


    class Broken(Room):
        player_class = Hero

        def created(self) -> None:
            raise RuntimeError("this room cannot be")


    class Place(Room):
        player_class = Hero

        def define(self) -> None:
            self.state.public(carts=0, guards=0, resting=False, pile=0)

        def created(self) -> None:
            for number in range(self.state.carts):
                cart = self.spawn(Cart, name=f"cart {number}")
                self.spawn(Load, at=cart, name=f"load {number}").dock(cart)
            for number in range(self.state.guards):
                self.spawn(Guard, at=(50, 250), name=f"guard {number}")


    class Annex(Place):
        '''What a Place can become by a change of its spec.'''
"""

GAME = "trial"


def trial_game(
    parent: Path,
    *,
    rooms: Mapping[str, Mapping[str, Any]] | None = None,
    fleet: Mapping[str, Any] | None = None,
    fleets: Mapping[str, Mapping[str, Any]] | None = None,
    faults: bool = False,
) -> Path:
    """The game's folder. `rooms` are specs by name, of rooms behind one another's doors; the first is the
    entry. Each has a door "on" to the next room (the last one's leads to the first), and one to each other
    room, "to NAME". `fleets` are specs of further fleets; with `faults` the game obeys `support.faults`.
    """
    specs = {"alpha": {}, "beta": {}} if rooms is None else dict(rooms)
    names = list(specs)
    following = dict(zip(names, [*names[1:], names[0]], strict=True))
    folder = parent / GAME
    places = {
        name: {
            "doors": [
                {"name": door, "x": 390, "y": 150, "exit": {"room": room, "at": "entry"}}
                for door, room in [("on", following[name])]
                + [(f"to {other}", other) for other in names if other != name]
            ],
            "tags": [{"name": "entry", "x": 100, "y": 150}],
        }
        for name in names
    }
    both = {"minNodes": 2, "maxNodes": 2, "strategy": "Distributed", **(fleet or {})}
    documents: list[Any] = [
        {"kind": "RoomFleet", "metadata": {"name": name}, "spec": dict(spec)}
        for name, spec in {"default": both, **(fleets or {})}.items()
    ]
    for name, spec in specs.items():
        entry = {"annotations": {"roomfleet.io/entry": "true"}} if name == names[0] else {}
        documents.append(
            {
                "kind": "Room",
                "metadata": {"name": name, **entry},
                "spec": {"map": f"map1.{name}", "script": "trial.rooms:Place", **spec},
            }
        )
    write(
        folder,
        {
            "trial/__init__.py": "from trial import faults as faults\n" if faults else "",
            **({"trial/faults.py": FAULTS} if faults else {}),
            "trial/rooms.py": ROOMS,
            "maps/map1.json": map_text("map1", **places),
            "k8s/all.yaml": yaml.safe_dump_all(
                [{"apiVersion": "roomfleet.io/v1alpha1", **document} for document in documents]
            ),
        },
    )
    return folder


# -- looking into the store --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stored:
    """An actor's document, with what is committed and not applied yet."""

    id: str
    v: int
    room: str
    body: dict[str, Any]
    presence: str
    transit: dict[str, Any] | None


def _plain(name: str) -> str:
    return name.partition("/")[2]


def stored_actors(data: Path) -> dict[str, Stored]:
    """Every actor of the store that is not deleted, by its id in the game: as the newest committed op, in
    its document or in a journal, has it.
    """
    with closing(sqlite3.connect(data / "store.db")) as db:
        db.execute("BEGIN")
        documents = db.execute("SELECT id, v, room, body, presence, transit FROM actors").fetchall()
        journals = db.execute("SELECT ops FROM rooms").fetchall()
    newest: dict[str, Stored] = {}

    def see(found: Stored) -> None:
        if found.id not in newest or newest[found.id].v < found.v:
            newest[found.id] = found

    for id_, v, room, body, presence, transit in documents:
        there = msgspec.json.decode(transit) if transit is not None else None
        see(Stored(_plain(id_), v, _plain(room), msgspec.json.decode(body), presence, there))
    for (ops,) in journals:
        for op in msgspec.json.decode(ops):
            see(
                Stored(
                    _plain(op["id"]),
                    op["v"],
                    _plain(op.get("room", "")),
                    op.get("body", {}),
                    op.get("presence", "present"),
                    op.get("transit"),
                )
            )
    return {actor.id: actor for actor in newest.values() if actor.presence != "deleted"}


def stored_state(data: Path, actor: str) -> dict[str, Any]:
    """The saved state of an actor, its tiers as one."""
    tiers = stored_actors(data)[actor].body["state"]
    return {field: value for tier in tiers.values() for field, value in tier.items()}


def stored_room_state(data: Path, room: str) -> dict[str, Any]:
    """The saved state of a room, its tiers as one."""
    with closing(sqlite3.connect(data / "store.db")) as db:
        (body,) = db.execute("SELECT state FROM rooms WHERE id = ?", (f"{GAME}/{room}",)).fetchone()
    tiers = msgspec.json.decode(body)["state"]
    return {field: value for tier in tiers.values() for field, value in tier.items()}


def stored_epoch(data: Path, room: str, *, game: str = GAME) -> tuple[int, int, str]:
    """The room's document: epoch, seq and the node that claimed it."""
    with closing(sqlite3.connect(data / "store.db")) as db:
        row = db.execute("SELECT epoch, seq, node FROM rooms WHERE id = ?", (f"{game}/{room}",)).fetchone()
    return (int(row[0]), int(row[1]), str(row[2])) if row is not None else (0, 0, "")


def names(actors: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of actors as a client sees them, sorted."""
    return sorted(actor["name"] for actor in actors)


# -- playing -----------------------------------------------------------------------------------------------

SHORT = {
    "ROOMFLEET_NODE_LOST_AFTER_SECONDS": "2",
    "ROOMFLEET_RECONNECT_SECONDS": "3",
    "ROOMFLEET_TICKET_SECONDS": "3",
    "ROOMFLEET_CALLS_PER_SECOND": "1000",
    "ROOMFLEET_CALLS_BURST": "1000",
}
"""Settings under which what is lost is noticed soon."""


async def until(look: Callable[[], T], what: str, *, within: float = 20) -> T:
    """`eventually`, while the event loop goes on."""
    return await asyncio.to_thread(eventually, look, within=within, what=what)


def state_of(player: Client, name: str | None = None) -> dict[str, Any]:
    """What the player sees of the state of a hero; of its own without a name."""
    actor = f"p:{name}" if name is not None else player.you.id if player.you is not None else ""
    state: dict[str, Any] = player.actors[actor]["state"]
    return state


async def playing(player: Client, room: str | None = None, *, within: float = 30) -> None:
    """Wait until the player is in (that room) and sees its own hero."""
    await player.wait_for(
        lambda p: (
            p.state is State.PLAYING
            and p.room is not None
            and (room is None or p.room.name == room)
            and p.you is not None
            and p.you.id in p.actors
        ),
        within,
    )


async def kept(player: Client, value: int) -> int:
    """Saved by hand, wherever the player's room is by then: what was dropped by its move is said again."""
    while True:
        await playing(player)
        found = await answer(player.call("keep", value=value))
        if not isinstance(found, CallError):
            return int(found)
        assert found.code in ("dropped", "not-connected"), found


async def answer(call: Awaitable[Any]) -> Any:
    """A call's result, or the CallError that it got."""
    try:
        return await call
    except CallError as error:
        return error

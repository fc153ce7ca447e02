"""How a storm must end: everything heals by itself within a bound, and everything is there."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

from roomfleet.client import CallError, InstanceOf, State
from support.promised import node_metrics
from support.storm.chronicle import Broken, Chronicle
from support.storm.fleets import Fleet
from support.storm.game import CAVE, COINS, KEYS, ROOMS, THINGS
from support.storm.ledger import Ledger, counted
from support.storm.players import RESTING, Hero
from support.storm.stores import body_of, contents, state_of
from support.storm.watch import rooms_by_player

HEAL_SECONDS = 60.0
"""Until everybody plays again, on nodes that are all there. A node that was killed often starts again later
and later, up to 10 s."""
EMPTY_SECONDS = 30.0
"""Until what was left is saved and asleep."""


class Rest:
    """After the faults."""

    def __init__(
        self, fleet: Fleet, nodes: int, heroes: Mapping[str, Hero], chronicle: Chronicle, ledger: Ledger
    ) -> None:
        self._fleet = fleet
        self._nodes = nodes
        self._heroes = heroes
        self._chronicle = chronicle
        self._ledger = ledger

    async def heals(self) -> None:
        """Everybody gets in and plays on; each room runs once."""
        deadline = self._chronicle.now + HEAL_SECONDS
        await asyncio.gather(*(self._plays_on(hero, deadline) for hero in self._heroes.values()))
        await self._until(self._nodes_are_there, deadline, "all nodes are there")
        await self._until(self._rooms_run_once, deadline, "each room runs once, where the store says")
        await self._until(self._everybody_is_in_one_room, deadline, "everybody is in one room")
        self._chronicle.say("rest", "everybody plays, each room runs once")

    async def empties(self) -> None:
        """Everybody leaves: all rooms sleep then, and all that was told is in the store."""
        await asyncio.gather(*(hero.end() for hero in self._heroes.values()))
        deadline = self._chronicle.now + EMPTY_SECONDS
        await self._until(self._all_sleep, deadline, "all rooms sleep")
        await self._books_balance()
        self._chronicle.say("rest", "all rooms sleep, the books balance")

    # -- healing -------------------------------------------------------------------------------------------

    async def _plays_on(self, hero: Hero, deadline: float) -> None:
        account = self._ledger.of(hero.name)
        # Who was in an instance whose data are kept is, after a restart of the master, to say which (016).
        ways = itertools.cycle([None, *(InstanceOf(CAVE, key) for key in KEYS)])
        for _ in range(2):
            while True:
                self._chronicle.check()
                if self._chronicle.now > deadline:
                    raise Broken(f"{hero.name} does not play on: {hero.client.change}")
                if hero.client.state in RESTING:
                    hero.join(next(ways))
                if hero.client.state is not State.PLAYING or hero.id not in hero.client.actors:
                    await asyncio.sleep(0.1)
                    continue
                account.noted += 1
                account.kept.asked += 1
                value = account.kept.asked
                try:
                    async with asyncio.timeout(max(0.0, deadline - self._chronicle.now)):
                        await hero.client.call("note", value=account.noted)
                        await hero.client.call("keep", value=value)
                except CallError as error:
                    hero.say(f"is not through yet: {error}")
                    await asyncio.sleep(0.2)
                    continue
                except TimeoutError:
                    raise Broken(f"{hero.name}'s call is not answered; {hero.client.change}") from None
                self._ledger.kept(hero.name, value, account.noted)
                break

    def _nodes_are_there(self) -> object:
        """None, or what is missing."""
        nodes = self._fleet.get(f"/v1/games/{self._fleet.game}/nodes")["nodes"]
        ready = sorted(node["name"] for node in nodes if node["ready"])
        expected = [f"default-{slot}" for slot in range(self._nodes)]
        return None if ready == expected == sorted(self._fleet.node_pids()) else nodes

    def _rooms(self) -> list[dict[str, Any]]:
        return [self._fleet.view(name) for name in self._fleet.rooms()]

    def _rooms_run_once(self) -> object:
        by_node: dict[str, int] = {f"default-{slot}": 0 for slot in range(self._nodes)}
        wrong: list[Any] = []
        owners = contents(self._fleet.database).owners
        for room in self._rooms():
            if room["phase"] == "Asleep":
                continue
            epoch, owner = owners[room["name"]]
            if room["phase"] != "Running" or (room["epoch"], room["node"]) != (epoch, owner):
                wrong.append((room, epoch, owner))
                continue
            by_node[owner] += 1
        for node, rooms in by_node.items():
            metrics = node_metrics(self._fleet, node)
            there = int(sum(metrics["roomfleet_node_rooms"].values())) if metrics is not None else -1
            if there != rooms:
                wrong.append(f"{node} has {there} rooms, and should have {rooms}")
        return wrong or None

    def _everybody_is_in_one_room(self) -> object:
        seen = rooms_by_player(self._heroes)
        wrong = {
            hero.name: (hero.client.state, seen.get(hero.id), hero.client.room)
            for hero in self._heroes.values()
            if hero.client.state is not State.PLAYING
            or hero.client.room is None
            or seen.get(hero.id) != {hero.client.room.name}
        }
        return wrong or None

    # -- at the end ----------------------------------------------------------------------------------------

    def _all_sleep(self) -> object:
        rooms = self._rooms()
        wrong = [
            room
            for room in rooms
            if room["phase"] != "Asleep"
            or room["players"]
            or room["waiting"]
            or room["name"].startswith(CAVE)
        ]
        return wrong or (None if len(rooms) == len(ROOMS) else rooms)

    async def _books_balance(self) -> None:
        actors = (await asyncio.to_thread(contents, self._fleet.database)).actors
        on_the_way = {id: actor for id, actor in actors.items() if actor.transit and id.startswith("p:")}
        if on_the_way:
            raise Broken(f"still on the way: {on_the_way}")
        states = {
            id.removeprefix("p:"): state_of(actor) for id, actor in actors.items() if id.startswith("p:")
        }
        things = [body_of(actor)["name"] for id, actor in actors.items() if not id.startswith("p:")]
        broken = counted(states, things, THINGS, COINS)
        for hero in self._heroes.values():
            state = states[hero.name]
            broken += self._ledger.see(hero.name, state, self._chronicle.now)
            noted = self._ledger.of(hero.name).noted
            if state["noted"] != noted:
                broken.append(f"{hero.name} noted {noted} after the storm, and has {state['noted']}")
        for each in [*broken, *self._ledger.overdue(math.inf)]:
            self._chronicle.is_broken(each)
        self._chronicle.check()

    async def _until(self, look: Callable[[], object], deadline: float, what: str) -> None:
        """Until `look` finds nothing wrong any more."""
        before: object = None
        while True:
            self._chronicle.check()
            try:
                wrong = await asyncio.to_thread(look)
            except OSError as error:
                wrong = error
            if wrong is None:
                return
            if wrong != before:
                self._chronicle.say("rest", f"not yet: {what}; {wrong}")
                before = wrong
            if self._chronicle.now > deadline:
                raise Broken(f"not in time: {what}; {wrong}")
            await asyncio.sleep(0.2)

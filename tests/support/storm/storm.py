"""One storm: a fleet, its players, its faults, and what must hold meanwhile and at the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.running import eventually
from support.storm.chronicle import Chronicle
from support.storm.faults import Faults
from support.storm.fleets import Fleet
from support.storm.ledger import Ledger
from support.storm.plan import plan
from support.storm.players import Hero
from support.storm.rest import Rest
from support.storm.watch import Watch

LOOK_SECONDS = 0.25
PLAYERS = 24
NODES = 3
JOIN_TIMEOUT_SECONDS = 15.0

SETTINGS = {
    "ROOMFLEET_JOIN_TIMEOUT_SECONDS": f"{JOIN_TIMEOUT_SECONDS}",
    "ROOMFLEET_RECONNECT_SECONDS": "3",
    "ROOMFLEET_TICKET_SECONDS": "3",
    "ROOMFLEET_MAX_UNSAVED_SECONDS": "3",
}
"""So that much happens in little time."""


class Storm:
    """Of one seed, over a fleet of `NODES` nodes that was not started yet. `folder` is in the command line of
    each of its processes.
    """

    def __init__(
        self, seed: int, seconds: float, fleet: Fleet, folder: Path, *, players: int = PLAYERS
    ) -> None:
        self.plan = plan(seed, seconds, players)
        self.chronicle = Chronicle()
        self.ledger = Ledger()
        self._folder = folder
        self._processes: set[int] = set()
        self.fleet = fleet

    def blow(self) -> None:
        """Live through it. Raises Broken, or whatever else went wrong."""
        self.fleet.start()
        try:
            asyncio.run(self._blow())
        finally:
            self._end()

    async def _blow(self) -> None:
        chronicle, ledger, fleet = self.chronicle, self.ledger, self.fleet
        heroes = {
            name: Hero(name, deeds, fleet, chronicle, ledger) for name, deeds in self.plan.deeds.items()
        }
        for hero in heroes.values():
            hero.others = heroes
        faults = Faults(fleet, NODES, chronicle, ledger)
        watch = Watch(heroes, JOIN_TIMEOUT_SECONDS, chronicle, ledger)
        rest = Rest(fleet, NODES, heroes, chronicle, ledger)
        watching = asyncio.ensure_future(self._watch(watch, faults))
        try:
            await _all_or_broken(watching, *(hero.live() for hero in heroes.values()), self._do_harm(faults))
            chronicle.say("rest", "the storm is over")
            await _all_or_broken(watching, faults.calm_down())
            await _all_or_broken(watching, rest.heals())
            await _all_or_broken(watching, rest.empties())
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await asyncio.gather(*(hero.end() for hero in heroes.values()))

    async def _do_harm(self, faults: Faults) -> None:
        async with asyncio.TaskGroup() as group:
            for action in self.plan.faults:
                await asyncio.sleep(action.at - self.chronicle.now)
                group.create_task(faults.do(action))

    async def _watch(self, watch: Watch, faults: Faults) -> None:
        while True:
            self.fleet.tend()
            faults.know()
            self._processes |= {self.fleet.master_pid(), *self.fleet.node_pids().values()}
            watch.read_logs(self.fleet)
            watch.look()
            self.chronicle.check()
            await asyncio.sleep(LOOK_SECONDS)

    def _end(self) -> None:
        """End the fleet: it says nothing of errors, and nothing of it is left."""
        try:
            self.fleet.clean_up()
        finally:
            eventually(lambda: not self._left(), what=f"processes end: {self._left()}")

    def _left(self) -> list[int]:
        return [pid for pid in self._processes if _is_there(pid, str(self._folder))]


async def _all_or_broken(watching: asyncio.Future[None], *works: object) -> None:
    """All of it, unless the watch finds something broken before."""
    working = asyncio.ensure_future(asyncio.gather(*works))  # type: ignore[call-overload]
    try:
        await asyncio.wait([watching, working], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def _is_there(pid: int, folder: str) -> bool:
    """Whether it is still a process of that storm."""
    try:
        return folder.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False

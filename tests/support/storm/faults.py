"""What is done to the fleet in a storm: to its processes, its store, its objects."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack, suppress
from typing import Any

from support.faults import POINTS
from support.running import is_alive
from support.storm.chronicle import Chronicle
from support.storm.fleets import Fleet
from support.storm.game import ENOUGH, ROOMS, capacity_of, fleet_manifest, room_manifest
from support.storm.ledger import Ledger
from support.storm.plan import Action, Fault
from support.storm.players import chosen
from support.storm.stores import during

PLURALS = {"Room": "rooms", "RoomFleet": "roomfleets"}
NOBODY_SAVES_SECONDS = 5.0
OPERATOR_SECONDS = 60.0
"""So long whoever operates the fleet tries again what the master does not answer."""


class Faults:
    """Does them, and puts right what is to be put right again."""

    def __init__(self, fleet: Fleet, nodes: int, chronicle: Chronicle, ledger: Ledger) -> None:
        self._fleet = fleet
        self._nodes = nodes
        self._lost_after = fleet.lost_after
        self._chronicle = chronicle
        self._ledger = ledger
        self._master = asyncio.Lock()
        self._store = asyncio.Lock()
        self._api = asyncio.Lock()
        self._known: dict[int, str] = {}
        """Nodes' processes that were there when it was last looked."""
        self._stalled: set[int] = set()
        self._cordoned: dict[int, int] = {}
        self._capacities = {name: capacity_of(name) for name in ROOMS}
        self._deleted: set[str] = set()

    def know(self) -> None:
        """Remember who is there: a node may outlive its master, and die of what was ordered before."""
        self._known |= {pid: name for name, pid in self._fleet.node_pids().items()}

    async def do(self, action: Action) -> None:
        """Do it; returns when it is over."""
        luck = action.luck
        match action.what:
            case Fault.KILL_NODE:
                await self._kill(chosen(sorted(self._fleet.node_pids().items()), luck[0]))
            case Fault.KILL_NODES:
                with self._chronicle.fault(Fault.KILL_NODES, "all nodes are killed"):
                    for node in sorted(self._fleet.node_pids().items()):
                        await self._kill(node)
            case Fault.KILL_AT_SAVE:
                await self._kill_at(chosen(POINTS, luck[0]) or "")
            case Fault.BLINK_NODE:
                await self._stall(Fault.BLINK_NODE, luck, self._lost_after * 0.7 * luck[1])
            case Fault.STALL_NODE:
                await self._stall(Fault.STALL_NODE, luck, self._lost_after * (1.1 + 2 * luck[1]))
            case Fault.DRAIN_NODE:
                self._drain(chosen(sorted(self._fleet.node_pids().items()), luck[0]))
            case Fault.CORDON:
                await self._cordon(int(luck[0] * self._nodes), 2 + 6 * luck[1])
            case Fault.KILL_MASTER | Fault.STALL_MASTER if self._master.locked():
                pass  # a fault of it is under way
            case Fault.KILL_MASTER:
                await self._kill_master(3 * luck[0] if luck[1] < 0.7 else 0.0)
            case Fault.STALL_MASTER:
                await self._stall_master(self._lost_after * 3 * luck[0])
            case Fault.DELETE_ROOM:
                # Not the entry room: without it a new player has nowhere to go.
                await self._delete(chosen(ROOMS[1:], luck[0]) or "", 4 * luck[1])
            case Fault.CAPACITY:
                await self._capacity(chosen(ROOMS, luck[0]) or "", 1 + int(luck[1] ** 2 * 12))
            case Fault.STORE_AWAY if not self._store.locked():
                await self._store_away(0.5 + 5.5 * luck[0], luck[1])
            case Fault.API_AWAY:
                await self._api_away(0.5 + 5.5 * luck[0])
            case Fault.STORE_AWAY:
                pass
            case _:
                raise AssertionError(f"no fault: {action}")

    async def calm_down(self) -> None:
        """Everything is as it should be again: nothing cordoned or deleted, seats for everybody."""
        await self._apply(fleet_manifest(self._nodes))
        for name in ROOMS:
            await self._apply(room_manifest(name, ENOUGH))

    # -- nodes ---------------------------------------------------------------------------------------------

    async def _kill(self, node: tuple[str, int] | None) -> None:
        if node is None:
            return
        name, pid = node
        with (
            self._chronicle.fault(Fault.KILL_NODE, f"{name} (process {pid}) is killed"),
            suppress(ProcessLookupError),
        ):
            os.kill(pid, signal.SIGKILL)
            self._ledger.dies(pid, self._chronicle.now)

    async def _kill_at(self, point: str) -> None:
        """The next node that is there with anything of a hero's."""
        orders = self._fleet.orders
        if orders is None or orders.is_pending(point):
            return
        with self._chronicle.fault(Fault.KILL_AT_SAVE, f"who comes to {point} dies"):
            orders.kill(point, "hero")
            until = self._chronicle.now + NOBODY_SAVES_SECONDS
            while orders.is_pending(point) and self._chronicle.now < until:
                self.know()
                await asyncio.sleep(0.05)
            if orders.is_pending(point):
                (orders.folder / f"kill {point}").unlink(missing_ok=True)
            at = self._chronicle.now
            await asyncio.sleep(0.2)
            for pid in [pid for pid in self._known if not is_alive(pid)]:
                self._ledger.dies(pid, at)
                self._chronicle.say("fault", f"{self._known.pop(pid)} (process {pid}) has ended")

    def _drain(self, node: tuple[str, int] | None) -> None:
        if node is None:
            return
        name, pid = node
        with (
            self._chronicle.fault(Fault.DRAIN_NODE, f"{name} (process {pid}) is told to end"),
            suppress(ProcessLookupError),
        ):
            os.kill(pid, signal.SIGTERM)

    async def _stall(self, kind: Fault, luck: tuple[float, float, float], seconds: float) -> None:
        running = [node for node in sorted(self._fleet.node_pids().items()) if node[1] not in self._stalled]
        node = chosen(running, luck[0])
        if node is None:
            return
        name, pid = node
        self._stalled.add(pid)
        try:
            with self._chronicle.fault(kind, f"{name} (process {pid}) stands still for {seconds:.1f} s"):
                async with self._store:
                    is_there = await asyncio.to_thread(self._stop, pid)
                if not is_there:
                    return
                self._ledger.stalls(pid, self._chronicle.now)
                await asyncio.sleep(seconds)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                self._ledger.goes_on(pid, self._chronicle.now)
                self._chronicle.say("fault", f"{name} (process {pid}) goes on")
        finally:
            self._stalled.discard(pid)

    def _stop(self, pid: int) -> bool:
        """False: it has ended."""
        try:
            self._fleet.database.stop(pid)
        except (ProcessLookupError, FileNotFoundError):
            return False
        return True

    # -- the master ----------------------------------------------------------------------------------------

    async def _kill_master(self, seconds: float) -> None:
        async with self._master:
            fleet = self._fleet
            with self._chronicle.fault(
                Fault.KILL_MASTER, f"the master (process {fleet.master_pid()}) is killed, for {seconds:.1f} s"
            ):
                await fleet.kill_master(seconds)
                self._chronicle.say("fault", f"the master runs again (process {fleet.master_pid()})")

    async def _stall_master(self, seconds: float) -> None:
        async with self._master:
            with self._chronicle.fault(Fault.STALL_MASTER, f"the master stands still for {seconds:.1f} s"):
                os.kill(self._fleet.master_pid(), signal.SIGSTOP)
                try:
                    await asyncio.sleep(seconds)
                finally:
                    os.kill(self._fleet.master_pid(), signal.SIGCONT)
                self._chronicle.say("fault", "the master goes on")

    # -- objects -------------------------------------------------------------------------------------------

    async def _cordon(self, slot: int, seconds: float) -> None:
        with self._chronicle.fault(Fault.CORDON, f"default-{slot} is cordoned for {seconds:.1f} s"):
            self._cordoned[slot] = self._cordoned.get(slot, 0) + 1
            await self._apply(fleet_manifest(self._nodes, tuple(self._cordoned)))
            await asyncio.sleep(seconds)
            self._cordoned[slot] -= 1
            if not self._cordoned[slot]:
                del self._cordoned[slot]
            await self._apply(fleet_manifest(self._nodes, tuple(self._cordoned)))
            self._chronicle.say("fault", f"cordoned: {list(self._cordoned)}")

    async def _delete(self, room: str, seconds: float) -> None:
        if room in self._deleted:
            return
        self._deleted.add(room)
        with self._chronicle.fault(Fault.DELETE_ROOM, f"{room} is deleted, for {seconds:.1f} s"):
            await self._ask("DELETE", "rooms", room)
            await asyncio.sleep(seconds)
            await self._apply(room_manifest(room, self._capacities[room]))
            self._chronicle.say("fault", f"{room} is there again")
        self._deleted.discard(room)

    async def _capacity(self, room: str, seats: int) -> None:
        if room in self._deleted:
            return
        if room not in ROOMS[2:]:
            seats += 5
        with self._chronicle.fault(Fault.CAPACITY, f"{room} has {seats} seats"):
            self._capacities[room] = seats
            await self._apply(room_manifest(room, seats))

    async def _api_away(self, seconds: float) -> None:
        if not self._fleet.has_api_server or self._api.locked():
            return
        async with self._api:
            with self._chronicle.fault(Fault.API_AWAY, f"the API server is away for {seconds:.1f} s"):
                with self._fleet.api_away():
                    await asyncio.sleep(seconds)
                self._chronicle.say("fault", "the API server is back")

    async def _apply(self, manifest: dict[str, Any]) -> None:
        await self._ask("PATCH", PLURALS[manifest["kind"]], manifest["metadata"]["name"], manifest)

    async def _ask(self, method: str, plural: str, name: str, manifest: object = None) -> None:
        """As an operator does: again until it is answered."""
        deadline = self._chronicle.now + OPERATOR_SECONDS
        while True:
            try:
                status = await asyncio.to_thread(self._fleet.ask, method, plural, name, manifest)
                found = f"{method} {plural}/{name}: {status}"
            except OSError as error:
                status, found = 503, f"{method} {plural}/{name}: {error!r}"
            # An earlier try that got no answer may have deleted it.
            if status in (200, 201) or (method == "DELETE" and status == 404):
                return
            if status < 500 or self._chronicle.now > deadline:
                raise AssertionError(found)
            await asyncio.sleep(0.2)

    # -- the store -----------------------------------------------------------------------------------------

    async def _store_away(self, seconds: float, luck: float) -> None:
        async with self._store:
            with (
                self._chronicle.fault(Fault.STORE_AWAY, f"the store is away for {seconds:.1f} s"),
                self._ledger.outage(lambda: self._chronicle.now),
                ExitStack() as stack,
            ):
                go = stack.enter_context(during(self._fleet.database, luck))
                await asyncio.to_thread(go)
                await asyncio.sleep(seconds)
                await asyncio.to_thread(stack.close)
            self._chronicle.say("fault", "the store is back")

"""One master at a time: a Lease that is renewed (coordination.k8s.io/v1), as client-go's leader election.

Who holds it may act until `seconds` after the last renewal was *begun*. Another may take it once it has seen
the same renewal for that long by its own clock: clocks need not agree, only run equally fast.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from roomfleet.master.kube.client import Api
from roomfleet.master.kube.errors import ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

LEASE_SECONDS = 3
"""A master that was killed is replaced after that."""

RENEW_SECONDS = 0.75

SILENT_SECONDS = 2 * RENEW_SECONDS
"""Who has not renewed it for that long is probably gone."""

NAME = "roomfleet-master"


class Lease:
    """`may_act()` says whether this master is the one."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        identity: str,
        monotonic: Callable[[], float],
        lost: Callable[[], None],
    ) -> None:
        """`lost`: called once when another has taken it: this one is to end."""
        self._api = api
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace, self.identity = namespace, identity
        self._monotonic = monotonic
        self._lost = lost
        self._until = float("-inf")
        self._held = False
        self._seen: tuple[str, float] = ("", 0.0)
        self._free_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self.near = asyncio.Event()
        """Set when it is held, or its holder seems to be gone: time to get ready. A hint only."""

    def may_act(self) -> bool:
        return self._monotonic() < self._until

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="lease")

    async def stop(self) -> None:
        """Give it up, so that the next master need not wait."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self._held:
            return
        self._until = float("-inf")
        try:
            found = await self._api.get(f"{self._path}/{NAME}")
            if found["spec"].get("holderIdentity") == self.identity:
                found["spec"]["holderIdentity"] = ""
                await self._api.replace(f"{self._path}/{NAME}", found)
        except ApiError as error:
            log.info("the lease could not be given up, the next master waits %d s: %s", LEASE_SECONDS, error)

    async def _keep(self) -> None:
        trouble = ""
        while True:
            begun = self._monotonic()
            try:
                if await self._renew():
                    self._until = begun + LEASE_SECONDS
                    if not self._held:
                        log.info("this master (%s) holds the lease", self.identity)
                    self._held = True
                    self.near.set()
                elif self._held:
                    self._until = float("-inf")
                    log.warning("another master has taken the lease: this one (%s) ends", self.identity)
                    self._lost()
                    return
                if trouble:
                    log.info("the lease can be renewed again")
                trouble = ""
            except Conflict:
                continue  # somebody was faster: look who
            except ApiError as error:
                if not trouble:
                    log.warning("cannot renew the lease: %s", error)
                trouble = str(error)
            except Exception:
                # Without this task nothing would ever be done again.
                log.exception("looking after the lease failed, trying again")
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        """Until the next look: not long after the lease of somebody who is gone has run out."""
        rest = self._free_at - self._monotonic()
        return min(RENEW_SECONDS, max(rest, 0.01)) if not self._held and rest > 0 else RENEW_SECONDS

    async def _renew(self) -> bool:
        """Take or renew it. False: another holds it."""
        try:
            found = await self._api.get(f"{self._path}/{NAME}")
        except NotFound:
            await self._api.create(self._path, self._body({}, transitions=0))
            return True
        spec = found.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self.identity):
            renewed = f"{holder} {spec.get('renewTime')}"
            now = self._monotonic()
            if self._seen[0] != renewed:
                self._seen = (renewed, now)
            if now >= self._seen[1] + SILENT_SECONDS or _age(spec.get("renewTime")) >= SILENT_SECONDS:
                self.near.set()
            self._free_at = self._seen[1] + float(spec.get("leaseDurationSeconds") or 0)
            if self._held or now < self._free_at:
                return False
        transitions = int(spec.get("leaseTransitions") or 0) + (holder != self.identity)
        body = self._body(spec, transitions)
        body["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        await self._api.replace(f"{self._path}/{NAME}", body)
        return True

    def _body(self, before: dict[str, Any], transitions: int) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = before.get("holderIdentity") == self.identity
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NAME, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": LEASE_SECONDS,
                "acquireTime": before.get("acquireTime") or now if mine else now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }


def _age(time: object) -> float:
    """How long ago (s) that was by our clock: a hint only, clocks need not agree."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(str(time))).total_seconds()
    except ValueError:
        return 0.0

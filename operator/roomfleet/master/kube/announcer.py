"""Kubernetes events on Rooms: what `kubectl describe` and `kubectl get events` show."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from roomfleet.master.core.effects import Announce
from roomfleet.master.kube.client import Api
from roomfleet.master.kube.errors import ApiDown, ApiError, Forbidden, NotAllowed, NotFound
from roomfleet.master.kube.gate import Gate

log = logging.getLogger(__name__)

MOST = 1_000
"""Events that wait; above, the oldest are left out: they are news, not state."""

PAUSE_SECONDS = 0.02
"""At most fifty a second."""

BUSY_SECONDS = 0.5
"""While other writes wait, two a second: an event costs the API server as much as a record that a player
waits for."""


class Announcer:
    """Posts events one after the other, behind all other writes."""

    def __init__(self, api: Api, gate: Gate, identity: str, busy: Callable[[], bool]) -> None:
        """`busy`: whether other writes wait."""
        self._api, self._gate, self._identity, self._busy = api, gate, identity, busy
        self._queue: deque[tuple[Announce, str, str]] = deque(maxlen=MOST)
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.left_out = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep_posting(), name="events")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def announce(self, effect: Announce, uid: str) -> None:
        """Have the event posted on the Room with that uid."""
        if len(self._queue) == MOST:
            self.left_out += 1
        self._queue.append((effect, uid, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))
        self._some.set()

    def _put_back(self, item: tuple[Announce, str, str]) -> None:
        """First in turn again, unless news came meanwhile that fill the queue."""
        if len(self._queue) == MOST:
            self.left_out += 1
        else:
            self._queue.appendleft(item)

    async def _keep_posting(self) -> None:
        while True:
            await self._some.wait()
            await self._gate.passed()
            if not self._queue:
                self._some.clear()
                continue
            effect, uid, now = self._queue.popleft()
            path = f"/api/v1/namespaces/{effect.key.game}/events"
            try:
                await self._api.create(path, event_of(effect, uid, now, self._identity))
            except Forbidden as error:
                self._gate.lacks(error)  # events are news: what else there is to write does not wait for them
            except (ApiDown, NotAllowed) as error:
                self._gate.trouble(error)
                self._put_back((effect, uid, now))
            except NotFound:
                pass  # the namespace is gone, and with it everybody who might read this
            except ApiError as error:
                log.warning("cannot post an event on room %s: %s", effect.key, error)
            await asyncio.sleep(BUSY_SECONDS if self._busy() else PAUSE_SECONDS)


def event_of(effect: Announce, uid: str, now: str, identity: str) -> dict[str, Any]:
    """An Event of core/v1."""
    name, namespace = effect.key.name, effect.key.game
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{secrets.token_hex(8)}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": "roomfleet.io/v1alpha1",
            "kind": "Room",
            "name": name,
            "namespace": namespace,
            "uid": uid,
        },
        "reason": effect.reason,
        "message": effect.message[:1024],
        "type": "Warning" if effect.warning else "Normal",
        "source": {"component": "roomfleet-master", "host": identity},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }

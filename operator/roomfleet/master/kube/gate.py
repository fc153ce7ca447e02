"""Whether anything may be written now: the API server answers, and this master holds the lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from roomfleet.master.kube.client import Api

log = logging.getLogger(__name__)

PROBE_SECONDS = 0.25
"""While the API server is down, one probe asks that often; nobody else troubles it."""


class Gate:
    """Writers wait here. One that met trouble closes it for all; a probe opens it again."""

    def __init__(
        self, api: Api, may_act: Callable[[], bool], back: Callable[[], None], probe: str = "/version"
    ) -> None:
        """`back`: called each time the API server answers again, that is, serves the path `probe`."""
        self._api, self._probe_path = api, probe
        api.on_down = self.trouble
        self._may_act = may_act
        self._back = back
        self._up = asyncio.Event()
        self._up.set()
        self._probe: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    async def passed(self) -> None:
        """Return when writing makes sense and is allowed."""
        while True:
            await self._up.wait()
            if self._may_act():
                return
            await asyncio.sleep(PROBE_SECONDS / 5)

    def trouble(self, error: Exception) -> None:
        """A request had no good answer: writes wait until the API server answers again."""
        if self._up.is_set():
            log.warning("the API server does not answer, writes wait: %s", error)
            self._up.clear()
            self._probe = asyncio.get_running_loop().create_task(self._ask(), name="API probe")

    async def stop(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait([self._probe])

    async def _ask(self) -> None:
        answers = False
        while not answers:
            await asyncio.sleep(PROBE_SECONDS)
            answers = await self._api.answers(self._probe_path)
        log.info("the API server answers again")
        self._up.set()
        self._back()

"""Whether anything may be written now: the API server answers, and this master holds the lease."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from roomfleet.master.kube.client import Api
from roomfleet.master.kube.errors import Forbidden
from roomfleet.master.kube.pauses import Pauses

log = logging.getLogger(__name__)

PROBE_SECONDS = 0.25
"""While the API server is down, one probe asks that often; nobody else troubles it."""


FORBIDDEN_SECONDS = 10.0
"""While a permission is missing, whatever needs it is tried again after pauses that double up to this."""

REFUSALS = 4
"""So often a permission is refused before it counts as missing: an API server that starts refuses everybody
until it has read its roles."""

STEADY_SECONDS = 5.0
"""When nothing was forbidden for that long, the next time counts as the first."""


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
        self._pauses = Pauses(PROBE_SECONDS, FORBIDDEN_SECONDS, STEADY_SECONDS)
        self._lacking: Counter[str] = Counter()

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
        """A request had no good answer: writes wait until the API server answers again.

        Where a permission is missing, that is said once; an answer alone then proves little, and the pause
        before the next attempt grows.
        """
        if not self._up.is_set():
            return
        pause = PROBE_SECONDS
        if isinstance(error, Forbidden):
            pause = self._pauses.next(asyncio.get_running_loop().time())
            self.lacks(error)
        else:
            log.warning("the API server does not answer, writes wait: %s", error)
        self._up.clear()
        self._probe = asyncio.get_running_loop().create_task(self._ask(pause), name="API probe")

    def lacks(self, error: Forbidden) -> None:
        """Say which permission the master's account lacks, once for each, when it lasts."""
        self._lacking[error.permission] += 1
        if self._lacking[error.permission] == REFUSALS:
            log.error("the master's account lacks a permission, grant it: %s", error)

    async def stop(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait([self._probe])

    async def _ask(self, pause: float) -> None:
        answers = False
        while not answers:
            await asyncio.sleep(pause)
            try:
                answers = await self._api.answers(self._probe_path)
            except Forbidden as error:
                self.lacks(error)
                pause = self._pauses.next(asyncio.get_running_loop().time())
            else:
                pause = pause if answers else PROBE_SECONDS
        if pause == PROBE_SECONDS:
            log.info("the API server answers again")
        self._up.set()
        self._back()

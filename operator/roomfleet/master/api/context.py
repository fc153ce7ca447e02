"""What the API's handlers share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

from roomfleet.master.api.identity import Identity, no_admins
from roomfleet.master.api.origins import Origins
from roomfleet.master.runner import Runner
from roomfleet.wire.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """One master: its core at work, who may come, and from which pages."""

    runner: Runner
    identity: Identity
    origins: Origins
    settings: Settings
    wall: Callable[[], float]
    """Seconds since 1970."""
    trouble: Callable[[], str] = lambda: ""
    """What is wrong with the adapter so that the master should be restarted; empty when nothing is."""
    installation: str = ""
    """Whose databases the nodes may use; empty: any."""
    adopts: str = ""
    """A database of that installation is taken over."""
    admin: Callable[[HTTPServerRequest], None] = no_admins
    """Raises NotAdmin unless the request is an admin's."""
    metrics: Callable[[], bytes] = lambda: b""
    """The text of `/metrics`."""
    only_game: str = ""
    """The one game there is, whether it has rooms or not; empty: every namespace that has some."""
    public_url: str = ""
    """Where players reach the master, when a proxy stands before it: no slash at its end."""

    def games(self) -> list[str]:
        """The games (namespaces) that this master serves."""
        return [self.only_game] if self.only_game else self.runner.core.games()

    def has_game(self, name: str) -> bool:
        """Whether it serves that one; each join asks, so this costs the same however many there are."""
        return name == self.only_game if self.only_game else self.runner.core.has_game(name)

    @property
    def prefix(self) -> str:
        """The path of the public URL, `/games`; empty without one."""
        return urlsplit(self.public_url).path.rstrip("/")

"""What a master is started with: the options that every composition root of it shares.

`roomfleet up` takes them as flags or variables; what `kopf run` loads takes them as variables alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from roomfleet.wire.options import LINK_SECRET, LINK_SECRET_FILE, Option, link_secret
from roomfleet.wire.settings import Settings
from roomfleet.wire.urls import ANY_HOSTS, host_in_url, own_host_origin

PUBLIC_URL = Option(
    "--public-url", "where players reach the page and the API, https://play.example/games", metavar="URL"
)
ALLOWED_ORIGIN = Option(
    "--allowed-origin",
    "a page elsewhere that may connect, https://example.org; repeatable",
    metavar="URL",
    many=True,
)
HOST = Option("--host", "address to serve the page and the API at; 0.0.0.0 lets others in", "127.0.0.1")
PORT = Option("--port", "port of the page and the API; 0 takes a free one", "8080")
LINK_HOST = Option("--link-host", "address where room nodes dial in", "127.0.0.1", metavar="HOST")
LINK_PORT = Option("--link-port", "port where room nodes dial in; 0 takes a free one", "8081", metavar="PORT")
NAMESPACES = Option("--namespaces", "the games to serve, separated by commas; all when not given")
DATA = Option("--data", "folder where the master keeps its signing key", metavar="FOLDER")
"""Of `roomfleet up` it keeps everything."""

FLAGS = (PUBLIC_URL, ALLOWED_ORIGIN, HOST, PORT, LINK_HOST, LINK_PORT, LINK_SECRET_FILE)

VARIABLES = frozenset(
    [
        *(option.variable for option in (*FLAGS, NAMESPACES, DATA)),
        LINK_SECRET,
    ]
)
"""Environment variables that are meant for a master: not to be handed on to its children."""


@dataclass(frozen=True, kw_only=True)
class MasterOptions:
    """A master's options, checked."""

    public_url: str = ""
    """Where players reach it, `http(s)://host[:port][/prefix]`, no slash at its end; empty: where it
    listens."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of pages elsewhere that may connect, too."""
    host: str = "127.0.0.1"
    port: int = 8080
    link_host: str = "127.0.0.1"
    link_port: int = 8081
    link_secret: str = ""
    """What nodes have to know; empty when none is set."""
    namespaces: tuple[str, ...] = ()
    """The games that it serves; none: all."""
    data: Path | None = None
    """Where the signing key is kept."""
    settings: Settings = field(default_factory=Settings)

    @property
    def prefix(self) -> str:
        """The path of the public URL, under which everything is served: `/games`, or empty."""
        return urlsplit(self.public_url).path.rstrip("/")

    def local_url(self, port: int) -> str:
        """Where a browser on this machine reaches it, when it listens on this port: without a prefix."""
        host = "127.0.0.1" if self.host in ANY_HOSTS else host_in_url(self.host)
        return f"http://{host}:{port}"

    def page_url(self, port: int) -> str:
        """What to open in a browser: the public URL, or where it listens."""
        return self.public_url or self.local_url(port)

    def origins(self, port: int) -> list[str]:
        """What `Origins` is to allow, when it listens on this port.

        The public URL's origin, or without one whatever it is reached by; and those allowed by name.
        """
        if self.public_url:
            return [origin_of(self.public_url), *self.allowed_origins]
        own = [own_host_origin(port)] if self.host in ANY_HOSTS else []
        return [self.local_url(port), *own, *self.allowed_origins]

    @staticmethod
    def add_to(parser: argparse.ArgumentParser, *, link_port: str = LINK_PORT.default) -> None:
        """Add the flags of every option but `data` and `namespaces`, with those of the settings."""
        for option in FLAGS:
            (replace(LINK_PORT, default=link_port) if option is LINK_PORT else option).add_to(parser)
        Settings.add_to(parser)

    @classmethod
    def given(
        cls, flags: argparse.Namespace, environment: Mapping[str, str], *, link_port: str = LINK_PORT.default
    ) -> MasterOptions:
        """From flags (of a parser that `add_to` filled) and variables. Raises BadOption.

        `link_port`: where nodes dial in when neither flag nor variable says so.
        """
        public = PUBLIC_URL.given(flags, environment)
        data = DATA.given(flags, environment).text
        return cls(
            public_url=public.url("http", "https", example="https://play.example") if public.text else "",
            allowed_origins=_allowed_origins(flags, environment),
            host=HOST.given(flags, environment).text,
            port=PORT.given(flags, environment).port(),
            link_host=LINK_HOST.given(flags, environment).text,
            link_port=replace(LINK_PORT, default=link_port).given(flags, environment).port(),
            link_secret=link_secret(flags, environment, lambda name: Path(name).read_text()),
            namespaces=tuple(
                part.strip() for part in NAMESPACES.given(flags, environment).text.split(",") if part.strip()
            ),
            data=Path(data) if data else None,
            settings=Settings.given(flags, environment),
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> MasterOptions:
        """From ROOMFLEET_… variables alone. Raises BadOption."""
        return cls.given(argparse.Namespace(), environment)


def origin_of(url: str) -> str:
    """`https://play.example/games` → `https://play.example`: what a browser sends as Origin."""
    parts = urlsplit(url)
    host, port = host_in_url(parts.hostname or ""), parts.port
    standard = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, standard) else f":{port}")


def _allowed_origins(flags: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Of `--allowed-origin`, repeatable, or ROOMFLEET_ALLOWED_ORIGINS, separated by commas."""
    origins = []
    for given in ALLOWED_ORIGIN.all_given(flags, environment):
        url = given.url("http", "https", example="https://example.org")
        if urlsplit(url).path:
            raise given.bad(f"an origin has no path: give {origin_of(url)}")
        origins.append(origin_of(url))
    return tuple(origins)

"""A session on a simulated clock, with a test in the place of master and nodes."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import msgspec

from roomfleet.client.actions import Action, Answer, Close, Fail, Open, Send, State, StateChanged, Tell
from roomfleet.client.session import Session
from roomfleet.wire.codec import JSON, MSGPACK, Format

TOWN = "ws://node-0/town"
TAVERN = "ws://node-1/tavern"


def hero(name: str = "ada", x: float = 10, y: float = 20) -> dict[str, Any]:
    return {
        "id": f"p:{name}",
        "type": "Hero",
        "name": name,
        "player": True,
        "parent": None,
        "speed": 100,
        "path": [[x, y, 0]],
        "state": {"hp": 10},
    }


def welcome(room: str = "town", now: float = 50.0, resume: str = "secret-1") -> dict[str, Any]:
    return {
        "type": "welcome",
        "now": now,
        "game": "walkabout",
        "room": {"name": room, "map": "map1.room1", "width": 800, "height": 600},
        "you": {"id": "p:ada", "commands": ["walk", "say"]},
        "resume": resume,
        "tick": 20,
        "version": "0.1.0",
        "geography": {},
        "doors": [],
        "tags": [],
        "objects": [],
    }


def snapshot(now: float = 50.0, **actors: Any) -> dict[str, Any]:
    heroes = actors or {"p:ada": hero()}
    return {"type": "snapshot", "seq": 1, "now": now, "actors": heroes, "room": {"state": {}}}


class World:
    def __init__(self, keep_alive_seconds: float = 20, format: Format = JSON) -> None:
        self.now = 1000.0
        self.format = format
        self.session = Session(
            "http://master:8080",
            game="walkabout",
            token="ada",
            random=Random(1),
            keep_alive_seconds=keep_alive_seconds,
            format=format,
        )
        self.links: dict[int, Open] = {}
        """Opened and not closed by either side."""
        self.sent: dict[int, list[dict[str, Any]]] = {}
        self.events: list[Any] = []
        self.answers: dict[int, Any] = {}
        self.failures: dict[int, str] = {}
        self.opened: list[tuple[float, str]] = []
        self.every_open: list[Open] = []

    # -- driving ---------------------------------------------------------------------------------------

    def do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Open():
                    self.links[action.link] = action
                    self.sent[action.link] = []
                    self.opened.append((self.now, action.url))
                    self.every_open.append(action)
                case Close():
                    del self.links[action.link]
                case Send():
                    assert action.link in self.links, "sent over a closed link"
                    binary = self.links[action.link].subprotocol == MSGPACK.subprotocol
                    assert action.binary is binary
                    read: Any = msgspec.msgpack.decode if binary else json.loads
                    self.sent[action.link].append(read(action.data))
                case Tell():
                    self.events.append(action.event)
                case Answer():
                    self.answers[action.call] = action.value
                case Fail():
                    self.failures[action.call] = action.error.code

    def advance(self, seconds: float) -> None:
        """Let time pass, ticking at each deadline."""
        end = self.now + seconds
        while (deadline := self.session.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.do(self.session.tick(self.now))
        self.now = end

    def join(self, room: str | None = None, *, bring: bool = False) -> None:
        self.do(self.session.join(self.now, room, bring=bring))

    def call(self, method: str, **args: Any) -> int:
        number, actions = self.session.call(method, args, self.now)
        self.do(actions)
        return number

    def leave(self) -> None:
        self.do(self.session.leave())

    def accept(self) -> int:
        """The newest link is open."""
        link = max(self.links)
        self.do(self.session.opened(link, self.now))
        return link

    def say(self, link: int, *messages: dict[str, Any]) -> None:
        for message in messages:
            binary = self.links[link].subprotocol == MSGPACK.subprotocol
            data = MSGPACK.encode(message) if binary else json.dumps(message)
            self.do(self.session.received(link, data, self.now))

    def pings(self, link: int) -> list[float]:
        """When pings went out."""
        return [message["t"] for message in self.sent[link] if message["type"] == "ping"]

    def drop(self, link: int) -> None:
        del self.links[link]
        self.do(self.session.closed(link, "gone", self.now))

    def fail(self, status: int | None = None) -> None:
        """The newest link cannot be opened."""
        link = max(self.links)
        del self.links[link]
        self.do(self.session.open_failed(link, "no way", self.now, status))

    # -- whole stretches -------------------------------------------------------------------------------

    def admit(self, play: int, url: str = TOWN, room: str = "town", ticket: str = "ticket-1") -> int:
        """Say admitted; gives the room's link, open."""
        self.say(
            play,
            {
                "type": "admitted",
                "id": "j1",
                "room": room,
                "url": url,
                "ticket": ticket,
                "expires_at": "2026-01-01T00:00:00Z",
            },
        )
        return self.accept()

    def play(self, room: str = "town", url: str = TOWN) -> int:
        """From idle to playing; gives the room's link."""
        self.join(room)
        link = self.admit(self.accept(), url, room)
        self.say(link, welcome(room), snapshot())
        assert self.session.state is State.PLAYING
        return link

    # -- looking ---------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def states(self) -> list[State]:
        return [event.state for event in self.events if isinstance(event, StateChanged)]

    @property
    def last(self) -> StateChanged:
        return [event for event in self.events if isinstance(event, StateChanged)][-1]

    @property
    def url(self) -> str:
        """Where the newest link that was ever opened leads."""
        return self.opened[-1][1]

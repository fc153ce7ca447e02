"""What must hold at every moment of a storm: nobody is forgotten, nobody is in two rooms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from roomfleet.client import State
from support.storm.chronicle import Chronicle
from support.storm.fleets import Fleet
from support.storm.ledger import Ledger
from support.storm.players import Hero

HEALED_SECONDS = 15.0
"""So long after the last fault a join that is due is answered, a window that was replaced knows it, and
nobody is seen in two rooms."""

FENCED = re.compile(r"^(\S+ \S+) (.* was taken over \(found epoch.*)$", re.MULTILINE)


class Watch:
    """Looks again and again. `join_timeout` is the fleet's, in seconds."""

    def __init__(
        self, heroes: Mapping[str, Hero], join_timeout: float, chronicle: Chronicle, ledger: Ledger
    ) -> None:
        self._heroes = heroes
        self._join_timeout = join_timeout
        self._chronicle = chronicle
        self._ledger = ledger
        self._doubled: dict[str, float] = {}
        self._read: dict[Path, int] = {}
        self._names: dict[int, str] = {}
        """Every node's process that was seen. One that has lost its master may outlive it for a while, beside
        the next one of its name."""

    def look(self) -> None:
        """Now."""
        for hero in self._heroes.values():
            self._joins_end(hero)
            self._older_windows_hear(hero)
        self._nobody_is_in_two_rooms()
        for broken in self._ledger.overdue(self._chronicle.now):
            self._chronicle.is_broken(broken)

    def _is_due(self, since: float, seconds: float) -> bool:
        """Whether that much time has passed since then, and since the last fault."""
        return self._chronicle.now - max(since, self._chronicle.quiet_since) > seconds

    def _joins_end(self, hero: Hero) -> None:
        since = hero.asked_at
        if since is not None and self._is_due(since, self._join_timeout + HEALED_SECONDS):
            self._chronicle.is_broken(f"{hero.name} is on the way since {since:.3f}: {hero.client.change}")

    def _older_windows_hear(self, hero: Hero) -> None:
        for since, client in list(hero.replaced):
            if client.state in (State.BYE, State.REFUSED):
                hero.replaced.remove((since, client))
            elif (
                self._is_due(since, self._join_timeout + HEALED_SECONDS)
                and hero.client.state is State.PLAYING
            ):
                self._chronicle.is_broken(
                    f"{hero.name} opened another window at {since:.3f}, and is {client.state} in this one"
                )

    def _nobody_is_in_two_rooms(self) -> None:
        seen = rooms_by_player(self._heroes)
        for player in [player for player in self._doubled if len(seen.get(player, ())) < 2]:
            del self._doubled[player]
        for player, rooms in seen.items():
            if len(rooms) > 1:
                since = self._doubled.setdefault(player, self._chronicle.now)
                if self._is_due(since, HEALED_SECONDS):
                    self._chronicle.is_broken(f"{player} is seen in {sorted(rooms)} since {since:.3f}")

    def read_logs(self, fleet: Fleet) -> None:
        """Who found its room taken over since the last look."""
        self._names |= {pid: name for name, pid in fleet.node_pids().items()}
        for name in set(self._names.values()):
            for wall, text in self._fenced_in(fleet.log_of(name)):
                at = self._chronicle.at(wall)
                for pid in [pid for pid, known in self._names.items() if known == name]:
                    self._ledger.fenced(pid, at)
                self._chronicle.counts["rooms taken over from a node that lived"] += 1
                self._chronicle.say(name, text)

    def _fenced_in(self, path: Path) -> list[tuple[float, str]]:
        if not path.exists():
            return []
        with path.open("rb") as log:
            begin = self._read.get(path, 0)
            log.seek(begin)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read[path] = begin + len(whole)
        return [
            (datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").timestamp(), found[2])
            for found in FENCED.finditer(whole.decode())
        ]


def rooms_by_player(heroes: Mapping[str, Hero]) -> dict[str, set[str]]:
    """In which rooms those who play see each player."""
    seen: dict[str, set[str]] = {}
    for hero in heroes.values():
        client = hero.client
        if client.state is State.PLAYING and client.room is not None:
            for id, actor in client.actors.items():
                if actor["player"]:
                    seen.setdefault(id, set()).add(client.room.name)
    return seen

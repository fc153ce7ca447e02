"""A process that works on a store, for tests: ``python store_worker.py JOB URL NAME …``; it prints a line
for each thing that the store acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from roomfleet.store import (
    Change,
    Create,
    Fenced,
    Json,
    Live,
    OutcomeUnknown,
    Save,
    Session,
    Store,
    StoreUnavailable,
    open_store,
)
from support.store_tools import ROOM, claim_room


def say(*words: object) -> None:
    print(*words, flush=True)


def wait_for_all() -> None:
    say("ready")
    sys.stdin.readline()


async def fight(store: Store, name: str, commits: str) -> None:
    """Claim the room again and again, and commit until fenced, until so many commits were acknowledged."""
    wait_for_all()
    done = 0
    epoch = 1
    while done < int(commits):
        try:
            claimed = await claim_room(store, ROOM, epoch, node=name)
        except Fenced as fenced:
            epoch = (fenced.found_epoch or 0) + 1
            continue
        except (OutcomeUnknown, StoreUnavailable):  # the others may hold the file's lock for long
            epoch += 1
            continue
        log = list(claimed.state.get("log", []))
        actor = claimed.actors[0]
        life = list(actor.body["life"])
        for _ in range(5):
            label = f"{epoch}:{name}:{done}"
            log.append(label)
            life.append(label)
            try:
                await committed(claimed.session, [Save(actor.id, {"life": life})], {"log": log})
            except Fenced as fenced:
                epoch = (fenced.found_epoch or epoch) + 1
                break
            say(label)
            done += 1


async def committed(session: Session, changes: list[Change], state: Json) -> None:
    """Commit, again while the store surely did not do it. Raises Fenced."""
    while True:
        try:
            await session.commit(changes, state=state, ceiling_ms=0, saved_at_ms=0)
            return
        except StoreUnavailable:
            continue


async def spawn(store: Store, name: str, players: str) -> None:
    """Spawn so many players in a room of its own."""
    claimed = await claim_room(store, f"g/{name}", 1, node=name)
    wait_for_all()
    for player in range(int(players)):
        actor = f"g/p:{player}"
        if isinstance(await claimed.session.spawn(actor, {"by": name}), Live):
            say(actor)


async def save(store: Store, name: str, epoch: str) -> None:
    """Commit, until killed."""
    claimed = await claim_room(store, ROOM, int(epoch), node=name)
    counts = {actor.id: actor.body["count"] for actor in claimed.actors}
    while True:
        counts = {actor: count + 1 for actor, count in counts.items()}
        changes = [Save(actor, {"count": count}) for actor, count in counts.items()]
        total = max(counts.values())
        await claimed.session.commit(changes, state={"total": total}, ceiling_ms=0, saved_at_ms=0)
        say(total)


async def die_decided(store: Store, name: str) -> None:
    """Commit, say so, and die before anything of it was applied."""
    claimed = await claim_room(store, ROOM, 1, node=name)
    changes = [Create("g/a", {"n": 1}), Create("g/b", {"n": 2})]
    await claimed.session.commit(changes, state={"by": name}, ceiling_ms=7, saved_at_ms=0)
    say("decided")
    os.kill(os.getpid(), signal.SIGKILL)


JOBS: dict[str, Callable[..., Awaitable[None]]] = {
    "fight": fight,
    "spawn": spawn,
    "save": save,
    "die_decided": die_decided,
}


async def main(job: str, url: str, *words: str) -> None:
    store = open_store(url)
    await JOBS[job](store, *words)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

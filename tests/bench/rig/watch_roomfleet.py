"""A few real clients of Roomfleet that look at all actors sixty times a second: how wrong is what they draw?

    python watch_roomfleet.py URL GAME ROOM CLIENTS

Says `ready` when they are in. For each line with a number of seconds it looks for so long and answers with a
line of JSON. The truth is the actors' course by the server's clock, which on one machine is known exactly.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "arena"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from arena.course import Course, courses

from rig.errors import HZ, Errors
from roomfleet.client import Client
from roomfleet.wire.codec import MSGPACK

CLOCK_CALLS = 20


async def room_ahead(client: Client) -> float:
    """Seconds since the actors set off, less the machine's clock: of several answers the least stale."""
    ahead = -float("inf")
    for _ in range(CLOCK_CALLS):
        since, clock = await client.call("clock")
        ahead = max(ahead, since - clock)
        await asyncio.sleep(0.06)  # so that they count as few calls
    return ahead


def look(client: Client, course_of: dict[str, Course], ahead: float, errors: Errors) -> None:
    """One look at all actors."""
    now = time.monotonic()
    for actor_id, course in course_of.items():
        shown = client.drawn_position_of(actor_id)
        if shown is None:
            raise RuntimeError(f"{actor_id} is not seen")
        errors.add(shown, course.at(now + ahead))


async def main(url: str, game: str, room: str, count: int) -> None:
    clients = [Client(url, game=game, token=f"watcher{number}", format=MSGPACK) for number in range(count)]
    for client in clients:
        await client.join(room)
    made = courses()
    numbers = {f"bot{number}": course for number, course in enumerate(made)}
    course_of = {
        actor_id: numbers[actor["name"]]
        for actor_id, actor in clients[0].actors.items()
        if actor["name"] in numbers
    }
    assert len(course_of) == len(made), f"{len(course_of)} actors are seen, not {len(made)}"
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while text := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        ahead = await room_ahead(clients[0])
        errors = Errors()
        end, due = time.monotonic() + float(text), time.monotonic()
        while due < end:
            await asyncio.sleep(due - time.monotonic())
            for client in clients:
                look(client, course_of, ahead, errors)
            due += 1 / HZ
        print(json.dumps(errors.summary()), flush=True)
    for client in clients:
        await client.leave()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))

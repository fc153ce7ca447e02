"""Faults on demand in the stores of a running fleet's nodes: an operation held, or a process killed at it.

The game's own package wraps the store's operations, in the node that imports it; the product knows nothing
of it. A test orders a fault by a file.
"""

from __future__ import annotations

from pathlib import Path

MODULE = '''
    """Wraps the operations of this process' store."""

    import asyncio
    import os
    import signal
    from pathlib import Path

    from roomfleet.store.records import Owner
    from roomfleet.store.sqlite import SqliteStore

    FOLDER = Path(os.environ.get("TRIAL_FAULTS", "/nonexistent"))
    take_room, commit_room = SqliteStore.take_room, SqliteStore.commit_room
    replace_actors = SqliteStore.replace_actors


    def name_of(room):
        return room.partition("/")[2]


    async def hold(what, room):
        order = FOLDER / f"hold {what} {name_of(room)}"
        if order.exists():
            (FOLDER / f"held {what} {name_of(room)}").touch()
            while order.exists():
                await asyncio.sleep(0.01)


    def is_meant(order, ops):
        try:
            text = order.read_bytes()
        except FileNotFoundError:
            return False
        return any(text in bytes(op.body) for op in ops)


    def kill(point, ops):
        """Each order kills one process, once."""
        order = FOLDER / f"kill {point}"
        if is_meant(order, ops):
            try:
                order.unlink()
            except FileNotFoundError:
                return
            os.kill(os.getpid(), signal.SIGKILL)


    async def held_take_room(self, room, epoch, owner, spec):
        await hold("start", room)
        return await take_room(self, room, epoch, owner, spec)


    async def faulty_commit_room(self, room, epoch, seq, batch):
        if batch.room is not None and batch.room.owner == Owner():
            await hold("stop", room)
        kill("before commit", batch.ops)
        done = await commit_room(self, room, epoch, seq, batch)
        kill("after commit", batch.ops)
        return done


    async def faulty_replace_actors(self, ops, *, insert):
        order = FOLDER / "kill amid apply"
        if is_meant(order, ops):
            await replace_actors(self, ops[: len(ops) // 2], insert=insert)
            kill("amid apply", ops)
        done = await replace_actors(self, ops, insert=insert)
        kill("after apply", ops)
        return done


    SqliteStore.take_room = held_take_room
    SqliteStore.commit_room = faulty_commit_room
    SqliteStore.replace_actors = faulty_replace_actors
'''

POINTS = ("before commit", "after commit", "amid apply", "after apply")
"""Where a process can be killed: before the batch is written, when it is decided and no actor knows it, when
half of the actors know it, and when all do and nobody was told."""


class Faults:
    """The orders, as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        return {"TRIAL_FAULTS": str(self.folder)}

    def hold_start(self, room: str) -> None:
        """The room's next claim waits."""
        (self.folder / f"hold start {room}").touch()

    def hold_stop(self, room: str) -> None:
        """When the room is stopped it waits before it is saved as stopped."""
        (self.folder / f"hold stop {room}").touch()

    def is_held(self, what: str, room: str) -> bool:
        """Whether a `start` or `stop` waits."""
        return (self.folder / f"held {what} {room}").exists()

    def let_go(self, what: str, room: str) -> None:
        (self.folder / f"hold {what} {room}").unlink()
        (self.folder / f"held {what} {room}").unlink(missing_ok=True)

    def kill(self, point: str, part: str) -> None:
        """The next process that comes to that point with an actor whose saved body contains `part` dies."""
        (self.folder / f"kill {point}").write_text(part)

    def is_pending(self, point: str) -> bool:
        return (self.folder / f"kill {point}").exists()

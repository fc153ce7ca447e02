"""Small helpers for tests of the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from roomfleet.store import Claimed, Presence, Store, Transit, claim, open_store
from roomfleet.store.records import Op, encode

ROOM = "g/town"


def run(url: str, test: Callable[[Store], Awaitable[None]]) -> None:
    """Run the test on an open store, and close it."""

    async def main() -> None:
        store = open_store(url)
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(main())


async def pause(attempt: int) -> None:
    """Gives way, and lets the store breathe when attempts pile up."""
    await asyncio.sleep(0.001 * attempt)


async def claim_room(
    store: Store, room: str, epoch: int, *, node: str = "n", map: str = "m", uid: str = "u"
) -> Claimed:
    """Claim with whatever a test does not care for."""
    return await claim(
        store,
        room=room,
        epoch=epoch,
        node=node,
        url=f"ws://{node}",
        boot=f"{node}-boot",
        uid=uid,
        map=map,
        on_delete="Retain",
        pause=pause,
    )


def op(
    actor: str,
    v: int,
    room: str = ROOM,
    body: dict[str, Any] | None = None,
    *,
    presence: Presence = Presence.PRESENT,
    transit: Transit | None = None,
    token: str = "",
    create: bool = False,
) -> Op:
    """An op with a plain body."""
    return Op(actor, v, room, msgspec.Raw(encode(body or {})), presence, transit, token, create)


async def put(store: Store, ops: Sequence[Op]) -> None:
    """Bring actors into the store, as they are."""
    await store.replace_actors([msgspec.structs.replace(one, create=True) for one in ops], insert=True)

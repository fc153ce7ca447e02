"""While the master is away: finding out which rooms went to another node (DESIGN 6)."""

from __future__ import annotations

import asyncio
import logging

from roomfleet.node.linking.link import Link
from roomfleet.node.running.rooms import Rooms
from roomfleet.store import Store, StoreError, check_epochs, name_of

log = logging.getLogger(__name__)

EPOCHS_SECONDS = 2.0
"""How often the store is asked whose the rooms are, while the link is down: one query for all rooms."""


async def watch_takeovers(store: Store, rooms: Rooms, link: Link) -> None:
    """Fence rooms that the store says are another node's. Never returns."""
    while True:
        await asyncio.sleep(EPOCHS_SECONDS)
        if link.up:
            continue
        try:
            lost = await check_epochs(store, rooms.sessions().values())
        except StoreError as error:
            log.info("cannot check whose the rooms are: %s", error)
            continue
        for session in lost:
            room = rooms.get(name_of(session.room))
            if room is not None and room.session is session:
                room.fence(session.found_epoch)

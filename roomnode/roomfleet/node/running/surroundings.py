"""What a room needs of the node that it is on."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from roomfleet.game.loader import Game
from roomfleet.node.measuring.meters import Meters
from roomfleet.node.running.schedule import Schedule
from roomfleet.store import Store
from roomfleet.wire.settings import Settings

if TYPE_CHECKING:
    from roomfleet.node.running.rooms import Rooms
    from roomfleet.node.serving.doors import Doors
    from roomfleet.node.travelling.arriving import Arrivals
    from roomfleet.node.travelling.asking import SeatRequests
    from roomfleet.node.travelling.tickets import TravelTickets


class Surroundings(Protocol):
    """What a room needs of its node."""

    name: str
    boot: str
    url: str
    game: Game
    store: Store
    settings: Settings
    schedule: Schedule
    rng: random.Random
    meters: Meters
    wall: Callable[[], float]
    """Seconds since 1970."""
    rooms: Rooms
    doors: Doors
    seats: SeatRequests
    arrivals: Arrivals
    tickets: TravelTickets

"""The node's metrics: their names, where their values are read, and `/metrics` (docs/metrics.md).

Labels are words out of short lists; never rooms or players.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tornado.web import RequestHandler

from roomfleet.node.measuring.meters import Meters
from roomfleet.node.running.room import HostedRoom
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.metrics import CONTENT_TYPE, Kind, Metric, Page, Reading, refusal
from roomfleet.wire.version import __version__

C, G, H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

INFO = Metric("roomfleet_node_info", G, "1; who the node is", ("node", "game", "fleet", "version"))
LINK = Metric("roomfleet_node_link_up", G, "1 while the link to the master is up")
DRAINING = Metric("roomfleet_node_draining", G, "1 once the node was told to end")
ROOMS = Metric("roomfleet_node_rooms", G, "rooms on the node by phase", ("phase",))
PLAYERS = Metric("roomfleet_node_players", G, "players connected to its rooms")
RESUMABLE = Metric("roomfleet_node_resumable", G, "seats kept for players on the way in or cut off")
TICKS = Metric("roomfleet_node_ticks_missed_total", C, "ticks of rooms that were skipped: it was late")
SAVES = Metric(
    "roomfleet_node_saves_total",
    C,
    "batches to the store: saved, failed (and tried again), fenced, or refused for what they hold",
    ("outcome",),
)
SAVE_TIME = Metric("roomfleet_node_save_seconds", H, "a batch that was saved")
SAVE_SIZE = Metric("roomfleet_node_save_changes", H, "actors in a batch that was saved")
UNSAVED = Metric(
    "roomfleet_node_unsaved_age_seconds", G, "age of the oldest change that is not saved; 0 when all is"
)
NOT_SAVING = Metric("roomfleet_node_rooms_not_saving", G, "rooms whose saves do not get through")
FENCED = Metric("roomfleet_node_rooms_fenced_total", C, "rooms that another node took over")
LOST = Metric(
    "roomfleet_node_changes_lost_total",
    C,
    "actors whose last, unacknowledged changes were lost when their room was taken over",
)
TRAVELS = Metric(
    "roomfleet_node_travels_total",
    C,
    "actors that left for another room or came from one: way out or in, actor player or npc",
    ("way", "actor"),
)
SEATS = Metric(
    "roomfleet_node_seats_total",
    C,
    "seats in other rooms that players here asked for: granted or refused",
    ("outcome",),
)
FROZEN = Metric("roomfleet_node_move_frozen_seconds", H, "how long rooms stood still that were moved here")
SLOW = Metric("roomfleet_node_slow_clients_total", C, "clients put out because they took nothing")

METRICS = (
    *(INFO, LINK, DRAINING, ROOMS, PLAYERS, RESUMABLE, TICKS, SLOW),
    *(SAVES, SAVE_TIME, SAVE_SIZE, UNSAVED, NOT_SAVING, FENCED, LOST),
    *(TRAVELS, SEATS, FROZEN),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the node stands now."""

    node: str
    game: str
    fleet: str
    link_up: bool
    draining: bool
    rooms: Iterable[HostedRoom]
    now: float
    """Loop time."""


def metrics_page(meters: Meters, standing: Callable[[], Standing]) -> Page:
    """The page of one node."""

    def read() -> Iterator[Reading]:
        yield from _standing(standing())
        yield TICKS, (), meters.missed_ticks
        yield SLOW, (), meters.slow_clients
        for outcome, number in meters.saves.items():
            yield SAVES, (outcome,), number
        yield SAVE_TIME, (), meters.save_seconds
        yield SAVE_SIZE, (), meters.save_changes
        yield FENCED, (), meters.fenced_rooms
        yield LOST, (), meters.lost_changes
        for of, number in meters.travels.items():
            yield TRAVELS, of, number
        for outcome, number in meters.seats.items():
            yield SEATS, (outcome,), number
        yield FROZEN, (), meters.frozen_seconds

    return Page(METRICS, read)


def _standing(node: Standing) -> Iterator[Reading]:
    yield INFO, (node.node, node.game, node.fleet, __version__), 1
    yield LINK, (), node.link_up
    yield DRAINING, (), node.draining
    phases = dict.fromkeys((RoomPhase.STARTING, RoomPhase.RUNNING, RoomPhase.STOPPING), 0)
    players = resumable = not_saving = 0
    unsaved = 0.0
    for room in node.rooms:
        if room.phase in phases:
            phases[room.phase] += 1
        players += room.visits.players.connected
        resumable += room.visits.resumable
        if room.saver is not None:
            not_saving += not room.saver.ok
            if room.saver.unsaved_since is not None:
                unsaved = max(unsaved, node.now - room.saver.unsaved_since)
    for phase, number in phases.items():
        yield ROOMS, (phase.value,), number
    yield PLAYERS, (), players
    yield RESUMABLE, (), resumable
    yield NOT_SAVING, (), not_saving
    yield UNSAVED, (), unsaved


class MetricsHandler(RequestHandler):
    """All metrics of the node, for whoever asks it directly and from a private address."""

    def initialize(self, read: Callable[[], bytes]) -> None:
        self._read = read

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", CONTENT_TYPE)
        why = refusal(self.request.remote_ip, self.request.headers)
        if why:
            self.set_status(403)
            self.finish(why + "\n")
            return
        self.finish(self._read())

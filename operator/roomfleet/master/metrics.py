"""The master's metrics: their names, and where their values are read (docs/metrics.md).

Labels are games, fleets, and words out of short lists; never rooms or players.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from roomfleet.master.core.master import Core
from roomfleet.master.core.queueing.counted import Writes
from roomfleet.wire.metrics import Kind, Metric, Page, Reading
from roomfleet.wire.version import __version__

C, G, H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

BUILD = Metric("roomfleet_build_info", G, "1; the version is in the label", ("version",))
QUEUE_DEPTH = Metric("roomfleet_queue_depth", G, "keys of the room queue that wait to be taken")
QUEUE_HELD = Metric("roomfleet_queue_held_back", G, "keys that failed and wait for their next try")
QUEUE_AGE = Metric(
    "roomfleet_queue_oldest_age_seconds", G, "how long the oldest key has waited; /healthz fails at 30"
)
QUEUE_IDLE = Metric("roomfleet_queue_last_work_age_seconds", G, "how long ago a key was last taken")
WORK = Metric(
    "roomfleet_queue_work_seconds", H, "work on one key; its count is that of reconciles", ("kind",)
)
FAILURES = Metric(
    "roomfleet_failures_total",
    C,
    "what raised in the master: reconciling a key, an event, an alarm, an effect",
    ("kind",),
)
JOINS = Metric(
    "roomfleet_joins_total",
    C,
    "joins that ended: admitted, cancelled, or a refusal's type; by a player, or by a node for a traveller",
    ("game", "by", "outcome"),
)
ADMITTED = Metric("roomfleet_join_admitted_seconds", H, "from a join to its admission", ("game",))
ADMITTED_PLAYERS = Metric(
    "roomfleet_players_admitted_total",
    C,
    "players who were let in: new, back in a session that began before, with a party, or a traveller",
    ("game", "how"),
)
WAITING = Metric("roomfleet_line_waiting", G, "players in line", ("game", "fleet"))
WAITED = Metric(
    "roomfleet_line_oldest_age_seconds", G, "how long whoever waits longest has waited", ("game", "fleet")
)
ROOMS = Metric("roomfleet_rooms", G, "Room objects by phase", ("game", "fleet", "phase"))
PLAYERS = Metric("roomfleet_players", G, "players in rooms", ("game", "fleet"))
NODES = Metric("roomfleet_nodes", G, "nodes by what is known of their link", ("game", "fleet", "link"))
MOVES = Metric(
    "roomfleet_moves_total",
    C,
    "live moves of rooms: moved, refused by the new node, or broken (the room came up anew)",
    ("game", "outcome"),
)
WRITES = Metric(
    "roomfleet_status_writes_total",
    C,
    "writes to objects' status: written, conflict, gone or failed",
    ("outcome",),
)
WRITE_TIME = Metric("roomfleet_status_write_seconds", H, "a write of status that went well")
WRITES_WAITING = Metric("roomfleet_status_writes_waiting", G, "objects with a status to write")
API = Metric(
    "roomfleet_api_requests_total",
    C,
    "requests to the Kubernetes API: ok, or the error's name",
    ("method", "outcome"),
)
LEASE = Metric("roomfleet_lease_held", G, "1 while this master holds the lease and may act")
SYNCED = Metric("roomfleet_synced", G, "1 once every object has been read")

METRICS = (
    *(BUILD, SYNCED, LEASE),
    *(QUEUE_DEPTH, QUEUE_HELD, QUEUE_AGE, QUEUE_IDLE, WORK, FAILURES),
    *(JOINS, ADMITTED, ADMITTED_PLAYERS, WAITING, WAITED),
    *(ROOMS, PLAYERS, NODES, MOVES),
    *(WRITES, WRITE_TIME, WRITES_WAITING, API),
)


def metrics_page(
    core: Core,
    wall: Callable[[], float],
    writes: Writes,
    writes_waiting: Callable[[], int],
    requests: Counter[tuple[str, str]] | None = None,
    may_act: Callable[[], bool] = lambda: True,
) -> Page:
    """`writes`, `writes_waiting` and `requests` are the adapter's; a laptop's has no requests.

    `may_act`: whether this master holds the lease.
    """

    def read() -> Iterator[Reading]:
        yield BUILD, (__version__,), 1
        yield SYNCED, (), core.synced
        yield LEASE, (), may_act()
        yield from _core(core, wall())
        for outcome, number in writes.outcomes.items():
            yield WRITES, (outcome,), number
        yield WRITE_TIME, (), writes.seconds
        yield WRITES_WAITING, (), writes_waiting()
        for of, number in (requests or {}).items():
            yield API, of, number

    return Page(METRICS, read)


def _core(core: Core, now: float) -> Iterator[Reading]:
    health, counted = core.health(now), core.counted
    yield QUEUE_DEPTH, (), health.length
    yield QUEUE_HELD, (), health.held_back
    yield QUEUE_AGE, (), health.oldest_age
    yield QUEUE_IDLE, (), health.last_reconcile_age
    for kind, work in counted.work.items():
        yield WORK, (kind,), work
    for kind, number in counted.failures.items():
        yield FAILURES, (kind,), number
    for of, number in counted.joins.items():
        yield JOINS, of, number
    for game, seconds in counted.admitted.items():
        yield ADMITTED, (game,), seconds
    for how, number in counted.players.items():
        yield ADMITTED_PLAYERS, how, number
    for what, number in counted.moves.items():
        yield MOVES, what, number
    for (game, fleet), census in core.census(now).items():
        yield WAITING, (game, fleet), census.waiting
        yield WAITED, (game, fleet), census.longest_wait
        yield PLAYERS, (game, fleet), census.players
        for phase, number in census.rooms.items():
            yield ROOMS, (game, fleet, phase.value), number
        for link, number in census.nodes.items():
            yield NODES, (game, fleet, link.value), number

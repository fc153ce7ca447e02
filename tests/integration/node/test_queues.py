"""Nothing stays in a queue that nobody takes from: neither on a node that nobody plays on any more, nor while
its master is away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from roomfleet.wire.link import Accepted
from roomfleet.wire.spec import RoomSpec
from support.hosted import Hosted, Listener, soon

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
BETA = RoomSpec(map="map1.beta", script="trial.rooms:Place")
ROUNDS = 3


def kept(node: Any) -> Iterator[tuple[str, Any]]:
    """What may wait for somebody, by what it is."""
    yield "resume secrets", node.doors.resumes
    yield "seats that are wanted", node.seats._wanted
    yield "nudges", node._nudges._sent
    for room in node.rooms:
        visits, live, saver = room.visits, room.live, room.saver
        yield f"{room.name}: sessions", list(visits.players)
        yield f"{room.name}: on the way in", [*visits._entering, *visits._reserved, *visits._sending]
        yield f"{room.name}: used tickets", visits._used
        yield f"{room.name}: players who came", visits._came
        yield f"{room.name}: granted seats", room.departing._granted
        yield f"{room.name}: tasks", room._delivering._outside
        yield f"{room.name}: watchers", list(room.watchers)
        yield f"{room.name}: rounds of frames", room.fanout._rounds
        yield f"{room.name}: viewers behind", room.fanout._behind
        yield f"{room.name}: journeys", live.journeys._of
        for field in ("frames", "told", "seats", "failures", "outside", "kicked", "barriers"):
            yield f"{room.name}: {field} to be delivered", getattr(live.outbox, field)
        yield f"{room.name}: answers that scripts wait for", live.asked._waits
        yield f"{room.name}: barriers", saver._barriers
        yield f"{room.name}: groups to be saved", saver._batches._backlog.groups
        yield f"{room.name}: refused groups", saver._batches._refused


def test_defect_04_no_queue_keeps_what_nobody_takes(on_a_node: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("roomfleet.node.travelling.nudging.KEPT_SECONDS", -1.0)

    async def one_round(on: Hosted, number: int) -> None:
        alpha, beta = on.room("alpha"), on.room("beta")
        here: dict[str, Listener] = {}
        for name in ("leaves", "dropped", "travels", "waits", "kicked", "slow", "twice"):
            here[f"{name}{number}"] = await on.enters(alpha, f"{name}{number}")
        watching = Listener()
        alpha.watchers.enter("admin", watching)
        for call, who in enumerate(here):
            alpha.call(who, call, "scribble", {"value": call, "size": 2_000})
            alpha.call(who, call, "keep", {"value": call})
            alpha.call(who, call, "nothing-like-it", {})
        alpha.call(f"leaves{number}", 90, "send", {"name": f"npc{number}", "room": "beta", "wake": False})
        alpha.call(f"waits{number}", 91, "go", {"room": "nowhere"})
        alpha.call(f"travels{number}", 92, "go", {"room": "beta"})
        second = await on.enters(alpha, f"twice{number}")
        await soon(lambda: alpha.live.player_actor(f"travels{number}") is None)
        await soon(lambda: beta.live.player_actor(f"travels{number}") is not None)
        alpha.visits.leave(f"leaves{number}", here[f"leaves{number}"])
        alpha.visits.leave(f"waits{number}", here[f"waits{number}"])
        alpha.visits.leave(f"twice{number}", second)
        alpha.visits.dropped(f"dropped{number}", here[f"dropped{number}"])
        alpha.visits.dropped(f"slow{number}", here[f"slow{number}"])
        alpha.guarded(lambda live: live.telling.kick(live.player_actor(f"kicked{number}"), "enough"))
        alpha.watchers.dropped(watching)
        await soon(lambda: not len(alpha.visits.players) and not len(beta.visits.players))

    async def test(on: Hosted) -> None:
        on.node.told(Accepted(keys={on.node._key.id: on.node._key.public}, origins=[]))
        await on.runs("alpha", ALPHA)
        await on.runs("beta", BETA)
        for number in range(ROUNDS):
            await one_round(on, number)

        def left() -> dict[str, Any]:
            for name in ("alpha", "beta"):
                on.room(name).report()
            return {what: found for what, found in kept(on.node) if len(found) > 0}

        try:
            await soon(lambda: not left(), within=10)
        except AssertionError:
            raise AssertionError(f"left behind: {left()}") from None

    on_a_node(test, reconnect_seconds=0.2, ticket_seconds=0.1, calls_per_second=1000, calls_burst=1000)

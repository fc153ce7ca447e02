"""The scenarios: small worlds, each made to put one part of the protocol under stress.

Rooms are ``g/R`` and ``g/Q``, actors ``g/x`` and ``g/y``. Labels say who did it.
"""

from __future__ import annotations

import msgspec

from roomfleet.store.protocol.erase import ON_DELETE
from roomfleet.store.records import Op, Transit
from support.explorer.model import Room, world
from support.explorer.node import Node
from support.explorer.search import Process, Scenario

R, Q, X, Y = "g/R", "g/Q", "g/x", "g/y"


def _actor(actor: str, room: str, transit: Transit | None = None) -> Op:
    return Op(actor, 1, room, msgspec.Raw(b'{"life":["born-%s"]}' % actor.encode()), transit=transit)


def _process(program: object, reads: str, writes: str) -> Process:
    return Process(program, frozenset(_names(reads)), frozenset(_names(writes)))  # type: ignore[arg-type]


def _names(short: str) -> list[str]:
    return [name if name == "*" else f"g/{name}" for name in short.split()]


async def _sweep_r(node: Node) -> None:
    await node.sweep(R)


async def _sweep_both(node: Node) -> None:
    await node.sweep(R)
    await node.sweep(Q)


def takeover() -> Scenario:
    """A node trades and saves; another takes the room over at any time and saves too."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1, again=3):
            _ = await node.save(R, "a1", X, Y) and await node.save(R, "a2", Y)

    async def b(node: Node) -> None:
        if await node.claim(R, 2, again=4):
            await node.save(R, "b1", X)

    return Scenario(
        "takeover",
        world([R, Q], [_actor(X, R), _actor(Y, R)]),
        {
            "A": _process(a, "R *", "R x y"),
            "B": _process(b, "R *", "R x y"),
            "C": _process(_sweep_r, "R", "x y"),
        },
    )


def same_epoch() -> Scenario:
    """Two nodes claim at the same epoch."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1, again=2):
            await node.save(R, "a1", X)

    async def b(node: Node) -> None:
        if await node.claim(R, 1, again=2):
            await node.save(R, "b1", X)

    both = {"A": _process(a, "R *", "R x"), "B": _process(b, "R *", "R x")}
    return Scenario("same epoch", world([R], [_actor(X, R)]), both, refusals=True)


def there_and_back() -> Scenario:
    """An actor that has just arrived leaves for the other room, is saved there and comes back."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1):
            node.start(node.poll(2))
            await node.travel(R, "a1", X, Q)
            if not node.sessions[R].fenced:
                await node.sessions[R].applied()
                await node.save(R, "a2", X)

    async def b(node: Node) -> None:
        if await node.claim(Q, 1):
            await node.poll(1)
            await node.travel(Q, "b1", X, R)
            if not node.sessions[Q].fenced:
                await node.sessions[Q].applied()

    return Scenario(
        "there and back",
        world([R, Q], [_actor(X, R, Transit(R, Q))]),
        {
            "A": _process(a, "R *", "R x"),
            "B": _process(b, "Q *", "Q x"),
            "C": _process(_sweep_r, "R", "x"),
        },
    )


def leaving_a_lost_room() -> Scenario:
    """A travel races with a takeover of the room that it starts from."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1) and await node.travel(R, "a1", X, Q):
            await node.sessions[R].applied()

    async def b(node: Node) -> None:
        if await node.claim(R, 2):
            await node.save(R, "b1", X)

    async def d(node: Node) -> None:
        if await node.claim(Q, 1):
            await node.poll(1)
            await node.save(Q, "d1", X)

    return Scenario(
        "leaving a lost room",
        world([R, Q], [_actor(X, R)]),
        {"A": _process(a, "R *", "R x"), "B": _process(b, "R *", "R x"), "D": _process(d, "Q *", "Q x")},
        refusals=True,
    )


def trade_and_leave() -> Scenario:
    """A trade is made and one of the two leaves with it, while both rooms are taken over."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1) and await node.trade_and_travel(R, "a1", X, Y, Q):
            await node.sessions[R].applied()

    async def b(node: Node) -> None:
        if await node.claim(R, 2):
            await node.save(R, "b1", X, *([Y] if node.has(R, Y) else []))

    async def d(node: Node) -> None:
        if await node.claim(Q, 1):
            await node.poll(1)
            await node.save(Q, "d1", Y)

    async def e(node: Node) -> None:
        if await node.claim(Q, 2):
            await node.save(Q, "e1", Y)

    return Scenario(
        "trade and leave",
        world([R, Q], [_actor(X, R), _actor(Y, R)]),
        {
            "A": _process(a, "R *", "R x y"),
            "B": _process(b, "R *", "R x y"),
            "D": _process(d, "Q *", "Q y"),
            "E": _process(e, "Q *", "Q y"),
        },
    )


def caravan() -> Scenario:
    """Two actors leave in one batch; the target, which saw one of them, finishes what their room's owner may
    have left half done, while another node takes that room over.
    """

    async def a(node: Node) -> None:
        if await node.claim(R, 1) and await node.travel_together(R, "a1", Q, X, Y):
            await node.sessions[R].applied()

    async def b(node: Node) -> None:
        if await node.claim(R, 2):
            await node.save(R, "b1", *sorted(node.sessions[R].live))

    async def d(node: Node) -> None:
        if await node.claim(Q, 1):
            await node.poll(1)
            if len(node.sessions[Q].live) == 1:
                await node.sweep(R)
                await node.poll(1)
            await node.save(Q, "d1", *sorted(node.sessions[Q].live))

    return Scenario(
        "caravan",
        world([R, Q], [_actor(X, R), _actor(Y, R)]),
        {
            "A": _process(a, "R *", "R x y"),
            "B": _process(b, "R *", "R x y"),
            "D": _process(d, "Q R *", "Q x y"),
        },
        faults=1,
    )


def spawn_race() -> Scenario:
    """Two rooms spawn the same player's actor; one is swept."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1) and await node.spawn(R, "a0", X):
            await node.save(R, "a1", X)

    async def b(node: Node) -> None:
        if await node.claim(Q, 1) and await node.spawn(Q, "b0", X):
            await node.save(Q, "b1", X)

    return Scenario(
        "spawn race",
        world([R, Q], []),
        {
            "A": _process(a, "R x *", "R x"),
            "B": _process(b, "Q x *", "Q x"),
            "C": _process(_sweep_r, "R", "x"),
        },
    )


def spawn_and_leave() -> Scenario:
    """While a room is busy spawning an actor, another room makes it first and sends it over."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1):
            node.start(node.poll(2))
            await node.spawn(R, "a0", X)
            await node.save(R, "a1", X)

    async def b(node: Node) -> None:
        if await node.claim(Q, 1) and await node.spawn(Q, "b0", X) and await node.travel(Q, "b1", X, R):
            await node.sessions[Q].applied()

    return Scenario(
        "spawn and leave",
        world([R, Q], []),
        {"A": _process(a, "R x *", "R x"), "B": _process(b, "Q x *", "Q x")},
    )


def deleted_and_born_again() -> Scenario:
    """An actor is made and deleted; another room makes it again; late writes of its first life land."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1) and await node.spawn(R, "a0", X) and await node.delete(R, "a1", X):
            await node.sessions[R].applied()

    async def b(node: Node) -> None:
        if await node.claim(Q, 1) and await node.spawn(Q, "b0", X):
            await node.save(Q, "b1", X)

    return Scenario(
        "deleted and born again",
        world([R, Q], []),
        {
            "A": _process(a, "R x *", "R x"),
            "B": _process(b, "Q x *", "Q x"),
            "C": _process(_sweep_r, "R", "x"),
        },
    )


def away() -> Scenario:
    """A player leaves and comes back to the room, while another node takes it over."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1) and await node.save(R, "a1", X, away=True) and await node.spawn(R, "a2", X):
            await node.save(R, "a3", X)

    async def b(node: Node) -> None:
        if await node.claim(R, 2):
            if not node.has(R, X):
                await node.spawn(R, "b1", X)
            await node.save(R, "b2", X)

    return Scenario(
        "away",
        world([R], [_actor(X, R)]),
        {"A": _process(a, "R x *", "R x"), "B": _process(b, "R x *", "R x")},
        refusals=True,
    )


def same_node() -> Scenario:
    """Two rooms on one node hand an actor over at once, there and back; one of them is taken over."""

    async def a(node: Node) -> None:
        if await node.claim(R, 1) and await node.claim(Q, 1):
            await node.travel(R, "a1", X, Q, at_once=True)
            await node.travel(Q, "a2", X, R, at_once=True)
            if not node.sessions[R].fenced:
                await node.save(R, "a3", X)

    async def b(node: Node) -> None:
        if await node.claim(R, 2):
            await node.poll(1)
            await node.save(R, "b1", X)

    return Scenario(
        "same node",
        world([R, Q], [_actor(X, R)]),
        {
            "A": _process(a, "R Q *", "R Q x"),
            "B": _process(b, "R *", "R x"),
            "C": _process(_sweep_both, "R Q", "x"),
        },
    )


def sent_back() -> Scenario:
    """An actor on its way is sent back, while its target runs and takes it in."""

    async def a(node: Node) -> None:
        if await node.claim(Q, 1):
            await node.save(Q, "a1", X)

    async def v(node: Node) -> None:
        await node.send_back(Q, 2)

    async def b(node: Node) -> None:
        if await node.claim(R, 1):
            await node.poll(1)
            await node.save(R, "b1", X)

    return Scenario(
        "sent back",
        world([R, Q], [_actor(X, Q, Transit(Q, R))]),
        {"A": _process(a, "Q *", "Q x"), "V": _process(v, "Q *", "Q x"), "B": _process(b, "R *", "R x")},
    )


def erased() -> Scenario:
    """A deleted room is erased while a guest is on the way to it, by what its former room's last owner
    committed and did not apply. Meanwhile the room is made again, and the guest is asked for where it was.
    """

    async def e(node: Node) -> None:
        await node.erase(R, "old", 1, "e1", X, Q)

    async def b(node: Node) -> None:
        if await node.claim(R, 2, uid="new") or await node.claim(R, 3, uid="new"):
            await node.save(R, "b1", *sorted(node.sessions[R].live))

    async def d(node: Node) -> None:
        if await node.claim(Q, 2) and await node.spawn(Q, "d0", X):
            await node.save(Q, "d1", X)

    on_its_way = msgspec.json.encode(
        Op(X, 2, R, msgspec.Raw(b'{"life":["born-%s"]}' % X.encode()), transit=Transit(R, Q))
    )
    rooms = {
        Q: Room(epoch=1, seq=1, ops=(on_its_way,)),
        R: Room(epoch=1, uid="old", on_delete=ON_DELETE),
    }
    return Scenario(
        "erased",
        world([], [_actor(X, Q), _actor(Y, R)])._replace(rooms=tuple(rooms.items())),
        {
            "E": _process(e, "R Q *", "R x y"),
            "B": _process(b, "R *", "R x y"),
            "D": _process(d, "Q x *", "Q x"),
        },
        faults=1,
    )


def wanted_again() -> Scenario:
    """A room that is to be erased is wanted again: it runs under a higher epoch, and saves."""

    async def e(node: Node) -> None:
        await node.erase(R, "same", 1, "e1", X, Q)

    async def b(node: Node) -> None:
        if await node.claim(R, 2, uid="same") or await node.claim(R, 3, uid="same"):
            _ = await node.save(R, "b1", *sorted(node.sessions[R].live)) and await node.save(R, "b2")

    rooms = {Q: Room(), R: Room(epoch=1, uid="same", on_delete=ON_DELETE)}
    return Scenario(
        "wanted again",
        world([], [_actor(Y, R)])._replace(rooms=tuple(rooms.items())),
        {"E": _process(e, "R Q *", "R y"), "B": _process(b, "R *", "R y")},
        faults=1,
    )


SCENARIOS = (
    takeover,
    same_epoch,
    there_and_back,
    leaving_a_lost_room,
    trade_and_leave,
    caravan,
    spawn_race,
    spawn_and_leave,
    deleted_and_born_again,
    away,
    same_node,
    sent_back,
    erased,
    wanted_again,
)

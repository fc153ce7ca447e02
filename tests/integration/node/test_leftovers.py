"""What a node looks after for rooms that it does not run."""

from __future__ import annotations

from typing import Any

from roomfleet.store import Create, Save, Session, StoreUnavailable, Travel, claim, doc_id
from roomfleet.wire.link import Bring, Find, FindMarked, Found, Nudge, SendBack, Sweep
from roomfleet.wire.spec import RoomSpec
from support.hosted import Hosted, soon

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
BETA = RoomSpec(map="map1.beta", script="trial.rooms:Place")
BODY = {
    "script": "trial.rooms:Load",
    "name": "porter",
    "path": [],
    "parent": None,
    "timers": {},
    "state": {},
}


def room(name: str) -> str:
    return doc_id("trial", name)


async def pause(attempt: int) -> None:
    raise StoreUnavailable("not in this test")


async def owner(on: Hosted, name: str) -> Session:
    """Another node's session of the room."""
    claimed = await claim(
        on.store.inner,
        room=room(name),
        epoch=1,
        node="lost",
        url="",
        boot="",
        uid=f"uid {name}",
        map=f"map1.{name}",
        on_delete="Retain",
        pause=pause,
    )
    return claimed.session


async def body_like(on: Hosted) -> dict[str, Any]:
    """A saved body as this game writes it."""
    beta = on.room("beta")
    return {**beta.live.new_player_body("x", beta.now()), **{k: BODY[k] for k in ("script", "name", "path")}}


async def left(on: Hosted, origin: str, target: str, name: str = "porter", *, wake: bool = False) -> None:
    """An actor leaves a room whose node dies after the commit: decided, and no document knows it."""
    lost = await owner(on, origin)
    actor, body = doc_id("trial", name), {**await body_like(on), "name": name}
    await lost.commit([Create(actor, body)], state={}, ceiling_ms=0, saved_at_ms=1)
    await lost.applied()
    await lost.commit([Travel(actor, body, room(target), {"wake": wake})], ceiling_ms=0, saved_at_ms=1)


def seen(on: Hosted, name: str) -> list[str]:
    return sorted(actor.name for actor in on.room(name).live.actors)


def test_who_left_a_room_whose_owner_died_before_it_told_anybody_arrives(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        await on.runs("beta", BETA)
        lost = await owner(on, "alpha")
        body = await body_like(on)
        actors = [doc_id("trial", name) for name in ("porter", "load")]
        changes = [Create(actors[0], body), Create(actors[1], {**body, "parent": "porter", "name": "load"})]
        await lost.commit(changes, state={}, ceiling_ms=0, saved_at_ms=1)
        await lost.applied()
        leaving = [
            Travel(actors[0], body, room("beta"), {"wake": True}),
            Travel(actors[1], {**body, "parent": "porter", "name": "load"}, room("beta"), {"wake": True}),
        ]
        await lost.commit(leaving, ceiling_ms=0, saved_at_ms=1)
        # It dies here: decided, and no document knows it.
        assert seen(on, "beta") == []
        on.node.told(Sweep(rooms=["alpha", "never-was"]))
        await soon(lambda: seen(on, "beta") == ["load", "porter"])
        by_name = {actor.name: actor for actor in on.room("beta").live.actors}
        assert by_name["load"].parent is by_name["porter"]

    on_a_node(test)


def test_a_lost_room_is_looked_after_as_soon_as_the_store_answers_again(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        await on.runs("beta", BETA)
        await left(on, "alpha", "beta")
        failed: list[str] = []

        def trouble(name: str, args: tuple[Any, ...]) -> BaseException | None:
            if name == "get_room" and args == (room("alpha"),) and len(failed) < 3:
                failed.append(name)
                return StoreUnavailable("the store is away")
            return None

        on.store.trouble = trouble
        on.node.told(Sweep(rooms=["alpha"]))
        await soon(lambda: seen(on, "beta") == ["porter"])
        assert len(failed) == 3

    on_a_node(test)


def test_what_no_sweep_was_said_for_is_found_when_the_node_is_asked_for_marked_rooms(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        await on.runs("beta", BETA)
        await left(on, "alpha", "beta")
        on.node.told(FindMarked())
        await soon(lambda: seen(on, "beta") == ["porter"])

    on_a_node(test)


def test_a_room_is_woken_for_who_is_on_the_way_and_not_for_who_was(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        await on.runs("beta", BETA)
        await left(on, "alpha", "gamma", wake=True)
        said: list[Any] = []
        on.node._nudges._send = lambda message: said.append(message) or True  # type: ignore[func-returns-value]

        def nudged() -> list[tuple[str, bool]]:
            return [(one.room, one.wake) for one in said if isinstance(one, Nudge)]

        on.node.told(Sweep(rooms=["alpha"]))
        await soon(nudged)
        assert nudged() == [("gamma", True)]
        gamma = await owner(on, "gamma")
        save = Save(doc_id("trial", "porter"), await body_like(on))
        await gamma.commit([save], state={}, ceiling_ms=0, saved_at_ms=1)
        await gamma.applied()
        await left(on, "delta", "omega", "courier", wake=True)
        on.node.told(Sweep(rooms=["alpha", "delta"]))
        await soon(lambda: len(nudged()) > 1)
        assert nudged() == [("gamma", True), ("omega", True)]

    on_a_node(test)


def test_who_is_on_the_way_to_a_room_that_is_gone_is_back_in_the_room_that_it_left(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        beta = await on.runs("beta", BETA)
        body = await body_like(on)
        gone = await owner(on, "gone")
        await gone.commit(
            [Create(doc_id("trial", "native"), body)], state={"x": 1}, ceiling_ms=4, saved_at_ms=3
        )
        await gone.applied()
        assert beta.session is not None
        listener = await on.enters(beta, "ada")
        beta.call("ada", 1, "send", {"name": "pilgrim", "room": "gone", "wake": True})
        await soon(lambda: "result" in listener.types())
        await on.room("beta").saver.flush()
        await on.room("beta").session.applied()
        assert "pilgrim" not in seen(on, "beta")
        on.node.told(SendBack(room="gone", entry="alpha"))
        await soon(lambda: "pilgrim" in seen(on, "beta"))
        assert seen(on, "beta") == ["ada", "pilgrim"]
        found = await on.store.inner.get_actor(doc_id("trial", "native"))
        assert found is not None
        assert found.room == room("gone"), "who lives there stays there"
        doc = await on.store.inner.get_room(room("gone"))
        assert doc is not None
        assert (doc.epoch, doc.state, doc.saved_at) == (2, {"x": 1}, 3), "its data are as they were"

    on_a_node(test)


def test_an_actor_that_is_away_is_sent_off_however_long_the_store_is_in_trouble(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        listener = await on.enters(alpha, "ada")
        alpha.visits.leave("ada", listener)
        failed: list[str] = []

        def trouble(name: str, args: tuple[Any, ...]) -> BaseException | None:
            travels = name == "commit_room" and any(op.transit is not None for op in args[3].ops)
            if travels and len(failed) < 3:
                failed.append(name)
                return StoreUnavailable("the store is away")
            return None

        on.store.trouble = trouble
        bring = Bring(id="j1", player="ada", origin="alpha", room="beta")
        on.node.told(bring)
        on.node.told(bring)  # said again: it does no harm
        await soon(lambda: len(failed) == 3)
        entering = await on.enters(alpha, "ada")
        assert entering.types() == ["rejoin"]
        on.want("beta", BETA)
        await soon(lambda: on.room("beta") is not None and on.room("beta").live is not None)
        await soon(lambda: seen(on, "beta") == ["ada"])
        assert seen(on, "alpha") == []

    on_a_node(test)


def test_one_that_has_left_meanwhile_is_not_looked_for_here(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        assert alpha.session is not None
        actor = doc_id("trial", "p:ada")
        body = await _left_for(on, "ada")
        assert body["name"] == "ada"
        said: list[Any] = []
        on.node._link.send = lambda message: said.append(message) or True  # type: ignore[method-assign,func-returns-value]
        on.node.told(Bring(id="j1", player="ada", origin="alpha", room="beta"))
        on.node.told(Bring(id="j2", player="nobody", origin="alpha", room="beta"))
        await soon(lambda: len([each for each in said if type(each).__name__ == "Brought"]) == 2)
        rooms = {each.id: each.room for each in said if type(each).__name__ == "Brought"}
        assert rooms == {"j1": "gamma", "j2": None}
        assert (await on.store.inner.get_actor(actor)) is not None

    async def _left_for(on: Hosted, player: str) -> dict[str, Any]:
        alpha = on.room("alpha")
        actor = doc_id("trial", f"p:{player}")
        body: dict[str, Any] = alpha.live.new_player_body(player, alpha.now())
        other = await owner(on, "beta")
        await other.spawn(actor, body)
        await other.save([Save(actor, body)], None)
        await other.save([Travel(actor, body, room("gamma"))], None)
        await other.applied()
        return body

    on_a_node(test)


def test_where_a_player_is_said_only_after_it_was_sent_back(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        body = alpha.live.new_player_body("ada", alpha.now())  # type: ignore[union-attr]
        beta = await owner(on, "beta")
        for player in ("ada", "bob"):
            actor = doc_id("trial", f"p:{player}")
            await beta.spawn(actor, body)
            await beta.save([Travel(actor, body, room("gone" if player == "ada" else "alpha"))], None)
            await beta.applied()
        said: list[Any] = []
        on.node._link.send = lambda message: said.append(message) or True  # type: ignore[method-assign,func-returns-value]

        def found() -> dict[str, str]:
            return {each.id: each.room for each in said if isinstance(each, Found)}

        gate = on.store.hold("take_room")
        on.node.told(SendBack(room="gone", entry="alpha"))
        on.node.told(Find(id="f1", player="ada"))
        on.node.told(Find(id="f2", player="bob"))
        await soon(found)
        assert found() == {"f2": "alpha"}, "nobody else waits for that"
        gate.set()
        await soon(lambda: len(found()) == 2)
        assert found()["f1"] == "beta"
        on.node.told(Find(id="f3", player="ada"))
        await soon(lambda: len(found()) == 3)
        assert found()["f3"] == "beta"

    on_a_node(test)

"""The golden messages that the JavaScript client is tested with give the same here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roomfleet.client.actions import State
from roomfleet.client.links import PlayLink, RoomLink
from roomfleet.client.view import position_of
from roomfleet.wire import joining, session
from roomfleet.wire.patch import apply_ops
from unit.client.world import World, welcome

GOLDEN = Path(__file__).parents[2] / "golden" / "messages"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def playing(first: dict[str, Any]) -> tuple[World, int]:
    """A client in the room of that snapshot."""
    world = World()
    world.join("town")
    link = world.admit(world.accept())
    world.say(link, welcome(), first)
    assert world.state is State.PLAYING
    return world, link


def test_a_snapshot_and_its_patches_give_the_expected_copy() -> None:
    scenario = golden("copy.scenario")
    world, link = playing(scenario["snapshot"])
    world.say(link, *scenario["patches"])
    assert world.state is State.PLAYING
    assert world.session.shown is not None
    assert world.session.shown.copy == scenario["expected"]


@pytest.mark.parametrize("misfit", golden("copy.misfits")["misfits"], ids=lambda misfit: misfit["why"])
def test_an_op_that_does_not_fit_gets_a_new_snapshot(misfit: dict[str, Any]) -> None:
    copy = golden("copy.misfits")["copy"]
    world, link = playing({"type": "snapshot", "seq": 1, "now": 50.0, **copy})
    world.say(link, {"type": "patch", "seq": 2, "now": 50.1, "ops": [misfit["op"]]})
    assert world.sent[link][-1] == {"type": "snapshot"}
    world.say(link, {"type": "snapshot", "seq": 3, "now": 50.2, **copy})
    assert world.state is State.PLAYING
    assert world.session.shown is not None
    assert world.session.shown.copy == copy


def test_positions_are_the_same_numbers() -> None:
    for case in golden("motion.positions"):
        copy = {"actors": {"a": {"id": "a", "parent": None, "path": case["path"]}}}
        for now, x, y in case["at"]:
            assert position_of(copy, "a", now) == (x, y)


def test_speed_changes_stops_teleports_docking_and_ways_of_many_legs_are_drawn_as_they_are() -> None:
    scene = golden("motion.scene")
    for step in scene["steps"]:
        apply_ops(scene["copy"], step["ops"])
        for now, actor_id, x, y in step["drawn"]:
            assert position_of(scene["copy"], actor_id, now) == (x, y), step["why"]


def test_joins_are_said_word_for_word_as_agreed() -> None:
    for message in golden("player-to-master.join"):
        join = joining.from_player.decode(json.dumps(message))
        assert json.loads(PlayLink(1, "ws://m", join, 0).opened(0)) == message


def test_hellos_are_said_word_for_word_as_agreed() -> None:
    for message in golden("client-to-node.hello"):
        hello = session.from_client.decode(json.dumps(message))
        assert isinstance(hello, session.Hello)
        assert json.loads(RoomLink(1, "ws://n", hello, 20, 0).opened(0)) == message


NEXT_STATES = {
    "welcome": {State.PLAYING},
    "snapshot": {State.PLAYING},
    "event": {State.PLAYING},
    "result": {State.PLAYING},
    "error": {State.PLAYING},
    "pong": {State.PLAYING},
    "waiting": {State.PLAYING},
    "patch": {State.PLAYING, State.RECONNECTING},
    "travel": {State.TRAVELLING},
    "rejoin": {State.RECONNECTING},
    "bye": {State.BYE},
}


@pytest.mark.parametrize("kind", sorted(NEXT_STATES))
def test_each_message_of_a_node_leads_where_it_should(kind: str) -> None:
    for message in golden(f"node-to-client.{kind}"):
        world, link = playing(golden("node-to-client.snapshot")[0])
        world.say(link, message)
        assert world.state in NEXT_STATES[kind], message


def test_each_message_of_the_master_leads_where_it_should() -> None:
    for kind, state in {
        "waiting": State.WAITING,
        "admitted": State.LOADING,
        "refused": State.REFUSED,
    }.items():
        for message in golden(f"master-to-player.{kind}"):
            world = World()
            world.join("town")
            world.say(world.accept(), message)
            assert world.state is state, message

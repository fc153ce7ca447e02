"""State: fields are defined, checked and seen by tier."""

from __future__ import annotations

import pytest

from roomfleet.game import Actor, Player, StateError
from support.game_room import World


class Guard(Actor):
    def define(self) -> None:
        self.state.public(mood="calm", bag={})
        self.state.owner(plan=[])
        self.state.internal(seen=[])


class Captain(Guard):
    def define(self) -> None:
        super().define()
        self.state.public(mood="stern")
        self.state.internal(plan=["attack"])


def guard(cls: type[Guard] = Guard) -> Guard:
    return World().room.spawn(cls)


def test_a_subclass_may_define_again_with_another_value_and_tier() -> None:
    state = guard(Captain).state
    assert state._visible(owner=True) == {"mood": "stern", "bag": {}}
    assert state._visible(owner=False) == {"mood": "stern", "bag": {}}
    assert state.plan == ["attack"]
    assert guard().state._visible(owner=True) == {"mood": "calm", "bag": {}, "plan": []}


def test_defaults_are_not_shared() -> None:
    one, other = guard(), guard()
    one.state.bag["x"] = 1
    assert other.state.bag == {}


def test_unknown_fields_are_named_with_those_that_there_are() -> None:
    state = guard().state
    with pytest.raises(StateError, match=r"Guard.state.mod: no such field.*mood, bag, plan, seen"):
        state.mod = "x"
    with pytest.raises(AttributeError, match="no such field"):
        _ = state.mod
    with pytest.raises(StateError, match="no such field"):
        World().room.spawn(Guard, mod="x")
    with pytest.raises(StateError, match="set it to None"):
        del state.mood
    with pytest.raises(StateError, match=r"in define\(\) only"):
        state.public(late=1)
    assert not hasattr(state, "__wrapped__")


def test_names_that_cannot_be_fields() -> None:
    class Bad(Actor):
        def define(self) -> None:
            self.state.public(owner=1)

    with pytest.raises(Exception, match=r"Bad\.state\.owner: that name is taken"):
        World().room.spawn(Bad)


def test_a_bad_value_is_refused_at_its_place_and_changes_nothing() -> None:
    state = guard().state
    with pytest.raises(StateError, match=r"Guard.state.bag.tools\[1\]: set is not JSON"):
        state.bag = {"tools": [1, {2}]}
    with pytest.raises(StateError, match=r"Guard.state.bag.deep.x: object is not"):
        state.bag["deep"] = {"x": object()}
    assert state.bag == {}


def test_reading_state() -> None:
    state = guard().state
    assert "mood" in state
    assert list(state) == ["mood", "bag", "plan", "seen"]
    assert "mood" in repr(state)


def test_what_every_actor_has_cannot_be_shadowed() -> None:
    with pytest.raises(Exception, match=r"Bad.state: every actor has its own `state`"):

        class Bad(Actor):
            state = {}  # type: ignore[assignment]

    with pytest.raises(Exception, match=r"Slow\.speed: 'fast' is not a number"):

        class Slow(Player):
            speed = "fast"  # type: ignore[assignment]

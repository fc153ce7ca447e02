"""Applying ops: what each does, for any change; errors and golden files are in test_golden."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.wire.errors import PatchError
from roomfleet.wire.patch import apply_ops


def room(**state: Any) -> dict[str, Any]:
    return {"actors": {"a": {"state": state}}, "room": {"state": {}}}


@given(st.lists(st.integers(), max_size=6), st.data())
def test_ins_and_del_are_a_lists_own(items: list[int], data: st.DataObject) -> None:
    mine = room(bag=list(items))
    at = data.draw(st.integers(0, len(items)))
    apply_ops(mine, [["ins", ["a", "state", "bag", at], "new"]])
    assert mine["actors"]["a"]["state"]["bag"] == [*items[:at], "new", *items[at:]]
    apply_ops(mine, [["del", ["a", "state", "bag", at]]])
    assert mine["actors"]["a"]["state"]["bag"] == items


@given(st.dictionaries(st.text(max_size=3), st.integers()), st.text(max_size=3), st.integers())
def test_set_and_del_are_a_dicts_own(items: dict[str, int], key: str, value: int) -> None:
    mine = room(box=dict(items))
    apply_ops(mine, [["set", ["a", "state", "box", key], value]])
    assert mine["actors"]["a"]["state"]["box"] == {**items, key: value}
    apply_ops(mine, [["del", ["a", "state", "box", key]]])
    assert mine["actors"]["a"]["state"]["box"] == {k: v for k, v in items.items() if k != key}


@given(
    st.dictionaries(st.text(max_size=3), st.integers()), st.dictionaries(st.text(max_size=3), st.integers())
)
def test_put_is_a_set_of_each_field(items: dict[str, int], fields: dict[str, int]) -> None:
    mine = room(box=dict(items))
    apply_ops(mine, [["put", ["a", "state", "box"], fields]])
    assert mine["actors"]["a"]["state"]["box"] == {**items, **fields}


def test_ops_see_what_the_ones_before_them_did() -> None:
    mine = room()
    apply_ops(
        mine,
        [
            ["enter", "b", {"state": {}}],
            ["set", ["b", "state", "bag"], []],
            ["ins", ["b", "state", "bag", 0], 1],
            ["leave", "a", "door"],
        ],
    )
    assert mine["actors"] == {"b": {"state": {"bag": [1]}}}


def test_an_actor_that_enters_again_is_replaced() -> None:
    mine = room(hp=1)
    apply_ops(mine, [["enter", "a", {"state": {"hp": 2}}]])
    assert mine["actors"] == {"a": {"state": {"hp": 2}}}


def test_the_ops_before_the_one_that_does_not_fit_stay_applied() -> None:
    mine = room()
    with pytest.raises(PatchError, match="ask for a snapshot"):
        apply_ops(mine, [["set", ["room", "state", "x"], 1], ["leave", "nobody", ""], ["leave", "a", ""]])
    assert mine["room"]["state"] == {"x": 1}
    assert "a" in mine["actors"]


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
near_ops = st.tuples(
    st.sampled_from(["set", "put", "del", "ins", "enter", "leave", "dance"]) | scalars,
    st.lists(st.sampled_from(["a", "room", "state", "bag", 0, 1, -1]) | scalars, max_size=4) | anything,
    anything,
).map(list)


@given(st.lists(near_ops | near_ops.map(lambda op: op[:2]) | st.lists(anything, max_size=4), max_size=5))
def test_no_op_raises_anything_but_a_patch_error(ops: list[list[Any]]) -> None:
    mine = room(bag=[1, {"k": 1}], name="x")
    with contextlib.suppress(PatchError):
        apply_ops(mine, copy.deepcopy(ops))
    assert set(mine) == {"actors", "room"}

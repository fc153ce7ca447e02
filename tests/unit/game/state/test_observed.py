"""Dicts and lists in state: they do what Python's do, and their ops tell exactly what was done."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.game import DictState, ListState
from roomfleet.game.errors import StateError
from roomfleet.game.state.observed import adopt
from roomfleet.game.state.plain import bare, same
from roomfleet.wire.patch import apply_ops
from support.game_changes import draw_change, values


class Log:
    """What observed values hang on in these tests: collects their ops."""

    def __init__(self, value: Any) -> None:
        self.ops: list[list[Any]] = []
        self.value = adopt(value)
        self.value._holder, self.value._name = self, "value"

    def changed(self, op: str, path: list[str | int], value: Any) -> None:
        whole = ["room", *path]
        self.ops.append([op, whole] if op == "del" else [op, whole, bare(value)])

    def where(self) -> str:
        return "it"

    def told(self) -> list[list[Any]]:
        """The ops, with paths below the value, and begin anew."""
        ops, self.ops = self.ops, []
        return [[op[0], op[1][2:], *op[2:]] for op in ops]


@given(st.data(), st.dictionaries(st.sampled_from("ab"), values, max_size=3) | st.lists(values, max_size=4))
def test_any_changes_do_what_pythons_containers_do_and_the_ops_replay_them(data: Any, start: Any) -> None:
    log = Log(start)
    model = copy.deepcopy(start)
    client = {"actors": {}, "room": {"value": copy.deepcopy(start)}}
    for _ in range(data.draw(st.integers(1, 6), label="changes")):
        change = draw_change(data, model)
        assert change.make(log.value) == change.make(model)
        model = bare(model)  # Python's would hold one inner list twice; state holds copies
        assert same(bare(log.value), model), change
        apply_ops(client, log.ops)
        log.ops.clear()
        assert same(client["room"]["value"], model), change


@given(st.data(), st.dictionaries(st.sampled_from("ab"), values, max_size=3))
def test_an_equal_assignment_tells_nothing(data: Any, start: dict[str, Any]) -> None:
    log = Log(start)
    for name in start:
        log.value[name] = copy.deepcopy(start[name])
    log.value.update(copy.deepcopy(start))
    assert log.told() == []


def test_one_and_true_and_one_point_nought_are_not_the_same() -> None:
    log = Log({"a": 1})
    log.value["a"] = True
    log.value["a"] = 1.0
    assert log.told() == [["set", ["a"], True], ["set", ["a"], 1.0]]


def test_a_change_deep_down_tells_only_itself() -> None:
    log = Log({"bag": [{"kind": "axe", "wear": 0}, {"kind": "rope", "wear": 1}], "gold": 5})
    log.value["bag"][1]["wear"] += 1
    assert log.told() == [["set", ["bag", 1, "wear"], 2]]


def test_update_tells_each_key_that_differs() -> None:
    log = Log({"a": 1, "b": 2, "c": 3})
    log.value.update(a=1, b=5, d=6)
    assert log.told() == [["set", ["b"], 5], ["set", ["d"], 6]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda items: items.append(9), [["ins", [3], 9]]),
        (lambda items: items.insert(0, 9), [["ins", [0], 9]]),
        (lambda items: items.insert(-99, 9), [["ins", [0], 9]]),
        (lambda items: items.pop(), [["del", [2]]]),
        (lambda items: items.remove(2), [["del", [1]]]),
        (lambda items: items.__delitem__(slice(0, 2)), [["del", [1]], ["del", [0]]]),
        (lambda items: items.__setitem__(slice(1, 2), [7, 8]), [["set", [1], 7], ["ins", [2], 8]]),
        (lambda items: items.extend([4, 5]), [["ins", [3], 4], ["ins", [4], 5]]),
        (lambda items: items.clear(), [["set", [], []]]),
        (lambda items: items.reverse(), [["set", [], [3, 2, 1]]]),
        (lambda items: items.sort(), []),
        (lambda items: items.__imul__(1), []),
    ],
)
def test_a_list_tells_the_least(change: Any, told: list[Any]) -> None:
    log = Log([1, 2, 3])
    change(log.value)
    assert log.told() == told


def test_children_of_a_list_know_their_place_after_it_moved() -> None:
    log = Log([{"n": 0}, {"n": 1}, {"n": 2}])
    last = log.value[2]
    del log.value[0]
    log.told()
    last["n"] = 9
    assert log.told() == [["set", [1, "n"], 9]]


@given(st.data())
def test_children_that_a_script_holds_know_their_place_whatever_is_done_around_them(data: Any) -> None:
    log = Log([{"n": number} for number in range(8)])
    held = list(log.value)
    for step in range(data.draw(st.integers(1, 12), label="steps")):
        match data.draw(st.sampled_from(["insert", "delete", "reverse", "change", "change"]), label="what"):
            case "insert":
                log.value.insert(data.draw(st.integers(0, len(log.value))), {"new": step})
            case "delete" if log.value:
                gone = log.value.pop(data.draw(st.integers(0, len(log.value) - 1)))
                held = [each for each in held if each is not gone]
            case "reverse":
                log.value.reverse()
            case "change" if held:
                child = data.draw(st.sampled_from(held))
                log.told()
                child["n"] = -step - 1
                [at] = [index for index, each in enumerate(log.value) if each is child]
                assert log.told() == [["set", [at, "n"], -step - 1]]


def test_what_was_put_in_is_a_copy() -> None:
    mine: dict[str, Any] = {"n": [1]}
    log = Log({})
    log.value["x"] = mine
    mine["n"].append(2)
    assert log.value == {"x": {"n": [1]}}
    log.value["y"] = log.value["x"]
    log.told()
    log.value["y"]["n"].append(3)
    assert log.told() == [["ins", ["y", "n", 1], 3]]
    assert log.value["x"] == {"n": [1]}


def test_what_was_taken_out_tells_nothing_any_more() -> None:
    log = Log({"x": [1], "y": [1], "items": [[1], [2]]})
    taken = [log.value.pop("x"), log.value["y"], log.value["items"].pop(0), log.value["items"][0]]
    log.value["y"] = 0
    log.value["items"].clear()
    log.told()
    for each in taken:
        each.append(5)
    assert log.told() == []


def test_copies_are_plain() -> None:
    value = Log({"x": [1]}).value
    for copied in (copy.deepcopy(value), copy.copy(value), pickle.loads(pickle.dumps(value)), bare(value)):
        assert type(copied) is dict
        assert type(copied["x"]) is list
    assert type(value.copy()) is dict
    assert type(value["x"].copy()) is list
    assert json.loads(json.dumps(value)) == msgspec.json.decode(msgspec.json.encode(value)) == {"x": [1]}
    assert isinstance(value, DictState)
    assert isinstance(value["x"], ListState)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": {1: 2}}, r"it.value.a.b: the key 1 is int"),
        ([1, {2}], r"it.value.a\[1\]: set is not JSON data"),
        (float("nan"), r"it.value.a: nan is no JSON number"),
        (2**60, r"it.value.a: \d+ is too large"),
        ("\ud800", r"it.value.a: .* is not Unicode text"),
        ({"b": object()}, r"it.value.a.b: object is not JSON data"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place_and_changes_nothing(value: Any, text: str) -> None:
    log = Log({"a": 0, "z": 1})
    with pytest.raises(StateError, match=text):
        log.value["a"] = value
    with pytest.raises(StateError, match=text):
        log.value.update(z=2, a=value)
    assert log.value == {"a": 0, "z": 1}
    assert log.told() == []


def test_a_value_in_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(StateError, match=r"it\.value\.a\[0\]: holds itself"):
        Log({}).value["a"] = endless
    round_about: dict[str, Any] = {"b": [1, {"c": {}}]}
    round_about["b"][1]["c"]["d"] = round_about["b"]
    with pytest.raises(StateError, match=r"it\.value\.a\.b\[1\]\.c\.d: holds itself"):
        Log({}).value["a"] = round_about


def test_a_value_that_is_nested_too_deep_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(61):
        deep = [deep]
    with pytest.raises(StateError, match=r"it\.value\.a(\[0\]){61}: nested deeper than 60 levels"):
        Log({}).value["a"] = deep


def test_a_refused_slice_changes_nothing() -> None:
    log = Log([1, 2, 3])
    with pytest.raises(StateError, match=r"it.value\[1\]"):
        log.value[0:2] = [7, object()]
    with pytest.raises(ValueError, match="extended slice"):
        log.value[::2] = [1]
    assert log.value == [1, 2, 3]
    assert log.told() == []


def test_a_sort_that_raises_tells_the_order_it_left() -> None:
    log = Log([3, "a", 1])
    with pytest.raises(TypeError):
        log.value.sort()
    client = {"actors": {}, "room": {"value": [3, "a", 1]}}
    apply_ops(client, log.ops)
    assert client["room"]["value"] == log.value

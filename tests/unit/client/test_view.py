"""Where actors are, docked ones included."""

from __future__ import annotations

from typing import Any

from roomfleet.client.view import empty_copy, position_of


def copy(**parents: str | None) -> dict[str, Any]:
    seen = empty_copy()
    for number, (name, parent) in enumerate(parents.items()):
        seen["actors"][name] = {"id": name, "parent": parent, "path": [[number, 0, 0], [number, 10, 10]]}
    return seen


def test_an_actor_is_along_its_path() -> None:
    assert position_of(copy(ada=None), "ada", 5) == (0, 5)


def test_a_docked_actor_is_where_its_parent_is_through_every_level() -> None:
    assert position_of(copy(cart=None, box="cart", cat="box"), "cat", 2) == (0, 2)


def test_a_docked_actor_whose_parent_cannot_be_seen_is_on_its_own_path() -> None:
    assert position_of(copy(ada=None, cat="ghost"), "cat", 3) == (1, 3)


def test_actors_that_are_each_others_parents_have_a_position_nevertheless() -> None:
    assert position_of(copy(a="b", b="a"), "a", 1) is not None


def test_an_actor_that_is_not_there_has_no_position() -> None:
    assert position_of(copy(), "ada", 1) is None

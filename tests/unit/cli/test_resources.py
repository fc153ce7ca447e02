"""What arguments name."""

from __future__ import annotations

import pytest

from roomfleet.cli.errors import UsageError
from roomfleet.cli.resources import asked
from roomfleet.master.local.crds import installed_kinds


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["rooms"], [("rooms", None)]),
        (["rm", "town"], [("rooms", "town")]),
        (["room", "a", "b"], [("rooms", "a"), ("rooms", "b")]),
        (["room/town"], [("rooms", "town")]),
        (["rm/a", "rfleet/b"], [("rooms", "a"), ("roomfleets", "b")]),
        (["irooms,rfleets"], [("instancedrooms", None), ("roomfleets", None)]),
        (["roomfleet-all"], [("instancedrooms", None), ("roomfleets", None), ("rooms", None)]),
        (["roomfleet"], [("roomfleets", None)]),
        (["roomfleet", "default"], [("roomfleets", "default")]),
        (["roomfleet/default"], [("roomfleets", "default")]),
        (["rooms.roomfleet.io"], [("rooms", None)]),
    ],
)
def test_arguments_name_kinds_and_objects(arguments: list[str], found: list[tuple[str, str | None]]) -> None:
    assert [(each.kind.plural, each.name) for each in asked(arguments, installed_kinds())] == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "you must say what"),
        (["pods"], 'the server doesn\'t have a resource type "pods": there are .*rooms \\(rm\\)'),
        (["pods/x"], 'resource type "pods"'),
        (["room/"], "every argument has to be one"),
        (["room/a", "b"], "every argument has to be one"),
    ],
)
def test_what_names_nothing_is_told(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked(arguments, installed_kinds())

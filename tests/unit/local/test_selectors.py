"""Label selectors, with kubectl's meaning."""

from __future__ import annotations

import pytest

from roomfleet.master.local.errors import BadRequest
from roomfleet.master.local.selectors import parse_selector

LABELS = {"a": "1", "env": "prod", "example.com/tier": "web"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("a=1", True),
        ("a==1", True),
        ("a=2", False),
        ("a!=2", True),
        ("missing!=2", True),
        ("a!=1", False),
        ("a", True),
        ("missing", False),
        ("!missing", True),
        ("! a", False),
        ("env in (dev, prod)", True),
        ("env in (dev)", False),
        ("env notin (dev)", True),
        ("missing notin (x)", True),
        ("env notin (prod)", False),
        ("example.com/tier=web,a=1 , env", True),
        ("a=1,env=dev", False),
        ("missing=", False),
    ],
)
def test_a_selector_selects(text: str, selected: bool) -> None:
    assert parse_selector(text).matches({"metadata": {"labels": LABELS}}) is selected


@pytest.mark.parametrize("text", ["a=1=2", "=a", "a in", "a in (", "a b", "(a)", "a,,b", "a>1"])
def test_what_is_no_selector_is_quoted(text: str) -> None:
    with pytest.raises(BadRequest, match="unable to parse requirement"):
        parse_selector(text)


def test_objects_without_labels_are_selected_by_absence_only() -> None:
    assert parse_selector("!a").matches({"metadata": {}})
    assert not parse_selector("a").matches({"metadata": {"labels": None}})

"""The JSONPath that printer columns use."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roomfleet.cli.jsonpath import BadPath, find

VALUE: dict[str, Any] = {
    "a": {"b": [1, 2, 3], "c.d": "dotted", "e f": "spaced"},
    "list": [{"type": "Ready", "n": 1, "on": True}, {"type": "Saved", "n": 2}, {"other": 1}, 5],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", [VALUE]),
        (".a.b", [[1, 2, 3]]),
        (".a.b[0]", [1]),
        (".a.b[-1]", [3]),
        (".a.b[7]", []),
        (".a.b[*]", [1, 2, 3]),
        (r".a.c\.d", ["dotted"]),
        (".a['c.d']", ["dotted"]),
        ('.a["e f"]', ["spaced"]),
        (".a.missing.more", []),
        (".a.b.c", []),
        ('.list[?(@.type=="Saved")].n', [2]),
        (".list[?(@.type=='Ready')].n", [1]),
        ('.list[?(@.type!="Saved")].n', [1]),
        (".list[?(@.n==2)].type", ["Saved"]),
        (".list[?(@.on==true)].type", ["Ready"]),
        ('.list[?( @.type == "Nix" )].n', []),
    ],
)
def test_a_path_finds(path: str, found: list[Any]) -> None:
    assert find(path, VALUE) == found


@pytest.mark.parametrize("path", ["a", ".", ".a[", ".a[?(@.b)]", ".a..b", "{.a}", ".a[?(@.b==bare)]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        find(path, VALUE)


@given(st.text(alphabet=".[]?(@)='\"ab*0\\ ", max_size=12))
def test_any_text_finds_or_is_refused(path: str) -> None:
    with suppress(BadPath):
        assert isinstance(find(path, VALUE), list)

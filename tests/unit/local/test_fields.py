"""Applying and patching fields: who set what, and what goes away."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.local.fields import Managers, apply, merge_patch, owned_part

names = st.sampled_from("abc")
specs = st.recursive(
    st.integers(0, 3) | st.none() | st.lists(st.integers(0, 2), max_size=2),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
manifests = st.builds(
    lambda spec, labels: {"metadata": {"name": "x", "labels": labels}, "spec": spec},
    st.dictionaries(names, specs, max_size=3),
    st.dictionaries(names, names, max_size=2),
)


def applied(
    live: dict[str, Any], manifest: dict[str, Any], manager: str, managers: Managers
) -> dict[str, Any]:
    """Applies and notes what the manager owns then."""
    result = apply(live, manifest, manager, managers)
    managers[manager] = owned_part(manifest)
    return result


@given(manifests, manifests)
def test_applied_twice_is_unchanged(first: dict[str, Any], second: dict[str, Any]) -> None:
    managers: Managers = {}
    live = applied({}, first, "me", managers)
    once = applied(live, second, "me", managers)
    assert applied(once, second, "me", managers) == once


@given(manifests, manifests)
def test_with_one_manager_the_last_manifest_is_all_there_is(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    managers: Managers = {}
    live = applied({}, first, "me", managers)
    assert without_empty(applied(live, second, "me", managers)) == without_empty(owned_part(second))


@given(manifests, manifests, manifests)
def test_what_another_manager_set_stays(
    mine: dict[str, Any], theirs: dict[str, Any], next_: dict[str, Any]
) -> None:
    managers: Managers = {}
    live = applied({}, mine, "me", managers)
    live = applied(live, theirs, "they", managers)
    live = applied(live, next_, "me", managers)
    merged = apply(owned_part(theirs), next_, "me", {})
    assert contains(live, without_empty(owned_part(next_)))
    for key, label in theirs["metadata"]["labels"].items():
        assert live["metadata"]["labels"][key] == merged["metadata"]["labels"].get(key, label)


@given(manifests, manifests)
def test_nothing_given_is_changed(first: dict[str, Any], second: dict[str, Any]) -> None:
    managers: Managers = {"me": owned_part(first)}
    live = owned_part(first)
    before = repr((live, first, second, managers))
    result = apply(live, second, "me", managers)
    result.setdefault("spec", {})["new"] = 1
    assert repr((live, first, second, managers)) == before


def test_a_map_that_loses_its_last_field_goes_too() -> None:
    managers: Managers = {}
    live = applied({}, {"spec": {"ingress": {"host": "a"}, "map": "m"}}, "me", managers)
    assert applied(live, {"spec": {"map": "m"}}, "me", managers) == {"spec": {"map": "m"}}


def test_status_and_identity_are_nobodys() -> None:
    manifest = {"apiVersion": "v", "kind": "k", "metadata": {"name": "a", "uid": "u"}, "status": {"x": 1}}
    assert owned_part(manifest) == {}


def test_a_merge_patch_merges_maps_takes_nulls_away_and_replaces_the_rest() -> None:
    # The example of RFC 7396, section 3.
    before = {
        "title": "Goodbye!",
        "author": {"givenName": "John", "familyName": "Doe"},
        "tags": ["example", "sample"],
        "content": "This will be unchanged",
    }
    patch = {
        "title": "Hello!",
        "phoneNumber": "+01-123-456-7890",
        "author": {"familyName": None},
        "tags": ["example"],
    }
    assert merge_patch(before, patch) == {
        "title": "Hello!",
        "author": {"givenName": "John"},
        "tags": ["example"],
        "content": "This will be unchanged",
        "phoneNumber": "+01-123-456-7890",
    }
    assert merge_patch([1], {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}


def without_empty(value: Any) -> Any:
    """The value without maps that have nothing in them: whether they stay is of no account."""
    if not isinstance(value, dict):
        return value
    kept = {key: without_empty(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item != {}}


def contains(value: Any, part: Any) -> bool:
    if not isinstance(part, dict):
        return bool(value == part)
    return isinstance(value, dict) and all(key in value and contains(value[key], part[key]) for key in part)

"""What is news, what an echo, and what a list finds gone."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core.model import Key
from roomfleet.master.kube.cache import Cache, Id, Listing, id_of

TOWN = Id("rooms", Key("game", "town"))


def obj(version: int, *, name: str = "town", uid: str = "u1", namespace: str = "game") -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": name, "uid": uid, "resourceVersion": str(version)},
    }


def test_a_newer_version_is_news_and_an_echo_is_not() -> None:
    cache = Cache()
    assert cache.put(TOWN, obj(5))
    assert not cache.put(TOWN, obj(5))
    assert not cache.put(TOWN, obj(4))
    assert cache.put(TOWN, obj(10))  # a number, not a text


def test_an_object_made_again_is_news_and_its_predecessor_never_comes_back() -> None:
    cache = Cache()
    cache.put(TOWN, obj(5))
    assert cache.put(TOWN, obj(9, uid="u2"))
    assert not cache.put(TOWN, obj(7))
    assert not cache.drop(TOWN, "u1")
    assert cache.drop(TOWN, "u2")
    assert cache.get(TOWN) is None
    assert not cache.drop(TOWN, "u2")


def test_who_manages_which_field_is_not_kept() -> None:
    cache = Cache()
    big = obj(1)
    big["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    cache.put(TOWN, big)
    assert cache.get(TOWN) == obj(1)


def test_what_a_watch_has_still_to_tell_of_an_object_that_we_have_deleted_is_no_news() -> None:
    cache = Cache()
    cache.put(TOWN, obj(5))
    assert cache.drop(TOWN, "u1")
    assert not cache.put(TOWN, obj(7))
    assert cache.get(TOWN) is None
    assert cache.put(TOWN, obj(9, uid="u2"))


def test_what_a_finalizer_keeps_though_it_was_told_to_be_deleted_is_gone() -> None:
    cache, listing = Cache(), Listing()
    cache.put(TOWN, obj(5))
    going = obj(7)
    going["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["example.org/backup"])
    assert not cache.put(TOWN, going)
    assert cache.compare("rooms", "game", [going], 7, listing) == ([], [(TOWN, obj(5))])
    assert cache.compare("rooms", "game", [going], 8, listing) == ([], [])


def test_a_list_finds_a_deletion_that_no_watch_reported() -> None:
    cache = Cache()
    cache.put(TOWN, obj(5))
    mill = obj(6, name="mill")
    cache.put(id_of("rooms", mill), mill)
    news, gone = cache.compare("rooms", "game", [mill], 20, cache.listing())
    assert news == []
    assert gone == [(TOWN, obj(5))]
    assert list(cache) == [id_of("rooms", mill)]


def test_what_came_after_the_list_s_moment_is_not_gone() -> None:
    cache = Cache()
    cache.put(TOWN, obj(21))
    assert cache.compare("rooms", "game", [], 20, cache.listing()) == ([], [])
    assert cache.get(TOWN) is not None


def test_what_was_deleted_while_the_list_was_under_way_does_not_rise_again() -> None:
    cache = Cache()
    cache.put(TOWN, obj(5))
    listing = cache.listing()
    cache.drop(TOWN, "u1")
    assert cache.compare("rooms", "game", [obj(5)], 20, listing) == ([], [])
    cache.end(listing)
    assert cache.get(TOWN) is None


def test_a_list_of_one_namespace_or_kind_says_nothing_of_others() -> None:
    cache = Cache()
    cache.put(TOWN, obj(5))
    assert cache.compare("rooms", "other", [], 20, cache.listing()) == ([], [])
    assert cache.compare("roomfleets", "", [], 20, cache.listing()) == ([], [])
    assert cache.compare("rooms", "", [], 20, cache.listing())[1] == [(TOWN, obj(5))]


def test_an_object_made_again_in_the_gap_is_told_as_news() -> None:
    cache = Cache()
    cache.put(TOWN, obj(5))
    again = obj(9, uid="u2")
    assert cache.compare("rooms", "game", [again], 20, cache.listing()) == ([(TOWN, again)], [])


@given(data=st.data())
def test_however_watch_and_list_interleave_the_cache_ends_as_the_server(data: st.DataObject) -> None:
    """A history of one object; some of its watch events are lost; a list at its end puts everything right."""
    history: list[dict[str, Any] | str] = []
    version, uid, alive = 0, 0, False
    for delete in data.draw(st.lists(st.booleans(), max_size=12)):
        version += 1
        if delete and alive:
            history.append(f"u{uid}")
            alive = False
        else:
            uid += not alive
            alive = True
            history.append(obj(version, uid=f"u{uid}"))
    cache = Cache()
    listing = cache.listing()
    heard = [event for event in history if data.draw(st.booleans())]
    split = data.draw(st.integers(0, len(heard)))

    def hear(events: list[dict[str, Any] | str]) -> None:
        for event in events:
            if isinstance(event, str):
                cache.drop(TOWN, event)
            else:
                cache.put(TOWN, obj(int(event["metadata"]["resourceVersion"]), uid=event["metadata"]["uid"]))

    hear(heard[:split])
    last = history[-1] if history else "u0"
    server = [] if isinstance(last, str) else [last]
    cache.compare("rooms", "game", server, version, listing)
    hear(heard[split:])
    if isinstance(last, str):
        # What the watch tells late of an object that the list knew to be gone, the next list takes back.
        cache.compare("rooms", "game", [], version + 1, cache.listing())
        assert cache.get(TOWN) is None
    else:
        assert cache.get(TOWN) == last

"""The backlog: per actor the newest change wins, and what belongs together is never split."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.game.outbox import AtomicGroup, Change, ChangeKind
from roomfleet.node.saving import backlog as backlog_module
from roomfleet.node.saving.backlog import Backlog

ACTORS = ("a", "b", "c", "d", "e", "f")

group_members = st.lists(st.sampled_from(ACTORS), min_size=0, max_size=4, unique=True)
composed = st.lists(st.tuples(group_members, st.booleans()), min_size=1, max_size=3)
steps = st.lists(
    st.one_of(
        composed,  # the room composes
        st.tuples(st.just("take"), st.sampled_from([None, 1, 2])),  # a batch is committed
        st.tuples(st.just("fail"), st.sampled_from([None, 1, 2])),  # or taken and not committed
    ),
    max_size=12,
)


def save(actor: str, v: int, kind: ChangeKind = ChangeKind.SAVE, **more: Any) -> Change:
    return Change(kind, actor, {"v": v}, **more)


def one(*changes: Change, room: bool = False) -> AtomicGroup:
    return AtomicGroup(changes, room)


@given(steps)
def test_whatever_happens_the_newest_is_saved_and_groups_stay_whole(script: list[Any]) -> None:
    backlog = Backlog()
    newest: dict[str, int] = {}
    saved: dict[str, int] = {}
    together: list[frozenset[str]] = []
    """Groups that were composed and of which nothing was committed since."""
    count = room_at = room_saved = 0

    def taken(most: int | None) -> tuple[list[AtomicGroup], dict[str, Any] | None]:
        groups, body = backlog.take_batch(most)
        assert groups or not backlog
        # A group that was composed as one leaves as one.
        leaving = [{change.actor for change in group.changes} for group in groups]
        for members in together:
            touched = [left for left in leaving if members & left]
            assert len(touched) <= 1
            assert not touched or members <= touched[0]
        assert (body is not None) == any(group.room for group in groups)
        return groups, body

    for step in script:
        if isinstance(step, list):
            count += 1
            seen: set[str] = set()
            groups = []
            for members, room in step:
                fresh = [actor for actor in members if actor not in seen]
                seen |= set(fresh)
                changes = [save(actor, count) for actor in fresh]
                room_in = room and not any(group.room for group in groups)
                if changes or room_in:
                    groups.append(one(*changes, room=room_in))
                    together.append(frozenset(fresh))
                for actor in fresh:
                    newest[actor] = count
            touches_room = any(group.room for group in groups)
            if touches_room:
                room_at = count
            backlog.add(groups, {"v": count} if touches_room else None)
        elif step[0] == "fail":
            groups, body = taken(step[1])
            backlog.put_back(groups, body)
        else:
            groups, body = taken(step[1])
            for group in groups:
                for change in group.changes:
                    assert saved.get(change.actor, 0) < change.body["v"]
                    saved[change.actor] = change.body["v"]
                gone = {change.actor for change in group.changes}
                together[:] = [members for members in together if not members & gone]
            if body is not None:
                room_saved = body["v"]
        owners = [change.actor for group in backlog.groups for change in group.changes]
        assert len(owners) == len(set(owners)), "an actor has one change"
        assert sum(group.room for group in backlog.groups) <= 1
    while backlog:
        groups, body = taken(None)
        saved |= {change.actor: change.body["v"] for group in groups for change in group.changes}
        room_saved = body["v"] if body is not None else room_saved
    assert saved == newest
    assert room_saved == room_at


def test_a_creation_that_was_never_saved_stays_one() -> None:
    backlog = Backlog()
    backlog.add([one(save("a", 1, ChangeKind.CREATE))], None)
    backlog.add([one(save("a", 2))], None)
    ((group,), _) = backlog.take_batch()
    (change,) = group.changes
    assert (change.kind, change.body) == (ChangeKind.CREATE, {"v": 2})


def test_a_creation_that_travels_before_it_was_saved_is_a_new_traveller() -> None:
    backlog = Backlog()
    backlog.add([one(save("a", 1, ChangeKind.CREATE))], None)
    backlog.add([one(save("a", 2, ChangeKind.TRAVEL, to_room="b"))], None)
    ((group,), _) = backlog.take_batch()
    (change,) = group.changes
    assert (change.kind, change.fresh, change.to_room) == (ChangeKind.TRAVEL, True, "b")


def test_what_was_created_and_deleted_before_any_save_leaves_no_trace() -> None:
    backlog = Backlog()
    backlog.add([one(save("a", 1, ChangeKind.CREATE))], None)
    backlog.add([one(Change(ChangeKind.DELETE, "a", {}))], None)
    assert not backlog
    assert backlog.take_batch() == ([], None)


def test_what_was_saved_and_then_deleted_is_deleted() -> None:
    backlog = Backlog()
    backlog.add([one(save("a", 1))], None)
    backlog.add([one(Change(ChangeKind.DELETE, "a", {}))], None)
    ((group,), _) = backlog.take_batch()
    assert [change.kind for change in group.changes] == [ChangeKind.DELETE]


def test_a_batch_holds_as_many_groups_as_fit_and_one_at_least() -> None:
    size = backlog_module.BATCH_BYTES // 2
    backlog = Backlog()
    backlog.add([one(Change(ChangeKind.SAVE, actor, {"text": "x" * size})) for actor in "abc"], None)
    sizes = []
    while backlog:
        groups, _ = backlog.take_batch()
        sizes.append(len(groups))
    assert sizes == [1, 1, 1]
    backlog.add([one(Change(ChangeKind.SAVE, "a", {"text": "x" * 3 * size}))], None)
    assert len(backlog.take_batch()[0]) == 1


def test_an_actor_that_bridges_two_groups_makes_them_one() -> None:
    backlog = Backlog()
    backlog.add([one(save("a", 1), save("b", 1)), one(save("c", 1), save("d", 1))], None)
    backlog.add([one(save("b", 2), save("c", 2))], None)
    groups, _ = backlog.take_batch(1)
    assert sorted((change.actor, change.body["v"]) for change in groups[0].changes) == [
        ("a", 1),
        ("b", 2),
        ("c", 2),
        ("d", 1),
    ]
    assert not backlog

"""A session in trouble: refusals, lost answers, interrupted calls, takeovers; and who is live meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from roomfleet.store import (
    ActorRecord,
    BadChange,
    Change,
    Committed,
    Create,
    Delete,
    Fenced,
    HeldBy,
    Live,
    OutcomeUnknown,
    Presence,
    Save,
    Session,
    StoreUnavailable,
    TooLarge,
    Transit,
    Travel,
    arrivals,
    claim,
)
from roomfleet.store.protocol.apply import apply_ops
from roomfleet.store.records import Op
from support.store_by_hand import LANDED, LOST, REFUSED, ByHand
from support.store_tools import claim_room

R, Q = "g/R", "g/Q"


@pytest.fixture
def hand() -> ByHand:
    return ByHand(R, Q)


def claimed(hand: ByHand, room: str = R, epoch: int = 1) -> Session:
    async def no_pause(attempt: int) -> None:
        assert attempt < 10

    session = hand.run(
        claim(
            hand.store,
            room=room,
            epoch=epoch,
            node="n",
            url="",
            boot="",
            uid="",
            map="",
            on_delete="",
            pause=no_pause,
        )
    ).session
    hand.kinds()
    return session


def commit(
    hand: ByHand, session: Session, *changes: Change, state: dict[str, Any] | None = None
) -> Committed:
    return hand.run(session.commit(changes, state=state, ceiling_ms=0, saved_at_ms=0))


def body(hand: ByHand, actor: str) -> object:
    found = hand.run(hand.store.get_actor(actor))
    hand.kinds()
    return None if found is None else found.body


@pytest.fixture
def session(hand: ByHand) -> Session:
    session = claimed(hand)
    commit(hand, session, Create("g/a", {"n": 0}))
    hand.run(session.applied())
    hand.kinds()
    return session


def test_a_commit_is_acknowledged_before_it_is_applied(hand: ByHand, session: Session) -> None:
    commit(hand, session, Save("g/a", {"n": 1}))
    assert hand.kinds() == ["commit_room"]
    hand.run(session.applied())
    hand.run(session.applied())
    assert hand.kinds() == ["replace_actor"]


def test_the_next_commit_waits_until_the_former_is_applied(hand: ByHand, session: Session) -> None:
    commit(hand, session, Save("g/a", {"n": 1}))
    commit(hand, session, Save("g/a", {"n": 2}))
    assert hand.kinds() == ["commit_room", "replace_actor", "commit_room"]


def test_what_the_game_changes_after_a_commit_is_not_in_it(hand: ByHand, session: Session) -> None:
    data = {"n": 1}
    commit(hand, session, Save("g/a", data))
    data["n"] = 99
    hand.run(session.applied())
    assert body(hand, "g/a") == {"n": 1}


def test_after_a_refusal_nothing_has_changed_and_all_can_be_given_again(
    hand: ByHand, session: Session
) -> None:
    hand.fates = [("commit_room", REFUSED)]
    with pytest.raises(StoreUnavailable):
        commit(hand, session, Travel("g/a", {"n": 1}, Q), Create("g/b", {}))
    assert dict(session.live) == {"g/a": 1}
    assert commit(hand, session, Travel("g/a", {"n": 2}, Q), Create("g/b", {})).seq == 2
    assert set(session.live) == {"g/b"}
    hand.run(session.applied())
    assert body(hand, "g/a") == {"n": 2}


@pytest.mark.parametrize(
    "fates", [[LOST], [LANDED], [LOST, LOST, LANDED], [LANDED, LOST], [LOST, REFUSED, REFUSED]]
)
def test_a_commit_of_unknown_outcome_is_sent_again_until_it_is_known(
    hand: ByHand, session: Session, fates: list[str]
) -> None:
    hand.fates = [("commit_room", fate) for fate in fates]
    assert commit(hand, session, Save("g/a", {"n": 1})).seq == 2
    sent = [request for request in hand.asked if request[0] == "commit_room"]
    assert len(sent) == len(fates) + 1
    assert len(set(sent)) == 1, "identical each time"
    hand.run(session.applied())
    assert body(hand, "g/a") == {"n": 1}


def test_a_look_that_fails_after_a_miss_in_doubt_is_taken_again(hand: ByHand, session: Session) -> None:
    hand.fates = [("commit_room", LANDED), ("get_room", REFUSED), ("get_room", LOST)]
    assert commit(hand, session, Save("g/a", {"n": 1})).seq == 2


def test_a_takeover_while_the_outcome_is_unknown_acknowledges_nothing(hand: ByHand, session: Session) -> None:
    pending = session.commit([Save("g/a", {"n": 1})], ceiling_ms=0, saved_at_ms=0)
    request = pending.send(None)
    other = claimed(hand, R, 5)
    assert request[0] == "commit_room"
    with pytest.raises(Fenced) as fenced:
        hand.run(_resumed(pending))
    assert fenced.value.found_epoch == 5
    assert session.fenced
    assert commit(hand, other, Save("g/a", {"n": 2})).seq == 2


async def _resumed(pending: Any) -> Any:
    """Go on with a coroutine whose last request got lost."""
    return await _answered(pending, await _Ask(pending.throw(OutcomeUnknown("lost"))))


class _Ask:
    def __init__(self, request: Any) -> None:
        self.request = request

    def __await__(self) -> Any:
        return (yield self.request)


def test_a_fenced_session_knows_its_successor_if_it_can_be_asked(hand: ByHand, session: Session) -> None:
    claimed(hand, R, 3)
    hand.fates = [("get_room", REFUSED)]
    with pytest.raises(Fenced, match="unknown epoch"):
        commit(hand, session)
    with pytest.raises(Fenced):
        commit(hand, session)


def test_a_cancelled_commit_is_settled_before_the_next(hand: ByHand, session: Session) -> None:
    requests = []
    for happens in (False, True):
        pending = session.commit([Save("g/a", {"n": happens})], ceiling_ms=0, saved_at_ms=0)
        requests.append(pending.send(None))
        if happens:
            hand.run(_asked(requests[-1]))
        with pytest.raises(asyncio.CancelledError):
            pending.throw(asyncio.CancelledError())
    assert requests[0] == requests[1], "the second call begins with what the first one left in doubt"
    assert commit(hand, session, Save("g/a", {"n": 7})).seq == 3
    hand.run(session.applied())
    assert body(hand, "g/a") == {"n": 7}


async def _asked(request: Any) -> Any:
    return await _Ask(request)


def test_a_pause_that_gives_up_leaves_the_batch_in_doubt(hand: ByHand, session: Session) -> None:
    class GaveUp(Exception):
        pass

    async def give_up(attempt: int) -> None:
        raise GaveUp

    patient, session._pause = session._pause, give_up
    hand.fates = [("commit_room", LANDED)]
    with pytest.raises(GaveUp):
        commit(hand, session, Travel("g/a", {"n": 1}, Q))
    assert not session.live
    session._pause = patient
    hand.run(session.applied())
    assert body(hand, "g/a") == {"n": 1}


def test_too_large_a_batch_is_refused_before_anything_is_written(hand: ByHand, session: Session) -> None:
    with pytest.raises(TooLarge, match="1,048,576"):
        commit(hand, session, Save("g/a", {"text": "x" * 1024 * 1024}))
    with pytest.raises(TooLarge):
        commit(hand, session, state={"text": "x" * 1024 * 1024})
    with pytest.raises(TooLarge):
        hand.run(session.spawn("g/p", {"text": "x" * 1024 * 1024}))
    assert "commit_room" not in hand.kinds()
    commit(hand, session, Save("g/a", {"text": "x" * 1_000_000}))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([Save("g/nobody", {})], "not live"),
        ([Delete("g/nobody")], "not live"),
        ([Create("g/a", {})], "created before"),
        ([Save("g/a", {}), Delete("g/a")], "two changes"),
        ([Save("other/a", {})], "another game"),
        ([Travel("g/a", {}, "other/room")], "another game"),
        ([Travel("g/a", {}, R)], "it is in"),
        ([Save("g/a", {"x": object()})], "JSON"),
        ([Create("g/ok", {}), Save("g/a", {"x": {1, object()}})], "g/a"),
    ],
)
def test_changes_that_make_no_sense_are_refused_whole(
    hand: ByHand, session: Session, changes: list[Change], why: str
) -> None:
    with pytest.raises(BadChange, match=why):
        commit(hand, session, *changes)
    assert dict(session.live) == {"g/a": 1}
    assert hand.kinds() == []


def test_an_id_used_again_after_its_deletion_passes_the_tombstone(hand: ByHand, session: Session) -> None:
    commit(hand, session, Delete("g/a"))
    commit(hand, session, Create("g/a", {"n": "new"}))
    hand.run(session.applied())
    assert body(hand, "g/a") == {"n": "new"}


def test_a_new_actor_may_leave_before_it_was_ever_saved(hand: ByHand, session: Session) -> None:
    hand.fates = [("commit_room", REFUSED)]
    with pytest.raises(StoreUnavailable):
        commit(hand, session, Travel("g/new", {"n": 1}, Q, new=True))
    commit(hand, session, Travel("g/new", {"n": 2}, Q, new=True))
    hand.run(session.applied())
    assert body(hand, "g/new") == {"n": 2}
    assert "g/new" not in session.live


def arriving(v: int, room: str = R, presence: Presence = Presence.PRESENT) -> ActorRecord:
    return ActorRecord("g/x", v, room, {}, presence, Transit(room, Q))


def test_only_news_is_taken_in(hand: ByHand, session: Session) -> None:
    assert not session.take(arriving(3, Q))
    assert not session.take(arriving(3, presence=Presence.DELETED))
    assert session.take(arriving(3))
    assert not session.take(arriving(4)), "it is live already"
    hand.fates = [("commit_room", LOST)]
    commit(hand, session, Travel("g/x", {}, Q))
    assert not session.take(arriving(3)), "from before it left"
    assert not session.take(arriving(4)), "its own travel's version"
    assert session.take(arriving(5))


def test_nobody_is_taken_in_by_a_session_that_is_over(hand: ByHand, session: Session) -> None:
    hand.run(session.release(ceiling_ms=0, saved_at_ms=0))
    assert not session.take(arriving(3))
    other = claimed(hand, R, 2)
    other.lost_to(3)
    assert not other.take(arriving(3))


def test_while_an_actor_is_spawned_it_is_not_taken_in(hand: ByHand, session: Session) -> None:
    pending = session.spawn("g/x", {})
    pending.send(None)
    assert not session.take(arriving(3))
    pending.close()
    assert session.take(arriving(3))


def test_a_spawn_that_lost_the_race_points_to_the_holder(hand: ByHand, session: Session) -> None:
    other = claimed(hand, Q)
    pending = session.spawn("g/x", {"by": "R"})
    request = pending.send(None)
    assert request == ("get_actor", "g/x")
    assert isinstance(hand.run(other.spawn("g/x", {"by": "Q"})), Live)
    assert hand.run(_answered(pending, None)) == HeldBy(Q, in_transit=False)
    assert "g/x" not in session.live


async def _answered(pending: Any, answer: Any) -> Any:
    """Go on with a coroutine whose last request got the answer."""
    while True:
        try:
            request = pending.send(answer)
        except StopIteration as stop:
            return stop.value
        answer = await _Ask(request)


def test_a_spawn_interrupted_after_its_commit_is_taken_up_by_the_next(hand: ByHand, session: Session) -> None:
    hand.fates = [("replace_actor", asyncio.CancelledError())]
    with pytest.raises(asyncio.CancelledError):
        hand.run(session.spawn("g/x", {"n": 1}))
    assert "g/x" not in session.live
    spawned = hand.run(session.spawn("g/x", {"n": 2}))
    assert isinstance(spawned, Live)
    assert spawned.record.body == {"n": 1}


def test_a_spawn_that_the_store_refuses_has_done_nothing(hand: ByHand, session: Session) -> None:
    for kind in ("get_actor", "commit_room"):
        hand.fates = [(kind, REFUSED)]
        with pytest.raises(StoreUnavailable):
            hand.run(session.spawn("g/x", {}))
    assert body(hand, "g/x") is None
    assert isinstance(hand.run(session.spawn("g/x", {})), Live)


def test_an_insertion_that_met_a_document_is_sent_again_without_inserting(
    hand: ByHand, session: Session
) -> None:
    async def no_pause(attempt: int) -> None:
        raise AssertionError

    op = Op("g/a", 1, Q, msgspec.Raw(b"{}"), create=True)
    hand.run(apply_ops(hand.store, (op,), no_pause))
    assert [request[2] for request in hand.asked] == [True, False]
    assert body(hand, "g/a") == {"n": 0}


def test_applying_goes_on_until_the_outcome_is_known(hand: ByHand, session: Session) -> None:
    commit(hand, session, Save("g/a", {"n": 1}))
    hand.fates = [("replace_actor", fate) for fate in (LOST, REFUSED, LANDED)]
    hand.run(session.applied())
    assert hand.kinds().count("replace_actor") == 4
    assert body(hand, "g/a") == {"n": 1}


def test_a_claim_of_unknown_outcome_assumes_nothing(hand: ByHand) -> None:
    for fate in (LOST, LANDED):
        hand.fates = [("take_room", fate)]
        with pytest.raises(OutcomeUnknown):
            claimed(hand, R, 1)
    with pytest.raises(Fenced):
        claimed(hand, R, 1)
    assert claimed(hand, R, 2).epoch == 2


def test_no_rooms_need_no_query(hand: ByHand) -> None:
    assert hand.run(arrivals(hand.store, {})) == []
    assert hand.kinds() == []


def test_calls_of_one_session_wait_for_one_another(tmp_path: Any) -> None:
    from roomfleet.store import open_store

    async def main() -> None:
        store = open_store(f"sqlite://{tmp_path}/store.db")
        session = (await claim_room(store, "g/town", 1)).session
        await session.commit([Create("g/a", {"n": -1})], ceiling_ms=0, saved_at_ms=0)
        done = await asyncio.gather(
            *(session.commit([Save("g/a", {"n": n})], ceiling_ms=0, saved_at_ms=0) for n in range(30)),
            *(session.spawn(f"g/{n}", {}) for n in range(5)),
            *(session.applied() for _ in range(5)),
        )
        assert [one.seq for one in done[:30] if isinstance(one, Committed)] == list(range(2, 32))
        await session.applied()
        found = await store.get_actor("g/a")
        assert found is not None
        assert found.body == {"n": 29}
        await store.close()

    asyncio.run(main())

"""Due times: each subject comes out when it is due, and once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.master.core.queueing.timers import Timers

Step = tuple[str, float | None]


def test_the_latest_due_time_counts_whether_earlier_or_later() -> None:
    timers: Timers[str] = Timers()
    timers.set("a", 5.0)
    timers.set("a", 9.0)
    assert timers.pop(8.0) is None
    assert timers.next_due() == 9.0
    timers.set("a", 2.0)
    assert timers.next_due() == 2.0
    assert timers.pop(2.0) == "a"
    assert timers.pop(100.0) is None


def test_a_subject_without_a_due_time_does_not_come_out() -> None:
    timers: Timers[str] = Timers()
    timers.set("a", 1.0)
    timers.set("a", None)
    assert timers.next_due() is None
    assert timers.pop(9.0) is None
    assert "a" not in timers


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.floats(0, 100)), max_size=60))
def test_timers_agree_with_a_dictionary(steps: list[Step]) -> None:
    timers: Timers[str] = Timers()
    model: dict[str, float] = {}
    for subject, due in steps:
        timers.set(subject, due)
        if due is None:
            model.pop(subject, None)
        else:
            model[subject] = due
        assert timers.next_due() == min(model.values(), default=None)
    while (subject := timers.pop(50.0)) is not None:
        assert model.pop(subject) <= 50.0
    assert all(due > 50.0 for due in model.values())
    assert set(timers) == set(model)
    assert len(timers) == len(model)

"""Whatever happens in whatever order, the client is never stuck and never in two places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from roomfleet.client.actions import FINAL, RESTING, State
from roomfleet.client.links import PlayLink
from roomfleet.wire.joining import SUBPROTOCOL as PLAY
from unit.client.world import TAVERN, TOWN, World, snapshot, welcome

FROM_ROOM = [
    welcome(),
    welcome("tavern", resume="other"),
    snapshot(),
    {"type": "patch", "seq": 3, "now": 51.0, "ops": [["set", ["p:ada", "state", "hp"], 1]]},
    {"type": "patch", "seq": 4, "now": 51.0, "ops": [["del", ["p:bob", "state", "hp"]]]},
    {"type": "travel", "room": "tavern", "url": TAVERN, "ticket": "t"},
    {"type": "travel", "room": "tavern", "url": "nowhere", "ticket": "t"},
    {"type": "rejoin", "reason": "moved", "room": "tavern", "line_token": "l"},
    {"type": "rejoin", "reason": "moved"},
    {"type": "waiting", "room": "tavern", "position": 1},
    {"type": "result", "id": 1, "value": 1},
    {"type": "error", "id": 1, "code": "refused", "message": "no"},
    {"type": "error", "id": None, "code": "bad-ticket", "message": "no"},
    {"type": "pong", "t": 1000.0, "now": 51.0},
    {"type": "event", "name": "said"},
    {"type": "bye", "code": "replaced", "reason": ""},
    {"type": "dance"},
]
FROM_MASTER = [
    {"type": "waiting", "id": "j", "room": "town", "position": 1, "eta_seconds": None, "line_token": "l"},
    {
        "type": "admitted",
        "id": "j",
        "room": "town",
        "url": TOWN,
        "ticket": "t",
        "expires_at": "2026-01-01T00:00:00Z",
    },
    {"type": "refused", "problem": {"type": "x", "title": "x", "status": 409, "detail": "x"}},
    {"type": "dance"},
]

step = st.one_of(
    st.tuples(st.sampled_from(["open", "fail", "drop"]), st.integers(0, 2)),
    st.tuples(st.just("say"), st.integers(0, 2), st.integers(0, len(FROM_ROOM) - 1)),
    st.tuples(st.just("wait"), st.floats(0, 60)),
    st.just(("join",)),
    st.just(("call",)),
    st.just(("get in",)),
    st.just(("leave",)),
)


def get_in(world: World, opened: set[int]) -> None:
    """Everything goes well from here on."""
    while world.links and (link := max(world.links)):
        if link not in opened:
            opened.add(world.accept())
        if world.links[link].subprotocol != PLAY:
            world.say(link, welcome(), snapshot())
            return
        world.say(link, FROM_MASTER[1])


def take(world: World, done: tuple[object, ...], opened: set[int], calls: list[int]) -> None:
    """One thing that happens, where it can."""
    match done:
        case ["wait", float(seconds)]:
            world.advance(seconds)
        case ["join"] if world.state in RESTING:
            world.join("town")
        case ["call"] if world.state is State.PLAYING:
            calls.append(world.call("walk", x=1, y=1))
        case ["leave"]:
            world.leave()
        case ["get in"] if world.links:
            get_in(world, opened)
        case [str(kind), int(which), *rest] if world.links:
            link = sorted(world.links)[which % len(world.links)]
            if link not in opened:
                if kind == "fail":
                    del world.links[link]
                    world.do(world.session.open_failed(link, "no", world.now))
                elif kind == "open":
                    opened.add(link)
                    world.do(world.session.opened(link, world.now))
            elif kind == "drop":
                world.drop(link)
            elif kind == "say":
                said = FROM_MASTER if world.links[link].subprotocol == PLAY else FROM_ROOM
                (number,) = rest
                assert isinstance(number, int)
                world.say(link, said[number % len(said)])


@given(st.lists(step, max_size=60))
def test_it_is_never_stuck_and_never_in_two_places(steps: list[tuple[object, ...]]) -> None:
    world = World()
    world.join("town")
    opened: set[int] = set()
    calls: list[int] = []
    for done in steps:
        take(world, done, opened, calls)
        session = world.session
        shown = session.shown
        if world.state in RESTING:
            assert not world.links
            assert session.deadline is None
        else:
            assert session.deadline is not None, "something will happen by itself"
            assert world.links or session.deadline > world.now
        assert (session.ending is not None) == (world.state in FINAL)
        playing = [link for link in world.links.values() if link.subprotocol == PLAY]
        assert len(playing) <= 1
        assert len(world.links) <= (2 if world.state is State.TRAVELLING else 1)
        if world.state is State.PLAYING:
            assert shown is not None
            assert list(world.links) == [shown.id]
        if world.state in (State.CONNECTING, State.WAITING):
            assert all(isinstance(session._open[link], PlayLink) for link in world.links)
        # Every call has at most one outcome, and one as soon as its connection has ended.
        assert not world.answers.keys() & world.failures.keys()
        open_calls = set(calls) - world.answers.keys() - world.failures.keys()
        assert open_calls <= (set() if shown is None else shown.calls)
        assert not open_calls or (shown is not None and shown.id in world.links)

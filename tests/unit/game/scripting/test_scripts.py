"""Scripts: what they may await, their order and budget, and what becomes of those that raise."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import msgspec
import pytest

from roomfleet.game import Actor, GameError, NotSaved, Player, Refused, RequestFailed, Room, command, request
from roomfleet.game.errors import ForeignAwaitable, ScriptFailed
from roomfleet.game.scripting.script import Wait
from roomfleet.game.scripting.steps import STEP_BUDGET
from roomfleet.wire.session import Error, ErrorCode, Result
from support.game_room import TPS, World


class Walker(Actor):
    speed = 40

    def define(self) -> None:
        self.state.public(log=[])

    def note(self, *what: Any) -> None:
        self.state.log.append([round(self.room.now, 3), *what])


class Sleeper(Walker):
    async def kickoff(self) -> None:
        for _ in range(3):
            await self.sleep(1)
            self.note()


def test_sleeping_does_not_drift_by_the_lag_of_steps() -> None:
    world = World()
    actor = world.room.spawn(Sleeper)
    world.live.steps.run_ready()
    for _ in range(3):
        due = world.live.next_due()
        assert due is not None
        world.now = due + 0.004  # the node is late
        world.step()
    assert [line[0] for line in actor.state.log] == [101.004, 102.004, 103.004]


def test_a_walker_whom_nobody_waits_for_needs_no_step() -> None:
    world = World()
    actor = world.room.spawn(Walker)
    actor.move_to((0, 0))
    assert world.live.next_due() is None
    world.run(60)
    assert actor.position == (0, 0)


def test_an_empty_room_and_one_whose_scripts_have_ended_need_no_step() -> None:
    assert World().live.next_due() is None
    world = World()
    world.room.spawn(Sleeper)
    world.live.step(world.now, 0)
    assert world.live.next_due() == 101.0
    world.run(3)
    assert world.live.next_due() is None


def test_a_removed_actors_sleep_is_no_deadline() -> None:
    world = World()
    actor = world.room.spawn(Sleeper)
    world.live.step(world.now, 0)
    actor.remove()
    assert world.live.next_due() is None


class Pacer(Walker):
    async def kickoff(self) -> None:
        self.note(await self.move_to((240, 100)))
        self.note(await self.move_to((200, 100)))


def test_an_awaited_walk_ends_where_it_leads() -> None:
    world = World()
    actor = world.room.spawn(Pacer)
    world.run(5)
    assert actor.state.log == [[101.0, True], [102.0, True]]
    assert actor.position == (200, 100)


def test_a_superseded_walk_gives_false_to_who_waited() -> None:
    world = World()
    actor = world.room.spawn(Pacer)
    world.run(0.5)
    actor.move_to((0, 0))
    world.run(0.05)
    assert actor.state.log == [[100.5, False]]


def test_a_faster_walk_arrives_earlier_and_a_slower_one_later() -> None:
    for speed, arrival in ((80, 100.75), (20, 101.5)):
        world = World()
        actor = world.room.spawn(Pacer)
        world.run(0.5)
        actor.speed = speed
        world.run(1.2)
        assert actor.state.log[0] == [arrival, True]


def test_stopping_and_standing_still() -> None:
    world = World()
    actor = world.room.spawn(Pacer)
    world.run(0.5)
    actor.speed = 0
    assert actor.position == (220, 100)
    world.run(1)
    assert [line[1] for line in actor.state.log] == [False, False]  # at speed 0 it arrives nowhere


def test_out_of_the_room_is_as_near_as_one_gets() -> None:
    world = World()
    actor = world.room.spawn(Walker)
    move = actor.move_to((1000, -50))
    assert (move.goal, move.short) == ((400, 0), True)
    assert not actor.move_to((400, 300)).short


# -- foreign awaitables ----------------------------------------------------------------------------------


class Impatient(Walker):
    async def kickoff(self) -> None:
        self.note("before")
        await Foreign()
        self.note("after")


class Foreign:
    def __await__(self) -> Any:
        yield self


def test_a_foreign_awaitable_raises_at_its_line_and_names_the_cure() -> None:
    world = World()
    actor = world.room.spawn(Impatient)
    world.step()
    [failure] = world.out.failures
    assert failure.script == "Impatient.kickoff"
    assert "self.sleep(seconds)" in failure.error
    assert "self.outside(coroutine)" in failure.traceback
    first = inspect.getsourcelines(Impatient.kickoff)[1]
    assert f"line {first + 2}, in kickoff" in failure.traceback
    assert [line[1] for line in actor.state.log] == ["before"]


def test_asyncio_sleep_and_futures_are_foreign() -> None:
    class Sleeps(Walker):
        async def kickoff(self) -> None:
            await asyncio.sleep(1)

    class Waits(Walker):
        async def kickoff(self) -> None:
            await asyncio.get_running_loop().create_future()

    class Yields(Walker):
        async def kickoff(self) -> None:
            await asyncio.sleep(0)

    async def inside_a_loop() -> World:
        world = World()
        for cls in (Sleeps, Waits, Yields):
            world.room.spawn(cls)
        world.step()
        return world

    world = asyncio.run(inside_a_loop())
    assert [each.error.split(":")[0] for each in world.out.failures] == ["ForeignAwaitable"] * 3
    assert "asyncio.sleep(0)" in world.out.failures[2].error


def test_a_script_that_catches_it_and_tries_for_ever_is_ended() -> None:
    class Stubborn(Walker):
        async def kickoff(self) -> None:
            while True:
                try:
                    await Foreign()
                except ForeignAwaitable:
                    self.note("again")

    world = World()
    world.room.spawn(Stubborn)
    world.step()
    assert len(world.out.failures) == 1


# -- budget and order ------------------------------------------------------------------------------------


class Spinner(Walker):
    def define(self) -> None:
        self.state.internal(turns=0)

    async def kickoff(self) -> None:
        while True:
            self.state.turns += 1
            await self.sleep(0)


class Edge(Spinner):
    async def kickoff(self) -> None:
        while True:
            self.state.turns += 1
            await self.move_to((-100, 100))


class Kicked(Spinner):
    async def kickoff(self) -> None:
        self.state.turns += 1
        self.restart()


class Asker(Spinner):
    async def kickoff(self) -> None:
        while True:
            self.state.turns += 1
            await self.ask("turn")

    @request
    def turn(self) -> None: ...


@pytest.mark.parametrize("cls", [Spinner, Edge, Kicked, Asker])
def test_a_script_that_never_really_waits_is_held_to_its_budget_and_others_go_on(cls: type[Spinner]) -> None:
    world = World()
    spinner = world.room.spawn(cls, at=(0, 100))
    other = world.room.spawn(Sleeper)
    world.step()
    assert 0 < spinner.state.turns <= STEP_BUDGET
    world.run(3)
    assert len(other.state.log) == 3
    ticks = 3 * TPS + 1
    assert ticks < spinner.state.turns <= ticks * STEP_BUDGET


def test_two_scripts_that_wake_each_other_take_turns() -> None:
    class Turn(Walker):
        async def kickoff(self) -> None:
            for turn in range(3):
                log.append((self.name, turn))
                await self.sleep(0)

    log: list[tuple[str, int]] = []
    world = World()
    for name in ("a", "b"):
        world.room.spawn(Turn, name=name)
    world.step()
    assert log == [(name, turn) for turn in range(3) for name in ("a", "b")]


# -- failures --------------------------------------------------------------------------------------------


class Broken(Walker):
    async def kickoff(self) -> None:
        self.note("start")
        await self.sleep(0.5)
        raise ValueError("boom\nand more")


def test_a_kickoff_that_raises_is_kept_counted_told_and_restarted_with_backoff() -> None:
    world = World()
    actor = world.room.spawn(Broken)
    world.run(30)
    assert [line[0] for line in actor.state.log] == [100.0, 101.5, 104.0, 108.5, 117.0]
    failure = world.out.failures[0]
    assert (failure.actor, failure.script, failure.error) == (actor.id, "Broken.kickoff", "ValueError: boom")
    assert failure.traceback.rstrip().endswith("ValueError: boom\nand more")
    assert "steps.py" not in failure.traceback
    assert [each.restarts_in for each in world.out.failures] == [1, 2, 4, 8, 16]
    assert actor.failures == 5
    assert actor.failure is not None
    assert actor.failure.script == "Broken.kickoff"


def test_on_error_may_deal_with_it() -> None:
    class Calm(Broken):
        def on_error(self, error: BaseException) -> bool:
            self.note("on_error", str(error)[:4])
            return True

    world = World()
    actor = world.room.spawn(Calm)
    world.run(1)
    assert actor.state.log[1][1:] == ["on_error", "boom"]
    assert world.out.failures == []
    assert actor.failures == 1


def test_an_on_error_that_raises_is_told_too() -> None:
    class Worse(Broken):
        def on_error(self, error: BaseException) -> bool:
            raise KeyError("worse")

    world = World()
    world.room.spawn(Worse)
    world.run(1)
    assert [each.script for each in world.out.failures] == ["Worse.on_error", "Worse.kickoff"]


@pytest.mark.parametrize(
    "error", [SystemExit(3), asyncio.CancelledError(), GeneratorExit(), RecursionError()]
)
def test_whatever_a_script_raises_ends_only_that_script(error: BaseException) -> None:
    class Rude(Walker):
        async def kickoff(self) -> None:
            await self.sleep(0)
            raise error

    world = World()
    world.room.spawn(Rude)
    other = world.room.spawn(Sleeper)
    world.run(2)
    assert world.out.failures[0].script == "Rude.kickoff"
    assert len(other.state.log) == 2


def test_cleanup_may_not_await_and_that_is_told() -> None:
    class Clingy(Walker):
        async def kickoff(self) -> None:
            try:
                await self.sleep(10)
            finally:
                await self.sleep(10)

    world = World()
    actor = world.room.spawn(Clingy)
    world.step()
    actor.remove()
    world.drain()
    assert [each[1:] for each in world.failures()] == [
        ("Clingy.kickoff", "RuntimeError: coroutine ignored GeneratorExit")
    ]


def test_who_runs_can_be_read_meanwhile() -> None:
    seen: list[Any] = []

    class Looks(Walker):
        async def kickoff(self) -> None:
            seen.append(self._in_room().current)
            await self.ask("look")
            seen.append(self._in_room().current)

        @request
        def look(self) -> None:
            seen.append(self._in_room().current)

    world = World()
    actor = world.room.spawn(Looks)
    world.step()
    assert seen == [(actor.id, f"Looks.{name}") for name in ("kickoff", "look", "kickoff")]
    assert world.live.current is None


# -- requests --------------------------------------------------------------------------------------------


class Trader(Walker):
    @request
    def trade(self, other: Actor, item: str) -> str:
        if item == "moon":
            raise Refused("not mine")
        if item == "bug":
            raise ValueError("oops")
        return f"{item} for {other.name}"

    @request
    async def later(self, seconds: float) -> str:
        await self.sleep(seconds)
        return "now"

    def private(self) -> None: ...


def answers(world: World, ask: Any) -> list[Any]:
    """What the asker gets."""
    got: list[Any] = []

    class Asks(Walker):
        async def kickoff(self) -> None:
            try:
                got.append(await ask(self))
            except GameError as error:
                got.append(error)

    world.room.spawn(Asks, name="asker")
    world.step()
    return got


def test_asking() -> None:
    world = World()
    trader = world.room.spawn(Trader)
    assert answers(world, lambda me: trader.ask("trade", other=me, item="axe")) == ["axe for asker"]
    [refused] = answers(world, lambda me: trader.ask("trade", other=me, item="moon"))
    assert isinstance(refused, Refused)
    assert world.out.failures == []
    [failed] = answers(world, lambda me: trader.ask("trade", other=me, item="bug"))
    assert isinstance(failed, RequestFailed)
    assert [each.actor for each in world.out.failures] == [trader.id]
    for wrong in ({"other": "nobody", "item": "x"}, {"item": "x"}, {"other": trader, "item": 3}):
        [error] = answers(world, lambda me, wrong=wrong: trader.ask("trade", **wrong))
        assert "trade()" in str(error)
    [error] = answers(world, lambda me: trader.ask("private"))
    assert "no request 'private'; there are: later, trade" in str(error)


def test_asking_what_takes_time_and_who_leaves_meanwhile() -> None:
    world = World()
    trader = world.room.spawn(Trader)
    got = answers(world, lambda me: trader.ask("later", seconds=1.0))
    world.run(1)
    assert got == ["now"]
    got = answers(world, lambda me: trader.ask("later", seconds=1.0))
    trader.remove()
    world.step()
    assert isinstance(got[0], RequestFailed)


# -- barriers, outside -----------------------------------------------------------------------------------


class Saver(Player):
    @command
    async def keep(self) -> str:
        try:
            await self.save()
        except NotSaved as error:
            return str(error)
        return "saved"

    @command
    async def fetch(self) -> Any:
        async def read() -> str:
            return "text"

        try:
            return await self.outside(read())
        except OSError as error:
            return str(error)


class SaverRoom(Room):
    player_class = Saver


def test_save_waits_for_its_barrier() -> None:
    world = World(SaverRoom)
    world.enter("ann")
    first, second = world.call("ann", "keep"), world.call("ann", "keep")
    assert world.answer(first) is None
    [one, two] = world.out.barriers
    world.live.saved(two.id, world.now)
    world.live.save_failed(one.id, "the store is gone", world.now)
    world.drain()
    assert world.answer(second) == Result(id=second, value="saved")
    answer = world.answer(first)
    assert isinstance(answer, Result)
    assert answer.value == "the room could not save this; it keeps it and goes on trying"


class Careless(Player):
    @command
    async def keep(self) -> None:
        await self.save()

    @command
    async def lean(self, on: str) -> None:
        other = self.room.actor(on)
        assert other is not None
        await other.ask("hold")

    @request
    async def hold(self) -> None:
        await self.save()


class CarelessRoom(Room):
    player_class = Careless


def test_why_a_save_failed_is_for_admins_and_the_player_hears_a_plain_sentence() -> None:
    cause = "cannot save actor p:bob in room walkabout/town: BSON key '$x' at mongodb://db-0:27017"

    world = World(CarelessRoom)
    world.enter("ann")
    world.enter("bob")
    calls = [world.call("ann", "keep"), world.call("ann", "lean", on="p:bob")]
    for barrier in world.out.barriers:
        world.live.save_failed(barrier.id, cause, world.now)
    world.drain()
    for call in calls:
        answer = world.answer(call)
        assert isinstance(answer, Error)
        assert answer.code is ErrorCode.SCRIPT_ERROR
        assert "could not save" in answer.message
        assert "mongodb" not in answer.message
        assert "BSON" not in answer.message
    assert cause in world.room.actor("p:bob").failure.traceback
    assert all("mongodb" not in failure.error for failure in world.out.failures)
    assert cause in world.out.failures[0].traceback


def test_outside_brings_back_values_and_errors() -> None:
    world = World(SaverRoom)
    world.enter("ann")
    first, second = world.call("ann", "fetch"), world.call("ann", "fetch")
    [one, two] = world.out.outside
    value = asyncio.run(one.coroutine)  # the node does that on its loop
    two.coroutine.close()
    world.live.outside_done(one.id, world.now, value)
    world.live.outside_done(two.id, world.now, error=OSError("no net"))
    world.live.outside_done(99, world.now, "nobody asked")
    world.drain()
    assert world.answer(first) == Result(id=first, value="text")
    assert world.answer(second) == Result(id=second, value="no net")


# -- rooms that cannot start -----------------------------------------------------------------------------


def test_a_room_whose_created_or_define_raises_does_not_start() -> None:
    class Bad(Room):
        def created(self) -> None:
            raise LookupError("no idea")

    class Worse(Room):
        def define(self) -> None:
            self.state.owner(x=1)

    class Late(Room):
        async def created(self) -> None:
            self.spawn(Imp)

    class Imp(Actor):
        def created(self) -> None:
            raise LookupError("no imp")

    for cls, text in (
        (Bad, r"Bad.created\(\) raised LookupError: no idea"),
        (Worse, r"Worse.define\(\) raised StateError: .* a room has no owner"),
        (Late, r"Late.created\(\) raised LookupError: no imp"),
    ):
        with pytest.raises(ScriptFailed, match=text) as caught:
            World(cls)
        assert "Traceback" in caught.value.traceback


def test_what_an_async_created_raises_later_is_a_failure() -> None:
    class Slow(Room):
        async def created(self) -> None:
            await self.sleep(1)
            raise LookupError("late")

    world = World(Slow)
    world.run(2)
    assert world.failures() == [("room", "Slow.created", "LookupError: late")]


def test_joined_and_left_may_wait_and_fail_without_harm() -> None:
    class Hall(Room):
        async def joined(self, player: Player) -> None:
            await self.sleep(1)
            self.event("welcome", {"who": player.name}, to=player)

        def left(self, player: Player) -> None:
            raise ValueError(player.name)

    world = World(Hall)
    world.enter("ann")
    world.run(2)
    assert [(told.player, told.message.name) for told in world.out.told] == [("ann", "welcome")]
    world.leave("ann")
    assert world.failures() == [("room", "Hall.left", "ValueError: ann")]
    assert world.live.players == frozenset()


def test_a_wait_can_be_awaited_by_several_and_again() -> None:
    got: list[Any] = []
    wait: Wait[int] = Wait()

    class Waits(Walker):
        async def kickoff(self) -> None:
            got.append(await wait)
            got.append(await wait)

    world = World()
    world.room.spawn(Waits)
    world.room.spawn(Waits)
    world.step()
    wait.resolve(3)
    wait.resolve(4)
    world.step()
    assert got == [3, 3, 3, 3]


def test_a_walk_that_was_given_up_can_be_awaited_by_another() -> None:
    got: list[Any] = []
    world = World()
    walker = world.room.spawn(Walker)
    move = walker.move_to((240, 100))

    class Waits(Walker):
        async def kickoff(self) -> None:
            got.append(await move)

    first = world.room.spawn(Waits)
    world.step()
    first.remove()
    assert world.live.next_due() is None
    world.room.spawn(Waits)
    world.step()
    world.run(2)
    assert got == [True]


# -- calls -----------------------------------------------------------------------------------------------


class Caller(Player):
    @command
    async def wait(self, seconds: float) -> str:
        await self.sleep(seconds)
        return "done"

    @command
    def no(self) -> None:
        raise Refused("you may not")

    @command
    def crash(self) -> None:
        raise ValueError("inner detail\nsecond line")

    @command
    def odd(self) -> Any:
        return {1: object()}

    async def kickoff(self) -> None:
        await self.sleep(100)


class CallRoom(Room):
    player_class = Caller


def test_calls_run_concurrently_and_are_answered_when_they_end() -> None:
    world = World(CallRoom)
    world.enter("ann")
    long, short = world.call("ann", "wait", seconds=2), world.call("ann", "wait", seconds=1)
    world.run(1)
    assert world.answer(short) == Result(id=short, value="done")
    assert world.answer(long) is None
    world.run(1)
    assert world.answer(long) == Result(id=long, value="done")


@pytest.mark.parametrize(
    ("method", "code", "text"),
    [
        ("no", ErrorCode.REFUSED, "you may not"),
        ("crash", ErrorCode.SCRIPT_ERROR, "ValueError: inner detail"),
        ("odd", ErrorCode.SCRIPT_ERROR, "StateError: Caller.odd(): the key 1 is int; keys are strings"),
        ("kickoff", ErrorCode.NO_SUCH_METHOD, "Caller has no command 'kickoff'"),
        ("wait", ErrorCode.BAD_ARGUMENTS, "wait() needs the argument 'seconds'"),
    ],
)
def test_what_a_call_that_fails_is_answered(method: str, code: ErrorCode, text: str) -> None:
    world = World(CallRoom)
    world.enter("ann")
    answer = world.answer(world.call("ann", method))
    assert isinstance(answer, Error)
    assert answer.code is code
    assert answer.message.startswith(text)
    assert "\n" not in answer.message
    assert len(world.out.failures) == (code is ErrorCode.SCRIPT_ERROR)


def test_errors_can_always_be_sent() -> None:
    class Odd(Caller):
        @command
        def halves(self, refuse: bool) -> None:
            raise (Refused if refuse else ValueError)("half \ud800 pair")

    world = World(CallRoom)
    ann = world.enter("ann")
    ann.__class__ = Odd
    for refuse in (True, False):
        assert b"half ? pair" in msgspec.json.encode(world.answer(world.call("ann", "halves", refuse=refuse)))
    assert b"half ? pair" in msgspec.json.encode(world.out.failures[0].traceback)
    answer = world.answer(world.call("ann", "x" * 60_000))
    assert answer is not None
    assert len(msgspec.json.encode(answer)) < 300


def test_a_room_in_trouble_with_its_store_takes_no_calls() -> None:
    world = World(CallRoom)
    world.enter("ann")
    world.live.pause_commands("cannot save")
    answer = world.answer(world.call("ann", "wait", seconds=0))
    assert answer == Error(id=1, code=ErrorCode.NOT_SAVED, message="cannot save")
    world.live.pause_commands(None)
    assert world.answer(world.call("ann", "no")) != answer


def test_a_call_of_nobody_here_and_one_whose_actor_leaves_are_refused() -> None:
    world = World(CallRoom)
    assert getattr(world.answer(world.call("eve", "wait", seconds=1)), "code", None) is ErrorCode.REFUSED
    world.enter("ann")
    call = world.call("ann", "wait", seconds=1)
    world.leave("ann")
    assert getattr(world.answer(call), "code", None) is ErrorCode.REFUSED


def test_a_stopped_room_runs_nothing_and_later_inputs_change_nothing() -> None:
    world = World(CallRoom)
    world.enter("ann")
    world.call("ann", "wait", seconds=1)
    world.live.stop(world.now)
    changes = world.changes()
    assert changes["p:ann"].kind == "away"
    world.call("ann", "wait", seconds=1)
    world.live.saved(1, world.now)
    world.live.player_leaves("ann", world.now, "left")
    world.run(5)
    assert world.live.next_due() is None
    assert world.compose() == []

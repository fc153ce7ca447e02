"""The scripts of a live room: hooks, kickoffs, calls and requests; their endings and failures."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from roomfleet.game.actor import Actor
from roomfleet.game.errors import (
    BadArguments,
    GameError,
    InventoryError,
    MarkError,
    NoSuchMethod,
    Refused,
    RequestFailed,
)
from roomfleet.game.outbox import ScriptFailure, Told
from roomfleet.game.room import Room
from roomfleet.game.saving.saved import one_line
from roomfleet.game.scripting import script as script_module
from roomfleet.game.scripting import steps as steps_module
from roomfleet.game.scripting.commands import checked, find_command, find_request
from roomfleet.game.scripting.discretion import Gone, named_in, names_others
from roomfleet.game.scripting.script import Ending, OnEnd, Script, Wait
from roomfleet.game.scripting.scripted import Failure, Scripted
from roomfleet.game.scripting.timers import Alarm, Timer
from roomfleet.game.state.plain import plain, sendable
from roomfleet.game.state.state import Tier, whose
from roomfleet.wire.session import Error, ErrorCode, Result

if TYPE_CHECKING:
    from roomfleet.game.live import LiveRoom

LONGEST_BACKOFF = 60.0
"""Seconds of room time. The first restart of a `kickoff` that raised is after 1 s, each further one after
twice as long; a kickoff that ran for longer than this counts as well again."""

_ENGINE = frozenset({__file__, steps_module.__file__, script_module.__file__})


class Scripts:
    """All scripts that run in a room, by their owners."""

    __slots__ = ("_kickoffs", "_live", "_of", "gone")

    def __init__(self, live: LiveRoom) -> None:
        self._live = live
        self._of: dict[str, list[Script]] = {}
        self._kickoffs: dict[str, _Kickoff] = {}
        self.gone = Gone()

    # -- starting -----------------------------------------------------------------------------------------

    def hook(self, owner: Scripted, name: str, *args: Any) -> None:
        """Run a hook to its first await; what it raises is its owner's failure."""
        if not _overridden(owner, name):
            return
        what = _name(owner, name)

        def ended(script: Script, ending: Ending, value: Any) -> None:
            if ending is Ending.RAISED:
                self.report(owner, what, value)

        self._begin(owner, what, partial(getattr(owner, name), *args), ended)

    def strict_hook(self, owner: Scripted, name: str) -> None:
        """The same, but what it raises before its first await is raised here."""
        if not _overridden(owner, name):
            return
        what = _name(owner, name)
        first = True
        raised: BaseException | None = None

        def ended(script: Script, ending: Ending, value: Any) -> None:
            nonlocal raised
            if ending is Ending.RAISED and first:
                raised = value
            elif ending is Ending.RAISED:
                self.report(owner, what, value)

        self._begin(owner, what, getattr(owner, name), ended)
        first = False
        if raised is not None:
            raise raised

    def kickoff(self, actor: Actor) -> None:
        """Begin its life, in this step, when the others before it have had their turn."""
        if _overridden(actor, "kickoff"):
            self._kickoffs[actor.id] = kickoff = _Kickoff(self, actor)
            kickoff.due()

    def restart_kickoff(self, actor: Actor) -> None:
        """End the one under way and begin again."""
        earlier = self._kickoffs.pop(actor.id, None)
        if earlier is not None and earlier.script is not None:
            self._close(actor, earlier.script)
        self.kickoff(actor)

    def call(self, player: str, call_id: int, method: str, args: Mapping[str, Any]) -> None:
        """A client calls a command; the answer goes to the outbox when its coroutine has ended."""
        live = self._live
        actor = live.player_actor(player)

        def answer(code: ErrorCode, message: str) -> None:
            live.outbox.told.append(Told(player, Error(id=call_id, code=code, message=message)))

        if actor is None:
            answer(ErrorCode.REFUSED, "your actor is not in this room")
            return
        if live.paused is not None:
            answer(ErrorCode.NOT_SAVED, live.paused)
            return
        what = _name(actor, method)
        try:
            function = find_command(type(actor), method)
            values = checked(function, args, partial(self._find_seen, actor))
        except NoSuchMethod as error:
            answer(ErrorCode.NO_SUCH_METHOD, str(error))
            return
        except BadArguments as error:
            answer(ErrorCode.BAD_ARGUMENTS, str(error))
            return
        except MarkError as error:
            self.report(actor, what, error)
            answer(ErrorCode.SCRIPT_ERROR, one_line(error))
            return

        def ended(script: Script, ending: Ending, value: Any) -> None:
            if ending is Ending.RETURNED:
                try:
                    result = Result(id=call_id, value=plain(value, f"{what}()"))
                except GameError as error:
                    ending, value = Ending.RAISED, error
                else:
                    live.outbox.told.append(Told(player, result))
            if ending is Ending.CLOSED:
                answer(ErrorCode.REFUSED, "it was stopped: your actor has left the room, or the room stops")
            elif ending is Ending.RAISED and isinstance(value, Refused):
                answer(ErrorCode.REFUSED, sendable(str(value)))
            elif ending is Ending.RAISED and isinstance(value, InventoryError):
                answer(ErrorCode.REFUSED, self._told_of_inventory(actor, value))
            elif ending is Ending.RAISED:
                self.report(actor, what, value)
                answer(ErrorCode.SCRIPT_ERROR, self.told(actor, value))

        self._begin(actor, what, partial(function, actor, **values), ended)

    def ask(self, actor: Actor, name: str, args: Mapping[str, Any]) -> Wait[Any]:
        """Another script asks for a request."""
        function = find_request(type(actor), name)
        values = checked(function, args, self._find_actor)
        what = _name(actor, name)
        answer: Wait[Any] = Wait()

        def ended(script: Script, ending: Ending, value: Any) -> None:
            if ending is Ending.RETURNED:
                answer.resolve(value)
            elif ending is Ending.CLOSED:
                answer.fail(RequestFailed(f"{actor!r} has left before it answered {name}()"))
            elif isinstance(value, Refused | InventoryError):
                answer.fail(value)
            else:
                self.report(actor, what, value)
                answer.fail(RequestFailed(f"{actor!r}: {name}() raised {one_line(value)}"))

        self._begin(actor, what, partial(function, actor, **values), ended)
        return answer

    def schedule(self, owner: Scripted, name: str, timer: Timer) -> None:
        """Call `on_timer(name)` when the timer is due."""
        live = self._live

        def fire() -> None:
            live.steps.begin()
            owner._timers.take(name)
            live.unsaved.touch(owner._key)
            self.hook(owner, "on_timer", name)
            live.steps.end()

        def wanted(timer: Timer) -> bool:
            return owner._live is live and owner._timers.get(name) is timer

        Alarm(live.steps, timer, wanted=wanted, fire=fire, wall=live.wall_now).schedule()

    def _begin(
        self, owner: Scripted, what: str, function: Callable[[], Any], ended: OnEnd, *, at_once: bool = True
    ) -> Script | None:
        """A script of this owner; None when it has ended already."""
        key = owner._key

        def forget(script: Script, ending: Ending, value: Any) -> None:
            mine = self._of.get(key, [])
            if script in mine:
                mine.remove(script)
                if not mine:
                    del self._of[key]
            ended(script, ending, value)

        script = Script(self._live.steps, key, what, partial(_run, function), forget)
        self._of.setdefault(key, []).append(script)
        if at_once:
            self._live.steps.run_now(script)
        else:
            self._live.steps.wake(script)
        return None if script.closed else script

    # -- ending -------------------------------------------------------------------------------------------

    def close_all(self, owner: Scripted, wait: Wait[Any] | None = None) -> None:
        """End all scripts of an owner; those that await `wait` as if they had returned."""
        self._kickoffs.pop(owner._key, None)
        for script in list(self._of.get(owner._key, ())):
            ended_well = wait is not None and script.waiting is wait
            self._close(owner, script, Ending.RETURNED if ended_well else Ending.CLOSED)

    def _close(self, owner: Scripted, script: Script, ending: Ending = Ending.CLOSED) -> None:
        if script.closed:
            return
        running = script.running
        error = self._live.steps.close(script)
        if not running:
            script.on_end(script, ending, None)
        if error is not None:
            self.report(owner, script.name, error)

    def report(
        self, owner: Scripted, what: str, error: BaseException, restarts_in: float | None = None
    ) -> None:
        """Keep a failure, count it, let the owner deal with it, and put it out if it did not."""
        failure = Failure(what, one_line(error), _traceback(error), self._live.now)
        owner.failure = failure
        owner.failures += 1
        self._live.view.failed(owner)
        dealt_with = False
        if _overridden(owner, "on_error"):
            raised: list[BaseException] = []

            def ended(script: Script, ending: Ending, value: Any) -> None:
                nonlocal dealt_with
                if ending is Ending.RAISED:
                    raised.append(value)
                dealt_with = ending is Ending.RETURNED and value is True

            self._begin(owner, _name(owner, "on_error"), partial(owner.on_error, error), ended)
            for another in raised:
                self._put_out(
                    owner,
                    Failure(_name(owner, "on_error"), one_line(another), _traceback(another), self._live.now),
                )
        if not dealt_with:
            self._put_out(owner, failure, restarts_in)

    def _put_out(self, owner: Scripted, failure: Failure, restarts_in: float | None = None) -> None:
        self._live.outbox.failures.append(
            ScriptFailure(owner._key, failure.script, failure.error, failure.traceback, restarts_in)
        )

    def _find_seen(self, viewer: Actor, cls: type, value: Any) -> Any:
        """The same for a player: an actor that it does not see is as one that is not there."""
        found = self._find_actor(cls, value)
        if not self._live.view.sees(viewer, found):
            raise _nobody(cls, value)
        return found

    def told(self, viewer: Actor | None, error: BaseException) -> str:
        """What a player is told of an error in a script: its text, if that names no actor that the player's
        actor does not see. One without an actor here sees none."""
        text = str(error)  # all of it: a line of it may end within a name
        seen = [
            each
            for each in self._live.actors
            if named_in(each, text) and viewer is not None and self._live.view.sees(viewer, each)
        ]
        unseen = any(named_in(each, text) for each in self._live.actors if each not in seen)
        gone = self.gone.unseen_in(text, None if viewer is None else viewer.player)
        if unseen or gone or names_others(text, seen):
            return f"{type(error).__name__}; the rest is for admins only"
        return one_line(error)

    def _told_of_inventory(self, viewer: Actor, error: InventoryError) -> str:
        """What a player is told of an inventory that cannot do something: not what is in one that it does
        not see."""
        owner, tier = whose(error.inventory) if error.inventory is not None else (None, None)
        if owner is viewer:
            shown = tier is not Tier.INTERNAL
        elif isinstance(owner, Actor):
            shown = tier is Tier.PUBLIC and self._live.view.sees(viewer, owner)
        else:
            shown = tier is Tier.PUBLIC or owner is None
        return sendable(str(error)) if shown else error.brief

    def _find_actor(self, cls: type, value: Any) -> Any:
        """For arguments annotated with an actor class: an id, or from a script the actor itself."""
        if not (isinstance(cls, type) and issubclass(cls, Actor)):
            raise NotImplementedError(f"{cls!r} is neither JSON data nor an actor class")
        found = self._live.actors.get(value) if isinstance(value, str) else value
        if not isinstance(found, cls) or found._live is not self._live:
            raise _nobody(cls, value)
        return found


def _nobody(cls: type, value: Any) -> ValueError:
    return ValueError(f"no {cls.__name__} {value!r:.60} in this room")


class _Kickoff:
    """The life of an actor: its script, or when it is to start again."""

    __slots__ = ("_actor", "_failed", "_scripts", "_since", "script")

    def __init__(self, scripts: Scripts, actor: Actor) -> None:
        self._scripts = scripts
        self._actor = actor
        self._failed = 0
        self._since = 0.0
        self.script: Script | None = None

    @property
    def stale(self) -> bool:
        return self._scripts._kickoffs.get(self._actor._id) is not self

    def due(self) -> None:
        self._since = self._scripts._live.now
        self.script = self._scripts._begin(
            self._actor, _name(self._actor, "kickoff"), self._actor.kickoff, self._ended, at_once=False
        )

    def _ended(self, script: Script, ending: Ending, value: Any) -> None:
        self.script = None
        if ending is not Ending.RAISED:
            return
        live = self._scripts._live
        delay: float | None = None
        if not self.stale:
            self._failed = 1 if live.now - self._since > LONGEST_BACKOFF else self._failed + 1
            delay = min(2.0 ** (self._failed - 1), LONGEST_BACKOFF)
            live.steps.at(live.steps.tick_after(live.now + delay), self)
        self._scripts.report(self._actor, script.name, value, delay)


async def _run(function: Callable[[], Any]) -> Any:
    """A plain function or a coroutine function as a script."""
    result = function()
    return await result if inspect.iscoroutine(result) else result


def _overridden(owner: Scripted, name: str) -> bool:
    """Whether the author's class has that hook."""
    base = Actor if isinstance(owner, Actor) else Room
    return getattr(type(owner), name) is not getattr(base, name)


def _name(owner: Scripted, function: str) -> str:
    return f"{type(owner).__name__}.{function}"


def _traceback(error: BaseException) -> str:
    """The traceback as text, from where the author's own code begins."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None and frame.tb_frame.f_code.co_filename in _ENGINE:
        frame = frame.tb_next
    return sendable("".join(traceback.format_exception(type(error), error, frame)))

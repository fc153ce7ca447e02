"""What may be called from outside a script: marks, and the checking of arguments.

`@command`: the actor's own player's client may call it. `@request`: another actor may ask it. Nothing else
can be called (a method that overrides a marked one is not marked by that).
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from roomfleet.game.errors import BadArguments, MarkError, NoSuchMethod

F = TypeVar("F", bound=Callable[..., Any])

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def command(function: F) -> F:
    """Mark a method, plain or async, that the actor's own player's client may call.

    Arguments come by name and are checked against the annotations, strictly (`"3"` is no number; a
    parameter without annotation takes any JSON). A parameter annotated with an actor class takes the id of
    an actor in the room. What it returns must be JSON data. Raises MarkError.
    """
    return _mark(function, "__roomfleet_command__")


def request(function: F) -> F:
    """Mark a method, plain or async, that another actor may ask: `await other.ask("trade", item="axe")`."""
    return _mark(function, "__roomfleet_request__")


def _mark(function: F, mark: str) -> F:
    if not inspect.isfunction(function):
        raise MarkError(f"{function!r}: mark functions in a class's body, under other decorators")
    for parameter in _parameters(function):
        if parameter.kind not in _BY_NAME:
            raise MarkError(
                f"{function.__qualname__}({parameter}): arguments come by name; *args, **kwargs and"
                " position-only ones cannot be checked"
            )
    setattr(function, mark, True)
    return function


def commands_of(cls: type) -> list[str]:
    """The names of a class's commands."""
    return list(_marked(cls, "__roomfleet_command__"))


def requests_of(cls: type) -> list[str]:
    """The names of a class's requests."""
    return list(_marked(cls, "__roomfleet_request__"))


@functools.lru_cache(maxsize=4096)
def _marked(cls: type, mark: str) -> tuple[str, ...]:
    return tuple(
        name for name in dir(cls) if hasattr(inspect.getattr_static(cls, name), mark) and name.isidentifier()
    )


def find_command(cls: type, name: str) -> Callable[..., Any]:
    """The function of a command. Raises NoSuchMethod."""
    return _find(cls, name, "__roomfleet_command__", "command", commands_of)


def find_request(cls: type, name: str) -> Callable[..., Any]:
    """The function of a request. Raises NoSuchMethod."""
    return _find(cls, name, "__roomfleet_request__", "request", requests_of)


@functools.lru_cache(maxsize=4096)  # what is not there raises, and is not kept
def _find(
    cls: type, name: str, mark: str, what: str, names: Callable[[type], list[str]]
) -> Callable[..., Any]:
    found = inspect.getattr_static(cls, name, None)
    if not hasattr(found, mark):
        there = ", ".join(names(cls)) or "none"
        raise NoSuchMethod(f"{cls.__name__} has no {what} {name!r:.60}; there are: {there}")
    return typing.cast(Callable[..., Any], found)


Finder = Callable[[type, Any], Any]
"""Gets an actor class and what stands for an actor; gives the actor or raises ValueError."""


def checked(function: Callable[..., Any], args: Mapping[str, Any], find: Finder) -> dict[str, Any]:
    """The arguments, converted to what the function's annotations say.

    Raises BadArguments, which names the argument.
    """
    name = function.__name__
    known = _known(function)
    for argument in args:
        if argument not in known:
            there = ", ".join(known) or "none"
            raise BadArguments(f"{name}() has no argument {argument!r:.60}; it has: {there}")
    values = {}
    for argument, (wanted, optional) in known.items():
        if argument in args:
            values[argument] = _converted(name, argument, args[argument], wanted, find)
        elif not optional:
            raise BadArguments(f"{name}() needs the argument {argument!r}")
    return values


def _converted(function: str, argument: str, value: Any, wanted: Any, find: Finder) -> Any:
    try:
        return msgspec.convert(value, wanted, dec_hook=find)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadArguments(f"{function}() argument {argument!r}: {error}") from None
    except (TypeError, NotImplementedError) as error:
        raise MarkError(f"{function}() argument {argument!r} has an annotation of no use: {error}") from error


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """All but `self`."""
    return list(inspect.signature(function).parameters.values())[1:]


def _known(function: Callable[..., Any]) -> dict[str, tuple[Any, bool]]:
    """By argument its annotation and whether it may be left out; worked out at the first call, when all
    names that annotations use are there."""
    known: dict[str, tuple[Any, bool]] | None = getattr(function, "__roomfleet_arguments__", None)
    if known is None:
        try:
            hints = typing.get_type_hints(function)
        except NameError as error:
            raise MarkError(
                f"{function.__qualname__}(): an annotation cannot be resolved: {error}"
            ) from error
        known = {
            each.name: (hints.get(each.name, Any), each.default is not inspect.Parameter.empty)
            for each in _parameters(function)
        }
        function.__roomfleet_arguments__ = known  # type: ignore[attr-defined]
    return known

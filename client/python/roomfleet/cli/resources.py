"""What the arguments of a command name: kinds, and objects of kinds, as kubectl's do."""

from __future__ import annotations

from dataclasses import dataclass

from roomfleet.cli.errors import UsageError
from roomfleet.master.local.kinds import Kind, Kinds


@dataclass(frozen=True)
class Asked:
    """A kind, and a name of it or, with None, all of them."""

    kind: Kind
    name: str | None


def asked(arguments: list[str], kinds: Kinds) -> list[Asked]:
    """Reads `TYPE[,TYPE]`, `TYPE NAME…` or `TYPE/NAME…`. Raises UsageError.

    A category stands for its kinds, all objects of them: it takes no name.
    """
    if not arguments:
        known = ", ".join(sorted(kind.plural for kind in kinds))
        raise UsageError(f"you must say what: a type ({known}), a type and a name, or TYPE/NAME")
    if any("/" in argument for argument in arguments):
        return [_one(argument, kinds) for argument in arguments]
    types, names = arguments[0].split(","), arguments[1:]
    if names:
        if several := [each for each in types if kinds.category(each)]:
            raise UsageError(
                f'you must specify only one resource: "{several[0]}" is several, and takes no name'
            )
        return [Asked(_kind(each, kinds), name) for each in types for name in names]
    return [Asked(kind, None) for each in types for kind in _kinds(each, kinds)]


def _one(argument: str, kinds: Kinds) -> Asked:
    kind, slash, name = argument.partition("/")
    if not slash or not name:
        raise UsageError(f'"{argument}": with TYPE/NAME every argument has to be one')
    return Asked(_kind(kind, kinds), name)


def _kinds(text: str, kinds: Kinds) -> list[Kind]:
    return kinds.category(text) or [_kind(text, kinds)]


def _kind(text: str, kinds: Kinds) -> Kind:
    kind = kinds.called(text)
    if kind is None:
        known = ", ".join(sorted(f"{each.plural} ({', '.join(each.short_names)})" for each in kinds))
        raise UsageError(f'the server doesn\'t have a resource type "{text}": there are {known}')
    return kind

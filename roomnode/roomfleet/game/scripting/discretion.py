"""Which actors a text names: what players are told of errors must name none that they do not see."""

from __future__ import annotations

import re
from collections.abc import Collection, Container
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor

MOST_GONE = 1_000
"""So many of those who are gone are remembered."""

_ID = re.compile(r"(?<!\w)p:|(?<![\w.-])[a-z0-9][a-z0-9.-]*-[0-9]+-[0-9]+(?!\w)")
"""Where an actor's id stands: `p:ann`, where the player's name may have any character, or `town-1-7`."""


def named_in(actor: Actor, text: str) -> bool:
    """Whether the text has the actor's id, or its name as a word."""
    if actor._id in text:
        return True
    return _has_word(text, actor._name)


def _has_word(text: str, name: str) -> bool:
    return name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


class Gone:
    """Actors that are gone and that not everybody saw then: who did not is not told their names, as with
    unseen actors that are here."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Container[str]]] = {}
        """By id: the name, and the players who saw it."""

    def __len__(self) -> int:
        return len(self._known)

    def add(self, actor: Actor, seers: Container[str] | None) -> None:
        """It goes out; `seers` are the players who see it, None is all."""
        self._known.pop(actor._id, None)
        if seers is not None:
            self._known[actor._id] = (actor._name, seers)
            if len(self._known) > MOST_GONE:
                del self._known[next(iter(self._known))]

    def came(self, actor: Actor) -> None:
        """It is here again."""
        self._known.pop(actor._id, None)

    def unseen_in(self, text: str, viewer: str | None) -> bool:
        """Whether the text has the name of one whom that player did not see."""
        return any(viewer not in seers and _has_word(text, name) for name, seers in self._known.values())


def names_others(text: str, known: Collection[Actor]) -> bool:
    """Whether the text has an id of an actor, here or not any more, that is none of these."""
    return any(
        not any(text.startswith(each._id, match.start()) for each in known) for match in _ID.finditer(text)
    )

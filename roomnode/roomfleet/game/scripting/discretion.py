"""Which actors a text names: what players are told of errors must name none that they do not see."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor

_ID = re.compile(r"(?<!\w)p:|(?<![\w.-])[a-z0-9][a-z0-9.-]*-[0-9]+-[0-9]+(?!\w)")
"""Where an actor's id stands: `p:ann`, where the player's name may have any character, or `town-1-7`."""


def named_in(actor: Actor, text: str) -> bool:
    """Whether the text has the actor's id, or its name as a word."""
    if actor._id in text:
        return True
    name = actor._name
    return name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def names_others(text: str, known: Collection[Actor]) -> bool:
    """Whether the text has an id of an actor, here or not any more, that is none of these."""
    return any(
        not any(text.startswith(each._id, match.start()) for each in known) for match in _ID.finditer(text)
    )

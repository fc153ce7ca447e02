"""Who may see whom, as far as docking and invisibility go. How far one sees is another matter: `watching`.

A viewer sees its own actor, all that this is docked to, and what is docked to it directly. Of the rest it
sees what is visible itself and so are all that it is docked to, one above the other. So whoever sees an
actor sees its parent, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor


def root_of(actor: Actor) -> Actor:
    """The actor on its own feet that carries this one; itself when it is not docked."""
    while actor._parent is not None:
        actor = actor._parent
    return actor


def depth_of(actor: Actor) -> int:
    """How many are above it."""
    depth = 0
    while actor._parent is not None:
        actor = actor._parent
        depth += 1
    return depth


def tree_of(actor: Actor) -> list[Actor]:
    """The actor and all that is docked to it, parents first; those of them that are in the room."""
    if not actor._children:
        return [actor] if actor._shown else []
    tree = [actor]
    for each in tree:
        tree.extend(each._children)
    return [each for each in tree if each._shown]


def is_open(actor: Actor | None) -> bool:
    """Whether neither it nor anything that it is docked to is invisible."""
    while actor is not None:
        if actor._hidden:
            return False
        actor = actor._parent
    return True


def is_close(viewer: Actor, actor: Actor) -> bool:
    """Whether the viewer's actor sees that one, visible or not: itself, above it, or docked to it."""
    above: Actor | None = viewer
    while above is not None:
        if above is actor:
            return True
        above = above._parent
    return actor._parent is viewer


def may_see(viewer: Actor, actor: Actor) -> bool:
    """Whether it sees that one when that is near enough."""
    each: Actor | None = actor
    while each is not None:
        if is_close(viewer, each):
            return True
        if each._hidden:
            return False
        each = each._parent
    return True

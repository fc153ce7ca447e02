"""Who watches a live room, and what each of them is told: changes, comings and goings, snapshots.

Viewers are players, from when their actors come in, and admins, who see everything. While nobody watches,
nothing is kept. Which viewer sees which actor: `sight` (docking, invisible actors) and `distances` (how
far); what follows from that is recorded in `view`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from roomfleet.game.distances import Distances
from roomfleet.game.errors import GameError
from roomfleet.game.outbox import Frame
from roomfleet.game.plain import bare
from roomfleet.game.scripted import Scripted
from roomfleet.game.sight import depth_of, is_open, may_see, root_of, tree_of
from roomfleet.game.state import Tier
from roomfleet.game.unsaved import ROOM
from roomfleet.game.view import Audience, Recorder, actor_view, admin_view, failure_view, inner_view
from roomfleet.game.vision import ALL, Vision, vision_of
from roomfleet.wire.patch import Op

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.live import LiveRoom
    from roomfleet.game.nearness import Body

ADMIN = "\0admin:"
"""How the names of admin viewers begin: no player's name has a character that cannot be printed."""

UNSEEN = "unseen"
"""Why an actor leaves a viewer's copy that is still in the room: not whether it went far or invisible."""


ABSENT: Any = object()
"""The value of a field that an actor does not have any more."""


def admin_viewer(number: int) -> str:
    """The name of an admin viewer."""
    return f"{ADMIN}{number}"


class Watching:
    """The viewers of one room. Everything about a player's viewer that is told before its snapshot may be
    left out: a snapshot is where each client begins."""

    __slots__ = ("_distances", "_enters", "_live", "_recorder", "admins", "viewers")

    def __init__(self, live: LiveRoom) -> None:
        self._live = live
        self.viewers: dict[str, Actor] = {}
        """Players who watch, with their actors."""
        self.admins: tuple[str, ...] = ()
        self._recorder: Recorder | None = None
        """There while anybody watches."""
        self._distances: Distances | None = None
        """There while somebody does not see the whole room."""
        self._enters: dict[str, Op] = {}
        """By actor the op by which it comes into view, as long as it holds."""

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._recorder)

    @property
    def watched(self) -> bool:
        """Whether anybody is to be told of changes."""
        return self._recorder is not None

    # -- viewers come and go ------------------------------------------------------------------------------

    def watch(self, viewer: str) -> None:
        """Tell this viewer of changes from now on: an admin, or a player whose actor is here.

        Does nothing for one who watches already. Raises GameError for any other.
        """
        if viewer in self.viewers or viewer in self.admins:
            return
        if viewer.startswith(ADMIN):
            self._begin()
            self.admins = (*self.admins, viewer)
        else:
            actor = self._live.player_actor(viewer)
            if actor is None or not actor._shown:
                raise GameError(
                    f"{viewer!r} cannot watch the room {self._live.name}: no actor of theirs is here"
                )
            self._begin()
            self.viewers[viewer] = actor
            self._place(viewer)
        assert self._recorder is not None
        self._recorder.mark(viewer)  # what is recorded from now on has another audience

    def unwatch(self, viewer: str) -> None:
        """Tell this viewer nothing more, until it has another snapshot."""
        if viewer in self.viewers:
            if self._distances is not None:
                self._distances.take(viewer)
            del self.viewers[viewer]
        elif viewer in self.admins:
            self.admins = tuple(each for each in self.admins if each != viewer)
        if not self.viewers and not self.admins:
            self._recorder = None
            self._enters = {}
        self._without_need()

    def _without_need(self) -> None:
        if self._distances is not None and not self._distances:
            self._distances.end()
            self._distances = None

    def _begin(self) -> None:
        if self._recorder is None:
            self._recorder = Recorder()

    def _place(self, viewer: str) -> None:
        """See to it that the viewer sees as far as it should; nobody is told."""
        vision = self._vision(self.viewers[viewer])
        if self._distances is None:
            if vision is ALL:
                return
            self._distances = Distances(self._live.steps, self._near, self.viewers)
        self._distances.put(viewer, vision, self._live.actors)

    def _vision(self, viewer: Actor) -> Vision:
        return vision_of(self._live.vision, getattr(viewer, "vision_distance", None))

    # -- who sees whom ------------------------------------------------------------------------------------

    def _seers(self, actor: Actor) -> Iterable[str] | None:
        """The players who see it; None is all."""
        if is_open(actor):
            return None if self._distances is None else self._distances.seers(root_of(actor))
        riders = [each for each in tree_of(root_of(actor)) if each._player in self.viewers]
        return [str(each._player) for each in riders if may_see(each, actor)]

    def _audience(self, actor: Actor) -> Audience:
        seers = self._seers(actor)
        return None if seers is None else (*seers, *self.admins)

    def sees(self, viewer: Actor, actor: Actor) -> bool:
        """Whether that player sees that actor. One who does not watch sees as if it did."""
        if not actor._shown:
            return False
        if not may_see(viewer, actor):
            return False
        root, here = root_of(actor), root_of(viewer)
        if root is here:
            return True
        if viewer._player in self.viewers:
            return self._distances is None or self._distances.sees(str(viewer._player), root)
        vision = self._vision(viewer)
        if vision is ALL:
            return True
        (x, y), (to_x, to_y) = here.position, root.position
        return (x - to_x) ** 2 + (y - to_y) ** 2 <= vision.distance**2

    def snapshot(self, viewer: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Actors and room, all that the viewer sees of them; what is recorded later fits."""
        self.watch(viewer)
        assert self._recorder is not None
        self._recorder.mark(viewer)
        live = self._live
        if viewer in self.admins:
            shown = {each._id: admin_view(each) for each in live.actors if each._shown}
            return shown, inner_view(live.room)
        mine = self.viewers[viewer]
        return (
            {each._id: actor_view(each, owner=each is mine) for each in live.actors if self.sees(mine, each)},
            {"state": live.room.state._visible(owner=False)},
        )

    # -- what happens -------------------------------------------------------------------------------------

    def state(self, owner: Scripted, tier: Tier, kind: str, path: list[str | int], value: Any) -> None:
        """A value in the state of an actor, or of the room, changed."""
        recorder = self._recorder
        if recorder is None:
            return
        key = owner._key
        audience: Audience
        if tier is Tier.INTERNAL:
            audience = self.admins
        elif key == ROOM:
            audience = None
        elif tier is Tier.OWNER:
            player = owner._player  # type: ignore[attr-defined]
            audience = (player, *self.admins) if player in self.viewers else self.admins
        elif not owner._shown:  # type: ignore[attr-defined]
            return
        else:
            if self._enters:
                self._enters.pop(key, None)
            audience = self._audience(owner)  # type: ignore[arg-type]
        if audience is None or audience:
            recorder.change(kind, [key, "state", *path], bare(value), audience)

    def field(self, actor: Actor, field: str, value: Any) -> None:
        """A field of an actor itself changed. Its path by `course`."""
        if self._recorder is not None and actor._shown:
            self._enters.pop(actor._id, None)
            audience = self._audience(actor)
            if audience is None or audience:
                kind = "set" if value is not ABSENT else "del"
                self._recorder.change(kind, [actor._id, field], value, audience)

    def course(self, actor: Actor, *, jump: bool) -> None:
        """An actor on its own feet has another path, from where it is or (`jump`) from elsewhere."""
        if self._recorder is None or not actor._shown:
            return
        if self._distances is None:
            self.field(actor, "path", actor._path)
        elif jump:
            self._enters.pop(actor._id, None)
            meet = self._distances.jump(actor)
            self.field(actor, "path", actor._path)
            meet()
        else:
            self._distances.turned(actor)
            self.field(actor, "path", actor._path)

    def failed(self, owner: Scripted) -> None:
        """One of its scripts raised."""
        if self._recorder is not None and self.admins and getattr(owner, "_shown", True):
            key = owner._key
            self._recorder.change("set", [key, "failure"], failure_view(owner.failure), self.admins)
            self._recorder.change("set", [key, "failures"], owner.failures, self.admins)

    def settle(self) -> None:
        """See who came near whom by the courses that were taken since the last time."""
        if self._distances is not None:
            self._distances.settle()

    def flush(self, seq: int, now: float) -> Frame | None:
        """The frame, and begin a new one."""
        return self._recorder.flush(seq, now) if self._recorder is not None else None

    # -- actors come, go, and change what is seen of them -------------------------------------------------

    def shown(self, actor: Actor) -> None:
        """An actor has come in. A player's watches from now on."""
        if self._distances is not None and actor._parent is None:
            self._distances.add(actor)
        player = actor._player
        if player is not None:
            self.watch(player)
        if self._recorder is None:
            return
        seers = self._seers(actor)
        instead: dict[str, Op] = {}
        if self.admins:
            op = ["enter", actor._id, admin_view(actor)]
            instead = {each: op for each in self.admins}  # noqa: C420 - one op, never changed
        if player is not None:
            instead[player] = ["enter", actor._id, actor_view(actor, owner=True)]
        if seers is None:
            self._recorder.add(self._enter(actor), None, instead)
        else:
            self._enter_to(actor, [each for each in seers if each != player])
            for viewer, own in instead.items():
                self._recorder.add(own, (viewer,))

    def gone(self, actor: Actor, why: str) -> None:
        """An actor goes out of the room; it still counts as here."""
        if self._recorder is None:
            return
        self._enters.pop(actor._id, None)
        audience = self._audience(actor)
        if audience is None or audience:
            self._recorder.add(["leave", actor._id, why], audience)
        player = actor._player
        if player is not None:
            self.unwatch(player)
        if self._distances is not None and actor._parent is None:
            self._distances.remove(actor)

    def docked(self, actor: Actor, onto: Actor) -> None:
        """Within `reshape`: an actor that stood on its own feet is part of the root `onto` now."""
        if self._distances is not None and actor._shown:
            self._distances.docked(actor, onto)

    def undocked(self, actor: Actor, from_root: Actor) -> None:
        """Within `reshape`: an actor that was part of that root stands on its own feet now."""
        if self._distances is not None and actor._shown:
            self._distances.undocked(actor, from_root)

    def reshape(self, actors: Iterable[Actor], act: Callable[[], list[tuple[Actor, str, Any]]]) -> None:
        """Do what changes who sees these actors, and all that is docked to the same as they: `act`, which
        gives the fields that it changed.

        Told are, in this order: those who see an actor now and did not, of its coming; those who go on
        seeing it, of its fields; those who do not see it any more, of its going.
        """
        if self._recorder is None:
            act()
            return
        trees = {each._id: each for actor in actors for each in tree_of(root_of(actor))}
        if self._distances is None and not any(each._hidden for each in trees.values()):
            fields = act()
            if not any(each._hidden for each in trees.values()):
                for actor, field, value in fields:
                    self.field(actor, field, value)
                return
            self._differ(trees, dict.fromkeys(trees), fields)
            return
        riders = [str(each._player) for each in trees.values() if each._player in self.viewers]
        before = self._seen_of(trees, riders)
        self._differ(trees, before, act(), riders)

    def refocus(self, viewers: Iterable[str], act: Callable[[], None]) -> None:
        """Do what changes how far these viewers see."""
        act()
        placed = [each for each in viewers if each in self.viewers]
        if placed:
            actors = {each._id: each for each in self._live.actors if each._shown}
            before = self._seen_of(actors)
            for viewer in placed:
                self._place(viewer)
            self._without_need()
            self._differ(actors, before, [])

    def _seen_of(
        self, actors: dict[str, Actor], riders: Iterable[str] = ()
    ) -> dict[str, frozenset[str] | None]:
        """By actor who sees it, None for everybody: of `actors` all, of others those of the riders who see
        so far and no farther."""
        seen: dict[str, frozenset[str] | None] = {}
        for actor_id, actor in actors.items():
            if actor._shown:
                seers = self._seers(actor)
                seen[actor_id] = None if seers is None else frozenset(seers)
        if self._distances is not None:
            others: dict[str, set[str]] = {}
            for viewer in riders:
                for root in self._distances.seen_by(viewer):
                    for each in tree_of(root):
                        if each._id not in actors and is_open(each):
                            others.setdefault(each._id, set()).add(viewer)
            seen.update((actor_id, frozenset(seers)) for actor_id, seers in others.items())
        return seen

    def _differ(
        self,
        trees: dict[str, Actor],
        before: dict[str, frozenset[str] | None],
        fields: list[tuple[Actor, str, Any]],
        riders: Iterable[str] = (),
    ) -> None:
        """Tell of the difference between who saw what before and who does now."""
        recorder = self._recorder
        assert recorder is not None
        for actor, _, _ in fields:
            self._enters.pop(actor._id, None)
        after = self._seen_of(trees, riders)
        everybody = frozenset(self.viewers)
        gained: dict[str, frozenset[str]] = {}
        lost: dict[str, frozenset[str]] = {}
        nobody: frozenset[str] = frozenset()
        for actor_id in {**before, **after}:
            was, now = before.get(actor_id, nobody), after.get(actor_id, nobody)
            if was is not now:
                was, now = everybody if was is None else was, everybody if now is None else now
                if now - was:
                    gained[actor_id] = now - was
                if was - now:
                    lost[actor_id] = was - now
        order = {each._id: each for each in self._live.actors} if gained or lost else {}
        for actor in _parents_first(order[actor_id] for actor_id in gained):
            self._enter_to(actor, gained[actor._id])
        for actor_id in lost:
            recorder.fence(actor_id)
        for actor, field, value in fields:
            if not actor._shown:
                continue
            audience = self._audience(actor)
            new = gained.get(actor._id)
            if new and audience is not None:
                audience = tuple(each for each in audience if each not in new)
            elif new:
                audience = (*(each for each in self.viewers if each not in new), *self.admins)
            if audience is None or audience:
                kind = "set" if value is not ABSENT else "del"
                recorder.change(kind, [actor._id, field], value, audience)
        for actor in reversed(_parents_first(order[actor_id] for actor_id in lost)):
            recorder.add(["leave", actor._id, UNSEEN], tuple(lost[actor._id]))
        for actor_id in gained:
            recorder.fence(actor_id)

    def _near(self, one: Body, other: Body, near: bool) -> None:
        """These have come near each other, for the viewers who are part of them, or have parted."""
        recorder = self._recorder
        assert recorder is not None
        for root, viewers in ((one.root, other.eyes), (other.root, one.eyes)):
            if not viewers:
                continue
            tree = tree_of(root) if root._children else [root]
            for actor in tree if near else reversed(tree):
                if is_open(actor):
                    op = self._enter(actor) if near else ["leave", actor._id, UNSEEN]
                    recorder.add(op, viewers)

    def _enter_to(self, actor: Actor, viewers: Iterable[str]) -> None:
        viewers = tuple(viewers)
        if viewers:
            assert self._recorder is not None
            mine = actor._player
            if mine in viewers:
                self._recorder.add(["enter", actor._id, actor_view(actor, owner=True)], (mine,))
                viewers = tuple(each for each in viewers if each != mine)
            self._recorder.add(self._enter(actor), viewers)

    def _enter(self, actor: Actor) -> Op:
        op = self._enters.get(actor._id)
        if op is None:
            op = self._enters[actor._id] = ["enter", actor._id, actor_view(actor, owner=False)]
        return op


def _parents_first(actors: Iterable[Actor]) -> list[Actor]:
    return sorted(actors, key=depth_of)

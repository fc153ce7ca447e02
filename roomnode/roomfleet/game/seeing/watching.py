"""What the viewers of a live room are told: changes, comings and goings, snapshots.

Viewers are players, from when their actors come in, and admins, who see everything. While nobody watches,
nothing is kept. `sightings` knows who sees whom, `view` collects what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from roomfleet.game.errors import GameError
from roomfleet.game.outbox import Frame
from roomfleet.game.saving.unsaved import ROOM
from roomfleet.game.scripting.scripted import Scripted
from roomfleet.game.seeing.sight import depth_of, is_open, may_see, root_of, tree_of
from roomfleet.game.seeing.sightings import Seen, Sightings
from roomfleet.game.seeing.view import Audience, Recorder, actor_view, admin_view, failure_view, inner_view
from roomfleet.game.seeing.vision import ALL, vision_of
from roomfleet.game.state.plain import bare
from roomfleet.game.state.state import Tier
from roomfleet.wire.patch import Op

if TYPE_CHECKING:
    from roomfleet.game.actor import Actor
    from roomfleet.game.live import LiveRoom
    from roomfleet.game.seeing.nearness import Body
    from roomfleet.game.seeing.vision import Vision

ADMIN = "\0admin:"
"""How the names of admin viewers begin: no player's name has a character that cannot be printed."""

UNSEEN = "unseen"
"""Why an actor leaves a viewer's copy that is still in the room: not whether it went far or invisible."""

ABSENT: Any = object()
"""The value of a field that an actor does not have any more."""

Fields = list[tuple["Actor", str, Any]]
"""Fields of actors that changed, with their values."""


def admin_viewer(number: int) -> str:
    """The name of an admin viewer."""
    return f"{ADMIN}{number}"


class Watching:
    """What is told of one room. A client begins with a snapshot: what its viewer is told before may lack
    something."""

    __slots__ = ("_departed", "_enters", "_live", "_recorder", "_sightings")

    def __init__(self, live: LiveRoom) -> None:
        self._live = live
        self._recorder: Recorder | None = None
        """This and the others are there while anybody watches."""
        self._sightings: Sightings | None = None
        self._enters: dict[str, Op] | None = None
        """By actor the op by which it comes into view, as long as it holds."""
        self._departed: dict[str, None] = {}
        """Players who saw near actors only and whose own has left: what everybody is told is not for them."""

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._recorder)

    @property
    def watched(self) -> bool:
        """Whether anybody is to be told of changes."""
        return self._recorder is not None

    # -- viewers ------------------------------------------------------------------------------------------

    def watch(self, viewer: str) -> None:
        """Tell this viewer of changes from now on: an admin, or a player whose actor is here.

        Does nothing for one who watches already. Raises GameError for any other.
        """
        if self._sightings is not None and viewer in self._sightings:
            return
        actor = self._live.player_actor(viewer)
        admin = actor is None and viewer.startswith(ADMIN)
        if not admin and (actor is None or not actor._shown):
            raise GameError(f"{viewer!r} cannot watch the room {self._live.name}: no actor of theirs is here")
        if self._recorder is None:
            self._recorder = Recorder()
            self._enters = {}
        if self._sightings is None:
            self._sightings = Sightings(self._live.steps, self._live.actors, self._near)
        self._departed.pop(viewer, None)
        if admin:
            self._sightings.admins += (viewer,)
        elif actor is not None:
            self._sightings.add(viewer, actor, self._vision(actor))
        self._recorder.mark(viewer)  # what is recorded from now on has another audience

    def unwatch(self, viewer: str) -> None:
        """Tell this viewer nothing more, until it has another snapshot."""
        self._departed.pop(viewer, None)
        if self._sightings is not None:
            self._sightings.remove(viewer)
            if not self._sightings:
                self._recorder = self._sightings = self._enters = None

    def _vision(self, viewer: Actor) -> Vision:
        return vision_of(self._live.vision, getattr(viewer, "vision_distance", None))

    def sees(self, viewer: Actor, actor: Actor) -> bool:
        """Whether that player sees that actor. One who does not watch sees as if it began to now."""
        if self._sightings is not None and viewer._player in self._sightings.viewers:
            return self._sightings.sees(str(viewer._player), actor)
        if not actor._shown or not may_see(viewer, actor):
            return False
        vision = self._vision(viewer)
        root, here = root_of(actor), root_of(viewer)
        if vision is ALL or root is here:
            return True
        (x, y), (to_x, to_y) = here.position, root.position
        return (x - to_x) ** 2 + (y - to_y) ** 2 <= vision.distance**2

    def seers(self, actor: Actor) -> frozenset[str] | None:
        """The players who see it; None is all."""
        if self._sightings is None:
            return None if is_open(actor) and self._live.vision is ALL else frozenset()
        seers = self._sightings.seers(actor)
        return None if seers is None else frozenset(seers)

    def snapshot(self, viewer: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Actors and room, all that the viewer sees of them; what is recorded later fits.

        A player whose actor has left, and whose client is about to hear of it, sees what the frames for
        everybody tell of.
        """
        live = self._live
        room = {"state": live.room.state._visible(owner=False)}
        actor = live.player_actor(viewer)
        admin = actor is None and viewer.startswith(ADMIN)
        if not admin and (actor is None or not actor._shown):
            some_near_only = self._sightings is not None and self._sightings.distances is not None
            near_only = some_near_only or live.vision is not ALL or viewer in self._departed
            common = [] if near_only else list(live.actors)
            seen = [each for each in common if each._shown and is_open(each)]
            return {each._id: actor_view(each, owner=False) for each in seen}, room
        self.watch(viewer)
        assert self._recorder is not None
        assert self._sightings is not None
        self._recorder.mark(viewer)
        sightings = self._sightings
        if viewer in sightings.admins:
            shown = {each._id: admin_view(each) for each in live.actors if each._shown}
            return shown, inner_view(live.room)
        mine = sightings.viewers[viewer]
        return (
            {
                each._id: actor_view(each, owner=each is mine)
                for each in live.actors
                if sightings.sees(viewer, each)
            },
            room,
        )

    # -- changes of an actor or the room ------------------------------------------------------------------

    def state(self, owner: Scripted, tier: Tier, kind: str, path: list[str | int], value: Any) -> None:
        """A value in the state of an actor, or of the room, changed."""
        recorder, sightings = self._recorder, self._sightings
        if recorder is None or sightings is None:
            return
        key = owner._key
        audience: Audience
        if tier is Tier.INTERNAL:
            audience = sightings.admins
        elif key == ROOM:
            audience = None
        elif tier is Tier.OWNER:
            player = owner._player  # type: ignore[attr-defined]
            audience = (player, *sightings.admins) if player in sightings.viewers else sightings.admins
        elif not owner._shown:  # type: ignore[attr-defined]
            return
        else:
            if self._enters:
                self._enters.pop(key, None)
            audience = sightings.audience(owner)  # type: ignore[arg-type]
        if audience is None or audience:
            recorder.change(kind, [key, "state", *path], bare(value), audience)

    def field(self, actor: Actor, field: str, value: Any) -> None:
        """A field of an actor itself changed. Its path by `course`."""
        if self._sightings is not None and actor._shown:
            self._set(actor, field, value, self._sightings.audience(actor))

    def _set(self, actor: Actor, field: str, value: Any, audience: Audience) -> None:
        if self._enters:
            self._enters.pop(actor._id, None)
        if self._recorder is not None and (audience is None or audience):
            kind = "set" if value is not ABSENT else "del"
            self._recorder.change(kind, [actor._id, field], value, audience)

    def course(self, actor: Actor, *, jump: bool) -> None:
        """An actor on its own feet has another path, from where it is or (`jump`) from elsewhere."""
        if self._sightings is None or not actor._shown:
            return
        distances = self._sightings.distances
        if distances is None:
            self._set(actor, "path", actor._path, self._sightings.audience(actor))
        elif jump:
            if self._enters:
                self._enters.pop(actor._id, None)
            meet = distances.jump(actor)
            self._set(actor, "path", actor._path, self._sightings.audience(actor))
            meet()
        else:
            distances.turned(actor)
            self._set(actor, "path", actor._path, self._sightings.audience(actor))

    def failed(self, owner: Scripted) -> None:
        """One of its scripts raised."""
        if self._recorder is None or self._sightings is None:
            return
        key, admins = owner._key, self._sightings.admins
        if admins and getattr(owner, "_shown", True):
            self._recorder.change("set", [key, "failure"], failure_view(owner.failure), admins)
            self._recorder.change("set", [key, "failures"], owner.failures, admins)

    def settle(self) -> None:
        """See who came near whom by the courses that were taken since the last time."""
        if self._sightings is not None and self._sightings.distances is not None:
            self._sightings.distances.settle()

    def flush(self, seq: int, now: float) -> Frame | None:
        """The frame, and begin a new one."""
        frame = self._recorder.flush(seq, now) if self._recorder is not None else None
        if frame is not None:
            for viewer in self._departed:
                frame.private.setdefault(viewer, [])
        return frame

    # -- actors come and go -------------------------------------------------------------------------------

    def shown(self, actor: Actor) -> None:
        """An actor has come in. A player's watches from now on."""
        distances = self._sightings.distances if self._sightings is not None else None
        if distances is not None and actor._parent is None:
            distances.add(actor)
        player = actor._player
        if player is not None:
            self.watch(player)
        if self._recorder is None or self._sightings is None:
            return
        instead: dict[str, Op] = {}
        if self._sightings.admins:
            op = ["enter", actor._id, admin_view(actor)]
            instead = {each: op for each in self._sightings.admins}  # noqa: C420 - one op, never changed
        if player is not None:
            instead[player] = ["enter", actor._id, actor_view(actor, owner=True)]
        seers = self._sightings.seers(actor)
        if seers is None:
            self._recorder.add(self._enter(actor), None, instead)
        else:
            self._enter_to(actor, [each for each in seers if each != player])
            for viewer, own in instead.items():
                self._recorder.add(own, (viewer,))

    def gone(self, actor: Actor, why: str) -> None:
        """An actor goes out of the room; it still counts as here."""
        if self._recorder is None or self._sightings is None:
            return
        if self._enters:
            self._enters.pop(actor._id, None)
        audience = self._sightings.audience(actor)
        if audience is None or audience:
            self._recorder.add(["leave", actor._id, why], audience)
        if actor._player is not None:
            self.unwatch(actor._player)
            if self._vision(actor) is not ALL:
                self._departed[actor._player] = None
                if self._recorder is not None:
                    self._recorder.part(actor._player)
        distances = self._sightings.distances if self._sightings is not None else None
        if distances is not None and actor._parent is None:
            distances.remove(actor)

    # -- what changes who sees whom -----------------------------------------------------------------------

    def docked(self, actor: Actor, onto: Actor) -> None:
        """Within `reshape`: an actor that stood on its own feet is part of the root `onto` now."""
        if self._sightings is not None and self._sightings.distances is not None and actor._shown:
            self._sightings.distances.docked(actor, onto)

    def undocked(self, actor: Actor, from_root: Actor) -> None:
        """Within `reshape`: an actor that was part of that root stands on its own feet now."""
        if self._sightings is not None and self._sightings.distances is not None and actor._shown:
            self._sightings.distances.undocked(actor, from_root)

    def reshape(self, actors: Iterable[Actor], act: Callable[[], Fields]) -> None:
        """Do what changes who sees these actors, and all that is docked to the same as they: `act`, which
        gives the fields that it changed.

        Told are, in this order: those who see an actor now and did not, of its coming; those who go on
        seeing it, of its fields; those who do not see it any more, of its going.
        """
        sightings = self._sightings
        if sightings is None:
            act()
            return
        trees = {each._id: each for actor in actors for each in tree_of(root_of(actor))}
        riders = [str(each._player) for each in trees.values() if each._player in sightings.viewers]
        before = sightings.seen_of(trees, riders)
        fields = act()
        self._tell(before, sightings.seen_of(trees, riders), fields)

    def refocus(self, act: Callable[[], None], player: str | None = None) -> None:
        """Do what changes how far this player sees, or all of them do."""
        act()
        sightings = self._sightings
        if sightings is not None:
            actors = {each._id: each for each in self._live.actors}
            before = sightings.seen_of(actors)
            for viewer, actor in sightings.viewers.items():
                if player is None or player == viewer:
                    sightings.place(viewer, self._vision(actor))
            self._tell(before, sightings.seen_of(actors), [])

    def _tell(self, before: Seen, after: Seen, fields: Fields) -> None:
        """Tell of the difference between who saw what before and who does now."""
        recorder, sightings = self._recorder, self._sightings
        assert recorder is not None
        assert sightings is not None
        if self._enters:
            for actor, _, _ in fields:
                self._enters.pop(actor._id, None)
        gained, lost = sightings.difference(before, after)
        get = self._live.actors.get
        come = sorted([here for each in gained if (here := get(each)) is not None], key=depth_of)
        went = sorted([here for each in lost if (here := get(each)) is not None], key=depth_of)
        for actor in come:
            self._enter_to(actor, gained[actor._id])
        for actor in went:
            recorder.fence(actor._id)  # so that no field is told to them by an op of before
        for actor, field, value in fields:
            if actor._shown:
                audience = sightings.audience(actor)
                new = gained.get(actor._id)
                if new is not None:
                    everybody = (*sightings.viewers, *sightings.admins)
                    known = everybody if audience is None else audience
                    audience = tuple(each for each in known if each not in new)
                self._set(actor, field, value, audience)
        for actor in reversed(went):
            recorder.add(["leave", actor._id, UNSEEN], tuple(lost[actor._id]))
        for actor in come:
            recorder.fence(actor._id)

    def _near(self, one: Body, other: Body, near: bool) -> None:
        """These have come near each other, for the viewers who are part of them, or have parted."""
        recorder = self._recorder
        assert recorder is not None
        for root, viewers in ((one.root, other.eyes), (other.root, one.eyes)):
            if not viewers:
                continue
            if not root._children:  # as nearly all
                if not root._hidden:
                    recorder.add(self._enter(root) if near else ["leave", root._id, UNSEEN], viewers)
                continue
            tree = tree_of(root)
            for actor in tree if near else reversed(tree):
                if is_open(actor):
                    recorder.add(self._enter(actor) if near else ["leave", actor._id, UNSEEN], viewers)

    def _enter_to(self, actor: Actor, viewers: Iterable[str]) -> None:
        assert self._recorder is not None
        mine = actor._player
        others = tuple(each for each in viewers if each != mine)
        if mine is not None and mine in viewers:
            self._recorder.add(["enter", actor._id, actor_view(actor, owner=True)], (mine,))
        if others:
            self._recorder.add(self._enter(actor), others)

    def _enter(self, actor: Actor) -> Op:
        assert self._enters is not None
        op = self._enters.get(actor._id)
        if op is None:
            op = self._enters[actor._id] = ["enter", actor._id, actor_view(actor, owner=False)]
        return op

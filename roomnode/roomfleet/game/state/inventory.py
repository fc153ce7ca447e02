"""InventoryState: what somebody or something holds, in slots, within limits.

In the save and on the wire it is `{"0": {"item": "rope", "count": 3}, "4": …}`, by slot; empty slots are not
there. A stack whose things are not like any others' has `"data": {…}` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from roomfleet.game.errors import StateError
from roomfleet.game.state.dict_state import DictState
from roomfleet.game.state.items import ItemRegistry
from roomfleet.game.state.observed import Node
from roomfleet.game.state.plain import Misfit, bare, same
from roomfleet.game.state.stacks import Limits, Plan, Stack, checked_count, joined

ENTRY_FIELDS = {"item", "count", "data"}


class _Guarded(DictState):
    """A dict that only its inventory changes."""

    def _refused(self, *args: Any, **fields: Any) -> NoReturn:
        raise StateError(
            f"{self._where()}: an inventory is changed by its methods, which keep its limits:"
            " add, remove, take, move, split, merge, transfer, trade, clear"
        )

    __setitem__ = __delitem__ = __ior__ = _refused
    pop = popitem = setdefault = update = _refused


class _Entry(_Guarded):
    """A stack as it is kept."""

    clear = _Guarded._refused


class InventoryState(_Guarded):
    """Things in numbered slots. Equal things share a slot up to the stack's size.

    Every change is made wholly or, with an InventoryError, not at all: so are transfers and trades between
    two inventories, whose actors are also saved together. What was saved is kept even when the limits of
    today are lower.
    """

    each = _Entry

    def __init__(
        self,
        *,
        slots: int | None = None,
        weight: float | None = None,
        count: int | None = None,
        stack: int | None = None,
        types: ItemRegistry | None = None,
    ) -> None:
        """`slots`, `weight` and `count` are limits of the whole; None is no limit. `stack` is how many share
        a slot where the item type does not say. With `types`, only things of these types go in."""
        super().__init__()
        self._limits = Limits.checked(type(self).__name__, slots, weight, count, stack, types)

    @property
    def _special(self) -> bool:
        return True

    def _fill(self, value: Any, depth: int) -> None:
        for slot, entry in dict.items(value):
            if not isinstance(slot, str) or not slot.isdecimal() or str(int(slot)) != slot:
                raise Misfit(f"{slot!r} is no slot's number")
            if not _is_entry(entry):
                raise Misfit('a stack is {"item": "rope", "count": 3}').at(slot)
        super()._fill(value, depth)

    # -- looking ------------------------------------------------------------------------------------------

    @property
    def limits(self) -> Limits:
        """What it was made with."""
        return self._limits

    def stack(self, slot: int) -> Stack | None:
        """What is in a slot. Raises NoSuchSlot."""
        return self._plan().at(slot)

    def stacks(self) -> list[Stack]:
        """All that is in it, by slot."""
        return list(self._plan())

    def count(self, item: str | None = None) -> int:
        """How many of an item are in it, or of all."""
        return sum(stack.count for stack in self._plan() if item in (None, stack.item))

    def weight(self) -> float:
        """What all of it weighs."""
        return self._plan().weight()

    def room_for(self, item: str, **data: Any) -> int:
        """How many more of an item fit. Raises NoSuchItem; with no limit at all it is 2**53 - 1."""
        return self._plan().room_for(item, data)[0]

    # -- changing -----------------------------------------------------------------------------------------

    def add(self, item: str, count: int = 1, *, slot: int | None = None, **data: Any) -> None:
        """Put things in: to equal ones first, then into free slots; or into `slot`.

        `data` are fields of these very things (`wear=3`): they stack with equal ones only. Raises
        InventoryFull, NoSuchItem, NoSuchSlot.
        """
        plan = self._plan()
        plan.add(item, count, data, slot)
        plan.commit()

    def remove(self, item: str, count: int = 1) -> None:
        """Take so many out, from the last slots first; they are gone. Raises NotEnough."""
        plan = self._plan()
        plan.take(item, count)
        plan.commit()

    def take(self, slot: int, count: int | None = None) -> Stack:
        """Take so many out of a slot, all when it is not said: gives what was taken. Raises NotEnough."""
        plan = self._plan()
        taken = plan.take_from(slot, count)
        plan.commit()
        return taken

    def clear(self) -> None:
        """Take out all."""
        DictState.clear(self)

    def move(self, slot: int, to: int, count: int | None = None) -> int:
        """Move a stack, or `count` of it, to another slot; gives how many were moved.

        Onto equal things: as many as fit. Onto others: the two change places, when the whole stack is
        moved. Raises InventoryFull when none can be moved, NotEnough, NoSuchSlot.
        """
        plan = self._plan()
        moved = plan.move(slot, to, count)
        plan.commit()
        return moved

    def split(self, slot: int, count: int, to: int | None = None) -> int:
        """Put `count` of a stack into an empty slot; gives its number. Raises InventoryFull, NotEnough."""
        plan = self._plan()
        to = plan.split(slot, count, to)
        plan.commit()
        return to

    def merge(self, slot: int, into: int) -> int:
        """Move as many as fit onto equal things in another slot; gives how many. Raises InventoryFull."""
        plan = self._plan()
        moved = plan.merge(slot, into)
        plan.commit()
        return moved

    def transfer(self, to: InventoryState, item: str, count: int = 1) -> None:
        """Give so many to another inventory, wholly or not at all.

        Raises NotEnough, InventoryFull, NoSuchItem.
        """
        self.trade(to, gives={item: count})

    def transfer_slot(self, slot: int, to: InventoryState, count: int | None = None) -> None:
        """Give a stack, or `count` of it, to another inventory, wholly or not at all."""
        mine, theirs = self._plans(to)
        taken = mine.take_from(slot, count)
        theirs.add(taken.item, taken.count, taken.data)
        mine.commit()
        theirs.commit()

    def trade(
        self,
        other: InventoryState,
        gives: Mapping[str, int] | None = None,
        gets: Mapping[str, int] | None = None,
    ) -> None:
        """Give and get, all of it or nothing: `one.trade(other, gives={"rope": 1}, gets={"coin": 5})`.

        What goes makes room for what comes. Raises NotEnough, InventoryFull, NoSuchItem.
        """
        mine, theirs = self._plans(other)
        given = [stack for item, count in (gives or {}).items() for stack in mine.take(item, count)]
        got = [stack for item, count in (gets or {}).items() for stack in theirs.take(item, count)]
        for stack in joined(given):
            theirs.add(stack.item, stack.count, stack.data)
        for stack in joined(got):
            mine.add(stack.item, stack.count, stack.data)
        mine.commit()
        theirs.commit()

    # -- how ----------------------------------------------------------------------------------------------

    def _plan(self) -> Plan:
        stacks = {
            int(slot): Stack(int(slot), entry["item"], entry["count"], bare(dict.get(entry, "data") or {}))
            for slot, entry in dict.items(self)
        }
        return Plan(self, self._where, self._limits, stacks, self._write)

    def _plans(self, other: InventoryState) -> tuple[Plan, Plan]:
        if not isinstance(other, InventoryState):
            raise StateError(f"{self._where()}: {type(other).__name__} is no inventory")
        if other is self:
            plan = self._plan()
            return plan, plan
        rooms = [self._root_room(), other._root_room()]
        known = [room for room in rooms if room is not _NOWHERE]
        if any(room is None or room is not known[0] for room in known):
            raise StateError(
                f"{self._where()} and {other._where()} are not in one room (any more):"
                " things go from one to another only within a room"
            )
        return self._plan(), other._plan()

    def _root_room(self) -> Any:
        """The live room that it is in; None when its actor is in none any more."""
        holder: Any = self._holder
        while isinstance(holder, Node):
            holder = holder._holder
        watcher = getattr(holder, "_watcher", None)
        return _NOWHERE if watcher is None else watcher._live

    def _write(self, slot: int, stack: Stack | None) -> None:
        name = str(slot)
        entry = dict.get(self, name)
        if stack is None:
            if entry is not None:
                DictState.pop(self, name)
        elif (
            entry is not None
            and entry["item"] == stack.item
            and same(bare(dict.get(entry, "data") or {}), stack.data)
        ):
            DictState.__setitem__(entry, "count", stack.count)
        else:
            body = {"item": stack.item, "count": stack.count}
            DictState.__setitem__(self, name, {**body, "data": stack.data} if stack.data else body)


_NOWHERE = object()


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() <= ENTRY_FIELDS
        and isinstance(entry.get("item"), str)
        and isinstance(entry.get("data", {}), dict)
        and checked_count(entry.get("count"))
    )

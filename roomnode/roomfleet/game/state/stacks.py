"""Stacks of an inventory, its limits, and plans: changes tried on a copy, then made all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from roomfleet.game.errors import InventoryError, InventoryFull, NoSuchItem, NoSuchSlot, NotEnough, StateError
from roomfleet.game.state.items import ItemRegistry
from roomfleet.game.state.plain import MAX_INTEGER, plain, same


@dataclass(frozen=True, slots=True)
class Stack:
    """So many equal things in a slot; `data` are their own fields."""

    slot: int
    item: str
    count: int
    data: dict[str, Any] = field(default_factory=dict)


def checked_count(value: Any) -> bool:
    """Whether that is a number of things."""
    return type(value) is int and 1 <= value <= MAX_INTEGER


@dataclass(frozen=True, slots=True)
class Limits:
    """What an inventory may hold; None is no limit."""

    slots: int | None
    weight: float | None
    count: int | None
    stack: int | None
    types: ItemRegistry | None

    @classmethod
    def checked(
        cls,
        who: str,
        slots: int | None,
        weight: float | None,
        count: int | None,
        stack: int | None,
        types: ItemRegistry | None,
    ) -> Limits:
        """Raises StateError for what is no limit."""
        for name, value in (("slots", slots), ("count", count), ("stack", stack)):
            if value is not None and not checked_count(value):
                raise StateError(f"{who}({name}=): {value!r} is no whole number, 1 or more")
        if weight is not None:
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
                raise StateError(f"{who}(weight=): {weight!r} is no number above 0")
            if types is None:
                raise StateError(
                    f"{who}(weight=): only item types have a weight: give types=, an ItemRegistry"
                )
        if types is not None and not isinstance(types, ItemRegistry):
            raise StateError(f"{who}(types=): {types!r} is no ItemRegistry")
        return cls(slots, weight, count, stack, types)

    def stack_of(self, item: str) -> int:
        """How many share a slot."""
        kind = self.types.get(item) if self.types is not None else None
        own = kind.stack if kind is not None else None
        return own or self.stack or MAX_INTEGER

    def weight_of(self, item: str) -> float:
        """Of one; a type that is in the registry no more weighs nothing."""
        kind = self.types.get(item) if self.types is not None else None
        return kind.weight if kind is not None else 0.0


E = TypeVar("E", bound=InventoryError)


class Plan:
    """What an inventory would be. Raises InventoryErrors; nothing has happened before `commit`."""

    def __init__(
        self,
        inventory: object,
        where: Callable[[], str],
        limits: Limits,
        stacks: dict[int, Stack],
        write: Callable[[int, Stack | None], None],
    ) -> None:
        self._inventory = inventory
        self._where = where
        self._limits = limits
        self._stacks = stacks
        self._write = write
        self._changed: dict[int, None] = {}

    def __iter__(self) -> Iterator[Stack]:
        return iter([self._stacks[slot] for slot in sorted(self._stacks)])

    def _no(self, error: E) -> E:
        """The error, as one of this inventory."""
        error.inventory = self._inventory
        return error

    def commit(self) -> None:
        """Make it so."""
        changed, self._changed = self._changed, {}
        for slot in changed:
            self._write(slot, self._stacks.get(slot))

    def at(self, slot: int) -> Stack | None:
        """What is in a slot."""
        slots = self._limits.slots
        if (
            type(slot) is not int
            or slot < 0
            or (slots is not None and slot >= slots and slot not in self._stacks)
        ):
            raise self._no(NoSuchSlot(self._where(), slot, slots))
        return self._stacks.get(slot)

    def weight(self) -> float:
        return math.fsum(stack.count * self._limits.weight_of(stack.item) for stack in self._stacks.values())

    # -- coming -------------------------------------------------------------------------------------------

    def room_for(self, item: str, data: dict[str, Any], slot: int | None = None) -> tuple[int, str, str]:
        """How many fit, what is in the way of more, and that in words."""
        limits = self._limits
        if limits.types is not None and item not in limits.types:
            raise self._no(NoSuchItem(self._where(), item, limits.types.hint(item)))
        if not isinstance(item, str) or not item:
            raise self._no(NoSuchItem(self._where(), item, "an item is named by a text"))
        each = limits.stack_of(item)
        room = (self._room_in(slot, item, data, each), f"slot {slot}", f"slot {slot} takes no more of it")
        if slot is None:
            partly = sum(max(0, each - one.count) for one in self._stacks.values() if _alike(one, item, data))
            free = None if limits.slots is None else max(0, limits.slots - len(self._stacks))
            fits = MAX_INTEGER if free is None else min(MAX_INTEGER, partly + free * each)
            room = (fits, "slots", f"{len(self._stacks)} of {limits.slots} slots are taken")
        if limits.count is not None:
            there = sum(stack.count for stack in self._stacks.values())
            if limits.count - there < room[0]:
                room = (max(0, limits.count - there), "count", f"it holds {there} of {limits.count} things")
        one = limits.weight_of(item)
        if limits.weight is not None and one > 0:
            there_weighs = self.weight()
            fits = max(0, math.floor((limits.weight - there_weighs) / one + 1e-9))
            if fits < room[0]:
                words = f"it weighs {there_weighs:g} of {limits.weight:g}, one {item} {one:g}"
                room = (fits, "weight", words)
        return room

    def _room_in(self, slot: int | None, item: str, data: dict[str, Any], each: int) -> int:
        if slot is None:
            return MAX_INTEGER
        there = self.at(slot)
        if there is None:
            return each
        return max(0, each - there.count) if _alike(there, item, data) else 0

    def add(self, item: str, count: int, data: dict[str, Any], slot: int | None = None) -> None:
        data = plain(data, f"{self._where()}: data")
        fits, limit, words = self.room_for(item, data, slot)
        if not checked_count(count):
            raise StateError(f"{self._where()}: {count!r} {item}: a count is a whole number, 1 or more")
        if count > fits:
            raise self._no(InventoryFull(self._where(), item, count, fits, limit, words))
        each = self._limits.stack_of(item)
        for at in [slot] if slot is not None else self._places_for(item, data, each):
            there = self._stacks.get(at)
            now = there.count if there is not None else 0
            put = min(count, each - now)
            if put > 0:
                self._set(Stack(at, item, now + put, data))
                count -= put
            if count == 0:
                return

    def _places_for(self, item: str, data: dict[str, Any], each: int) -> Iterator[int]:
        for stack in self:
            if _alike(stack, item, data) and stack.count < each:
                yield stack.slot
        at = 0
        while True:
            if at not in self._stacks:
                yield at
            at += 1

    # -- going --------------------------------------------------------------------------------------------

    def take(self, item: str, count: int) -> list[Stack]:
        """From the last slots first."""
        if not checked_count(count):
            raise StateError(f"{self._where()}: {count!r} {item}: a count is a whole number, 1 or more")
        those = [stack for stack in self if stack.item == item]
        there = sum(stack.count for stack in those)
        if there < count:
            raise self._no(NotEnough(self._where(), item, count, there))
        taken = []
        for stack in reversed(those):
            some = min(count, stack.count)
            taken.append(self.take_from(stack.slot, some))
            count -= some
            if count == 0:
                break
        return taken

    def take_from(self, slot: int, count: int | None) -> Stack:
        stack = self._there(slot, count)
        count = stack.count if count is None else count
        self._set(replace(stack, count=stack.count - count))
        return replace(stack, count=count)

    def _there(self, slot: int, count: int | None) -> Stack:
        """What is in the slot, when it is so many."""
        if count is not None and not checked_count(count):
            raise StateError(f"{self._where()}: {count!r}: a count is a whole number, 1 or more")
        stack = self.at(slot)
        there = stack.count if stack is not None else 0
        if stack is None or there < (count or 1):
            raise self._no(
                NotEnough(self._where(), stack.item if stack is not None else "", count or 1, there, slot)
            )
        return stack

    # -- within -------------------------------------------------------------------------------------------

    def move(self, slot: int, to: int, count: int | None) -> int:
        stack = self._there(slot, count)
        wanted = stack.count if count is None else count
        there = self.at(to)
        if slot == to:
            return wanted
        if there is not None and not _alike(there, stack.item, stack.data):
            if wanted < stack.count:
                words = f"slot {to} holds {there.item}"
                raise self._no(InventoryFull(self._where(), stack.item, wanted, 0, f"slot {to}", words))
            self._set(replace(there, slot=slot))
            self._set(replace(stack, slot=to))
            return wanted
        each = self._limits.stack_of(stack.item)
        fits = max(0, each - there.count) if there is not None else max(each, wanted)
        moved = min(wanted, fits)
        if moved == 0:
            words = f"slot {to} is full with {there.count if there is not None else 0}"
            raise self._no(InventoryFull(self._where(), stack.item, wanted, 0, f"slot {to}", words))
        self._set(replace(stack, count=stack.count - moved))
        self._set(replace(stack, slot=to, count=moved + (there.count if there is not None else 0)))
        return moved

    def split(self, slot: int, count: int, to: int | None) -> int:
        stack = self._there(slot, count)
        if to is None:
            to = next(at for at in range(len(self._stacks) + 1) if at not in self._stacks)
            slots = self._limits.slots
            if slots is not None and to >= slots:
                words = f"all {slots} slots are taken"
                raise self._no(InventoryFull(self._where(), stack.item, count, 0, "slots", words))
        elif (there := self.at(to)) is not None:
            words = f"slot {to} holds {there.item}"
            raise self._no(InventoryFull(self._where(), stack.item, count, 0, f"slot {to}", words))
        self.move(slot, to, count)
        return to

    def merge(self, slot: int, into: int) -> int:
        stack = self._there(slot, None)
        there = self._there(into, None)
        if not _alike(there, stack.item, stack.data):
            words = f"slot {into} holds {'other ' if there.item == stack.item else ''}{there.item}"
            raise self._no(InventoryFull(self._where(), stack.item, stack.count, 0, f"slot {into}", words))
        return self.move(slot, into, None)

    def _set(self, stack: Stack) -> None:
        if stack.count:
            self._stacks[stack.slot] = stack
        else:
            del self._stacks[stack.slot]
        self._changed[stack.slot] = None


def joined(stacks: list[Stack]) -> list[Stack]:
    """Equal things as one stack, so that what does not fit is told as a whole."""
    found: list[Stack] = []
    for stack in stacks:
        for at, one in enumerate(found):
            if _alike(one, stack.item, stack.data):
                found[at] = replace(one, count=one.count + stack.count)
                break
        else:
            found.append(stack)
    return found


def _alike(stack: Stack, item: str, data: dict[str, Any]) -> bool:
    return stack.item == item and same(stack.data, data)

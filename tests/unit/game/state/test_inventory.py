"""Inventories: slots, stacks and limits; what does not fit changes nothing; two of them change together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roomfleet.game import (
    InventoryError,
    InventoryFull,
    InventoryState,
    ItemRegistry,
    NoSuchItem,
    NoSuchSlot,
    NotEnough,
    Player,
    Room,
    StateError,
    command,
    request,
)
from roomfleet.game.state.plain import bare
from roomfleet.game.state.stacks import Stack
from roomfleet.wire.session import Error, ErrorCode
from support.game_room import Store, World, visible

TYPES = ItemRegistry(
    {
        "tools": {"axe": {"weight": 3, "stack": 1}, "rope": {"weight": 2, "stack": 5}},
        "money": {"coin": {"weight": 0.1}},
    }
)


class Hero(Player):
    def define(self) -> None:
        self.state.owner(bag=InventoryState(slots=3, weight=20, stack=10, types=TYPES))

    @command
    def put(self, item: str, count: int) -> None:
        self.state.bag.add(item, count)

    @command
    def give(self, to: Player, item: str, count: int = 1) -> None:
        self.state.bag.transfer(to.state.bag, item, count)

    @command
    def take(self, slot: int) -> None:
        self.state.bag.take(slot)

    @command
    def stash(self, item: str, count: int) -> None:
        self.room.state.chest.add(item, count)

    @command
    def hide(self, item: str, count: int) -> None:
        self.room.state.cellar.add(item, count)

    @command
    async def beg(self, of: Player) -> None:
        await of.ask("lend", to=self)

    @request
    def lend(self, to: Player) -> None:
        self.state.bag.transfer(to.state.bag, "coin", 7)

    @command
    def look_up(self, item: str) -> None:
        TYPES[item]


class Town(Room):
    player_class = Hero

    def define(self) -> None:
        self.state.public(chest=InventoryState(count=2))
        self.state.internal(cellar=InventoryState(count=3))


def refusal(world: World, method: str, **args: Any) -> str:
    """What the caller is told; the command was refused, and nobody counts a failure."""
    answer = world.answer(world.call("ann", method, **args))
    assert isinstance(answer, Error)
    assert answer.code is ErrorCode.REFUSED
    assert world.out.failures == []
    return answer.message


def test_what_an_inventory_cannot_do_is_told_the_caller_of_the_command() -> None:
    world = World(Town)
    ann = world.enter("ann")
    assert refusal(world, "put", item="axe", count=4).startswith("Hero.state.bag: 4 axe do not fit, 3 would:")
    assert "weigh" in refusal(world, "put", item="rope", count=11)
    assert refusal(world, "put", item="moon", count=1).startswith("Hero.state.bag: no item type 'moon'")
    assert refusal(world, "take", slot=1) == "Hero.state.bag: 1 of anything wanted, 0 there in slot 1"
    assert refusal(world, "take", slot=9) == "Hero.state.bag: no slot 9; there are slots 0 to 2"
    assert refusal(world, "stash", item="x", count=3).startswith("Town.state.chest: 3 x do not fit, 2 would:")
    assert refusal(world, "look_up", item="moon").startswith("items: no item type 'moon'")
    assert (ann.failures, held(ann.state.bag)) == (0, [])


def test_what_is_in_an_inventory_that_the_caller_does_not_see_is_not_told() -> None:
    world = World(Town)
    ann, bob = world.enter("ann"), world.enter("bob")
    bob.state.bag.add("coin", 6)
    bob.state.bag.add("axe", 2)
    ann.state.bag.add("axe", 1)
    ann.state.bag.add("coin", 10)
    assert refusal(world, "give", to="p:bob", item="coin", count=5) == "there is no room for it"
    assert refusal(world, "hide", item="x", count=4) == "there is no room for it"
    assert refusal(world, "beg", of="p:bob") == "there is not enough of it"
    assert (ann.failures, bob.failures) == (0, 0)


class Greedy(Hero):
    def kickoff(self) -> None:
        self.state.bag.add("axe", 100)


class Hall(Room):
    player_class = Greedy


def test_in_a_script_of_its_own_it_is_a_failure_as_any_other() -> None:
    world = World(Hall)
    ann = world.enter("ann")
    world.run(0.2)
    assert ann.failures == 1
    assert [script for _, script, _ in world.failures()] == ["Greedy.kickoff"]


def bag(**limits: Any) -> InventoryState:
    return InventoryState(**{"slots": 3, "stack": 10, "types": TYPES, **limits})


def held(inventory: InventoryState) -> list[tuple[int, str, int]]:
    return [(stack.slot, stack.item, stack.count) for stack in inventory.stacks()]


def test_things_go_to_their_equals_first_and_then_into_free_slots() -> None:
    mine = bag()
    mine.add("rope", 4)
    mine.add("axe")
    mine.add("rope", 4)
    assert held(mine) == [(0, "rope", 5), (1, "axe", 1), (2, "rope", 3)]
    assert (mine.count("rope"), mine.count(), mine.weight()) == (8, 9, 19.0)
    assert bare(mine) == {
        "0": {"item": "rope", "count": 5},
        "1": {"item": "axe", "count": 1},
        "2": {"item": "rope", "count": 3},
    }
    assert mine.stack(1) == Stack(1, "axe", 1)


def test_things_with_fields_of_their_own_share_a_slot_with_equal_ones_only() -> None:
    mine = bag()
    mine.add("rope", wear=2)
    mine.add("rope", wear=1)
    mine.add("rope", wear=2)
    assert [(stack.count, stack.data) for stack in mine.stacks()] == [(2, {"wear": 2}), (1, {"wear": 1})]
    with pytest.raises(InventoryFull, match="holds other rope"):
        mine.merge(0, 1)


@pytest.mark.parametrize(
    ("limits", "item", "count", "fits", "limit", "words"),
    [
        ({"slots": 2}, "axe", 2, 1, "slots", "2 axe do not fit, 1 would: 1 of 2 slots are taken"),
        ({"count": 5}, "rope", 5, 4, "count", "it holds 1 of 5 things"),
        ({"weight": 10}, "rope", 4, 3, "weight", "it weighs 3 of 10, one rope 2"),
        ({"slots": None, "count": 3}, "coin", 9, 2, "count", "9 coin do not fit, 2 would"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_limit_and_changes_nothing(
    limits: dict[str, Any], item: str, count: int, fits: int, limit: str, words: str
) -> None:
    mine = bag(**limits)
    mine.add("axe")
    with pytest.raises(InventoryFull, match=words) as caught:
        mine.add(item, count)
    full = caught.value
    assert (full.item, full.count, full.fits, full.limit) == (item, count, fits, limit)
    assert held(mine) == [(0, "axe", 1)]
    assert mine.room_for(item) == fits
    mine.add(item, fits)
    assert mine.room_for(item) == 0


def test_an_inventory_without_limits_takes_anything() -> None:
    mine = InventoryState()
    mine.add("moon", 10**12)
    mine.add("sun", slot=7)
    assert held(mine) == [(0, "moon", 10**12), (7, "sun", 1)]


def test_an_item_type_that_there_is_not_is_named_with_a_hint() -> None:
    with pytest.raises(NoSuchItem, match=r"no item type 'rop'; did you mean 'rope'\?"):
        bag().add("rop")
    with pytest.raises(NoSuchItem, match="there are: axe, coin, rope"):
        bag().room_for("xyz")


def test_taking_more_than_there_is_changes_nothing() -> None:
    mine = bag()
    mine.add("rope", 7)
    with pytest.raises(NotEnough, match="8 rope wanted, 7 there") as caught:
        mine.remove("rope", 8)
    assert (caught.value.item, caught.value.wanted, caught.value.there) == ("rope", 8, 7)
    with pytest.raises(NotEnough, match="6 rope wanted, 5 there in slot 0"):
        mine.take(0, 6)
    with pytest.raises(NotEnough, match="1 of anything wanted, 0 there in slot 2"):
        mine.take(2)
    assert held(mine) == [(0, "rope", 5), (1, "rope", 2)]
    mine.remove("rope", 3)
    assert held(mine) == [(0, "rope", 4)]
    assert mine.take(0) == Stack(0, "rope", 4)
    assert held(mine) == []


@pytest.mark.parametrize("slot", [3, -1, "0", 1.0, True])
def test_a_slot_that_there_is_not(slot: Any) -> None:
    with pytest.raises(NoSuchSlot, match=r"no slot .*; there are slots 0 to 2"):
        bag().stack(slot)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_a_count_is_a_whole_number(count: Any) -> None:
    mine = bag()
    mine.add("rope", 3)
    for change in (
        lambda: mine.add("rope", count),
        lambda: mine.remove("rope", count),
        lambda: mine.take(0, count),
        lambda: mine.move(0, 1, count),
    ):
        with pytest.raises(StateError, match="whole number"):
            change()
    assert held(mine) == [(0, "rope", 3)]


def test_moving_splitting_and_merging() -> None:
    mine = bag()
    mine.add("rope", 5)
    mine.add("axe")
    assert mine.move(0, 2) == 5
    assert held(mine) == [(1, "axe", 1), (2, "rope", 5)]
    assert mine.move(2, 1) == 5  # they change places
    assert held(mine) == [(1, "rope", 5), (2, "axe", 1)]
    assert mine.split(1, 2) == 0
    assert held(mine) == [(0, "rope", 2), (1, "rope", 3), (2, "axe", 1)]
    with pytest.raises(InventoryFull, match="all 3 slots are taken"):
        mine.split(1, 1)
    with pytest.raises(InventoryFull, match="slot 2 holds axe"):
        mine.move(1, 2, 1)
    with pytest.raises(InventoryFull, match="slot 2 holds axe"):
        mine.merge(1, 2)
    assert mine.merge(0, 1) == 2
    mine.add("rope", 4)
    assert held(mine) == [(0, "rope", 4), (1, "rope", 5), (2, "axe", 1)]
    with pytest.raises(InventoryFull, match="slot 1 is full with 5"):
        mine.move(0, 1)
    assert mine.move(1, 0) == 1
    assert held(mine) == [(0, "rope", 5), (1, "rope", 4), (2, "axe", 1)]
    assert mine.move(0, 0) == 5


def test_it_is_changed_by_its_methods_only() -> None:
    mine = bag()
    mine.add("rope")
    raw: Any = mine
    for change in (
        lambda: raw.update({}),
        lambda: raw.__setitem__("0", {}),
        lambda: raw.pop("0"),
        lambda: raw["0"].__setitem__("count", 99),
        lambda: raw["0"].clear(),
    ):
        with pytest.raises(StateError, match="changed by its methods"):
            change()
    assert held(mine) == [(0, "rope", 1)]
    mine.clear()
    assert held(mine) == []


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"slots": 0}, r"InventoryState\(slots=\): 0 is no whole number"),
        ({"stack": 1.5}, r"stack=\): 1.5"),
        ({"weight": 5, "types": None}, r"weight=\): only item types have a weight"),
        ({"weight": -1}, "no number above 0"),
        ({"types": {}}, "is no ItemRegistry"),
    ],
)
def test_limits_are_checked(limits: dict[str, Any], words: str) -> None:
    with pytest.raises(StateError, match=words):
        bag(**limits)


def heroes(*players: str) -> tuple[World, list[Any]]:
    world = World(Town)
    actors = [world.enter(player) for player in players]
    world.run(1)
    world.compose()
    world.out.frames.clear()
    return world, actors


def test_each_change_tells_its_owner_the_least() -> None:
    world, [ann] = heroes("ann")
    told = []
    for change in (
        lambda: ann.state.bag.add("rope", 2),
        lambda: ann.state.bag.add("rope"),
        lambda: ann.state.bag.remove("rope", 2),
        lambda: ann.state.bag.remove("rope"),
    ):
        change()
        world.run(0.2)
        told += [op[:1] + op[1][2:] + op[2:] for frame in world.out.frames for op in frame.private["ann"]]
        world.out.frames.clear()
    assert told == [
        ["set", "bag", "0", {"item": "rope", "count": 2}],
        ["set", "bag", "0", "count", 3],
        ["set", "bag", "0", "count", 1],
        ["del", "bag", "0"],
    ]
    assert world.copies["ann"] == visible(world, "ann")


def test_a_transfer_between_two_actors_is_saved_in_one_batch() -> None:
    world, [ann, bob] = heroes("ann", "bob")
    ann.state.bag.add("rope", 3)
    world.compose()
    ann.state.bag.transfer(bob.state.bag, "rope", 2)
    [group] = world.compose()
    assert {change.actor for change in group.changes} == {"p:ann", "p:bob"}
    assert (ann.state.bag.count("rope"), bob.state.bag.count("rope")) == (1, 2)
    world.run(0.2)
    assert world.copies["bob"] == visible(world, "bob")


def test_transfers_over_awaits_are_one_batch_within_together() -> None:
    world, [ann, bob] = heroes("ann", "bob")
    ann.state.bag.add("rope", 3)
    world.compose()
    with world.room.together(ann, bob):
        ann.state.bag.transfer(bob.state.bag, "rope", 2)
        world.run(1)
        assert world.compose() == []
        bob.state.bag.transfer(ann.state.bag, "rope", 1)
    [group] = world.compose()
    assert {change.actor for change in group.changes} == {"p:ann", "p:bob"}


def test_a_rooms_chest_is_an_inventory_as_any_other() -> None:
    class Hall(Room):
        player_class = Hero

        def define(self) -> None:
            self.state.public(chest=InventoryState(slots=2))

    world = World(Hall)
    ann = world.enter("ann")
    world.compose()
    ann.state.bag.add("axe")
    ann.state.bag.transfer(world.room.state.chest, "axe")
    [group] = world.compose()
    assert group.room
    assert [change.actor for change in group.changes] == ["p:ann"]
    assert world.room.state.chest.count("axe") == 1


def test_a_transfer_that_does_not_fit_changes_neither() -> None:
    world, [ann, bob] = heroes("ann", "bob")
    ann.state.bag.add("axe", 2)
    bob.state.bag.add("rope", 8)
    world.compose()
    with pytest.raises(InventoryFull, match=r"Hero\.state\.bag: 2 axe do not fit, 1 would") as caught:
        ann.state.bag.transfer(bob.state.bag, "axe", 2)
    assert (caught.value.limit, caught.value.count, caught.value.fits) == ("slots", 2, 1)
    with pytest.raises(NotEnough):
        ann.state.bag.transfer(bob.state.bag, "axe", 3)
    assert world.compose() == []
    assert (ann.state.bag.count(), bob.state.bag.count()) == (2, 8)


def test_a_trade_makes_room_for_what_comes() -> None:
    _, [ann, bob] = heroes("ann", "bob")
    for _ in range(3):
        ann.state.bag.add("axe")
        bob.state.bag.add("rope", 1, wear=bob.state.bag.count())
    ann.state.bag.trade(bob.state.bag, gives={"axe": 2}, gets={"rope": 2})
    assert (ann.state.bag.count("axe"), ann.state.bag.count("rope")) == (1, 2)
    assert sorted(stack.data["wear"] for stack in ann.state.bag.stacks() if stack.data) == [1, 2]
    with pytest.raises(InventoryError):
        ann.state.bag.trade(bob.state.bag, gives={"axe": 1}, gets={"coin": 1})
    assert bob.state.bag.count("axe") == 2


def test_a_slot_goes_over_with_all_its_fields() -> None:
    _, [ann, bob] = heroes("ann", "bob")
    ann.state.bag.add("rope", 3, wear=4)
    ann.state.bag.transfer_slot(0, bob.state.bag, 2)
    assert bob.state.bag.stacks() == [Stack(0, "rope", 2, {"wear": 4})]
    ann.state.bag.transfer_slot(0, bob.state.bag)
    assert bob.state.bag.count() == 3


def test_nothing_is_given_to_one_who_has_left() -> None:
    world, [ann, bob] = heroes("ann", "bob")
    ann.state.bag.add("rope")
    world.leave("bob")
    with pytest.raises(StateError, match=r"not in one room \(any more\)"):
        ann.state.bag.transfer(bob.state.bag, "rope")
    assert ann.state.bag.count("rope") == 1


def test_within_one_inventory_a_transfer_changes_nothing() -> None:
    _, [ann] = heroes("ann")
    ann.state.bag.add("rope", 3)
    ann.state.bag.transfer(ann.state.bag, "rope", 2)
    assert held(ann.state.bag) == [(0, "rope", 3)]


def test_it_is_an_inventory_again_after_a_restart_and_lower_limits_lose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store()
    world, [ann] = heroes("ann")
    ann.state.bag.add("rope", 5)
    ann.state.bag.add("axe", 2)
    store.save(world)
    world.leave("ann")
    store.save(world)

    def define(self: Hero) -> None:
        self.state.owner(bag=InventoryState(slots=1, types=ItemRegistry({"tools": {"rope": {}}})))

    monkeypatch.setattr(Hero, "define", define)
    again = store.restart(world, Town).enter("ann", store.away["p:ann"])
    assert held(again.state.bag) == [(0, "rope", 5), (1, "axe", 1), (2, "axe", 1)]
    assert again.state.bag.limits.slots == 1
    with pytest.raises(NoSuchItem):
        again.state.bag.add("axe")
    again.state.bag.remove("axe", 2)
    again.state.bag.add("rope")
    assert held(again.state.bag) == [(0, "rope", 6)]


def test_contents_may_be_assigned_and_are_checked() -> None:
    _, [ann] = heroes("ann")
    ann.state.bag = {"2": {"item": "rope", "count": 2}}
    assert held(ann.state.bag) == [(2, "rope", 2)]
    for bad in ({"x": {}}, {"01": {"item": "rope", "count": 1}}, {"0": {"item": "rope"}}, {"0": 3}):
        with pytest.raises(StateError, match=r"Hero\.state\.bag"):
            ann.state.bag = bad
    with pytest.raises(StateError, match="this place is for InventoryState: give it a dict, not list"):
        ann.state.bag = []
    assert held(ann.state.bag) == [(2, "rope", 2)]


ITEMS = st.sampled_from(["axe", "rope", "coin", "fog"])
COUNTS = st.integers(0, 7)
SLOTS = st.integers(-1, 4)
STEPS = st.one_of(
    st.tuples(st.just("add"), ITEMS, COUNTS),
    st.tuples(st.just("remove"), ITEMS, COUNTS),
    st.tuples(st.just("move"), SLOTS, SLOTS, st.none() | COUNTS),
    st.tuples(st.just("split"), SLOTS, COUNTS, st.none() | SLOTS),
    st.tuples(st.just("merge"), SLOTS, SLOTS),
    st.tuples(st.just("transfer"), ITEMS, COUNTS),
    st.tuples(st.just("transfer_slot"), SLOTS, st.none() | COUNTS),
    st.tuples(st.just("trade"), st.dictionaries(ITEMS, COUNTS, max_size=2), st.dictionaries(ITEMS, COUNTS)),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), STEPS), max_size=30))
def test_whatever_is_done_limits_hold_nothing_is_lost_and_errors_change_nothing(steps: list[Any]) -> None:
    world, [ann, bob] = heroes("ann", "bob")
    for mine, (name, *args) in steps:
        one, other = (ann.state.bag, bob.state.bag) if mine else (bob.state.bag, ann.state.bag)
        before = bare(one), bare(other)
        counts = {item: one.count(item) + other.count(item) for item in ("axe", "rope", "coin")}
        if name == "transfer":
            args = [other, *args]
        elif name == "transfer_slot":
            args = [args[0], other, args[1]]
        elif name == "trade":
            args = [other, *args]
        try:
            getattr(one, name)(*args)
        except StateError:
            assert (bare(one), bare(other)) == before
        else:
            now = {item: one.count(item) + other.count(item) for item in counts}
            if name in ("add", "remove"):
                counts[args[0]] += args[1] if name == "add" else -args[1]
            assert now == counts
        for each in (one, other):
            assert each.weight() <= 20 + 1e-9
            assert len(each.stacks()) <= 3
            for stack in each.stacks():
                assert 0 <= stack.slot < 3
                assert 1 <= stack.count <= {"axe": 1, "rope": 5, "coin": 10}[stack.item]
    world.run(0.2)
    for player in ("ann", "bob"):
        assert world.copies[player] == visible(world, player)

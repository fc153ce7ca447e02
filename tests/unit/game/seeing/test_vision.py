"""Vision by distance: who comes into view when, by crossing times, and how far each one sees."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from roomfleet.game import ALL, Actor, ActorError, Player, Radius, Room
from roomfleet.game.maps.export import MapBuilder, built_room, map_text
from roomfleet.game.maps.maps import MapError, MapRoom, parse_map
from support.game_room import TPS, Store, World


class Beast(Actor):
    speed = 100

    def define(self) -> None:
        self.state.public(mood="calm")
        self.state.internal(plan="secret")


class Hero(Player):
    speed = 100

    def define(self) -> None:
        self.state.owner(gold=3)


class Owl(Hero):
    vision_distance = math.inf


class Mole(Hero):
    vision_distance = 60


class Fog(Room):
    player_class = Hero
    vision = Radius(100, 0.1)


def foggy(room_class: type[Room] = Fog, *players: str, at: tuple[float, float] = (100, 100)) -> Any:
    """A room with these players, `ann` when none are named, all at that place."""
    world = World(room_class)
    for player in players or ("ann",):
        world.enter(player).position = at
    world.run(1)
    world.out.frames.clear()
    return world


def told(world: World, viewer: str = "ann") -> list[tuple[float, list[Any]]]:
    """Each op for this viewer since the last call, with the room time of its frame."""
    frames = list(world.out.frames)
    world.out.frames.clear()
    return [
        (round(frame.now - 101.0, 3), op)
        for frame in frames
        for op in frame.private.get(viewer, frame.public)
    ]


def kinds(world: World, viewer: str = "ann") -> list[tuple[float, str, str]]:
    """The same, in short."""
    return [
        (at, op[0], op[1] if op[0] in ("enter", "leave") else op[1][-1]) for at, op in told(world, viewer)
    ]


def test_an_actor_comes_into_view_at_the_radius_and_leaves_it_farther_out_in_the_first_tick_after() -> None:
    world = foggy()
    beast = world.room.spawn(Beast, at=(399, 100))
    beast.move_to((1, 100))
    world.run(5)
    # 100 units: after 1.99 s, told at 2.0; 110 units: x = -10, never.
    assert kinds(world) == [(2.0, "enter", beast.id)]
    beast.move_to((399, 100))
    world.run(5)
    # It walks from x = 1 at 5.0: at x = 210, 110 units away, after 2.09 s, told in the tick at 7.1.
    assert kinds(world) == [(5.0, "set", "path"), (7.1, "leave", beast.id)]


def test_what_enters_is_the_whole_actor_and_what_leaves_is_its_id() -> None:
    world = foggy()
    beast = world.room.spawn(Beast, at=(250, 100), name="wolf")
    beast.move_to((150, 100))
    world.run(3)
    [(_, enter)] = told(world)
    assert enter[2]["name"] == "wolf"
    assert enter[2]["path"] == beast.path
    assert enter[2]["state"] == {"mood": "calm"}
    beast.name = "unheard of"
    beast.position = (399, 299)
    beast.state.mood = "lonely"
    world.run(1)
    assert [op for _, op in told(world)] == [
        ["set", [beast.id, "name"], "unheard of"],
        ["leave", beast.id, "unseen"],
    ]


def test_what_is_out_of_view_sends_nothing_and_needs_no_step() -> None:
    world = foggy()
    beast = world.room.spawn(Beast, at=(399, 299))
    world.run(1)
    assert world.live.next_due() is None
    beast.state.mood = "cross"
    beast.name = "wolf"
    beast.position = (390, 290)
    assert world.live.next_due() is None
    assert told(world) == []
    assert list(world.copies["ann"]["actors"]) == ["p:ann"]


def test_a_room_steps_for_crossings_only() -> None:
    world = foggy()
    beast = world.room.spawn(Beast, at=(399, 100))
    beast.move_to((1, 100))
    steps = 0
    while (due := world.live.next_due()) is not None:
        steps += 1
        world.now = due
        world.step()
    # Into view, seven borders of cells 55 wide, and the end of the way.
    assert steps == 9


def test_a_way_of_many_legs_crosses_on_each_of_them() -> None:
    world = foggy(at=(100, 150))
    beast = world.room.spawn(Beast, at=(300, 290))
    beast.follow([(300, 150), (150, 150), (350, 150), (350, 10), (150, 10), (100, 100)])
    world.run(12)
    seen = kinds(world)
    assert [kind for _, kind, _ in seen] == ["enter", "leave", "enter"]
    assert [at for at, _, _ in seen] == [
        math.ceil((1.4 + 1.0) * TPS) / TPS,  # 100 away on the second leg
        math.ceil((1.4 + 1.5 + 0.6) * TPS - 1e-6) / TPS,  # 110 away on the third, outwards
        pytest.approx(1.4 + 1.5 + 2.0 + 1.4 + 2.0 + 0.454, abs=0.06),
    ]


def test_a_teleport_does_not_say_where_to() -> None:
    world = foggy()
    beast = world.room.spawn(Beast, at=(120, 100))
    world.run(0.1)
    told(world)
    beast.position = (333, 222)
    world.run(0.1)
    assert [op for _, op in told(world)] == [["leave", beast.id, "unseen"]]
    beast.position = (111, 99)
    world.run(0.1)
    [(_, enter)] = told(world)
    assert enter[:2] == ["enter", beast.id]
    beast.position = (112, 99)
    world.run(0.1)
    assert [op for _, op in told(world)] == [["set", [beast.id, "path"], beast.path]]


def test_walking_viewers_see_each_other_at_the_same_tick() -> None:
    world = foggy(Fog, "ann", "bob")
    world.live.player_actor("bob").position = (390, 100)
    world.run(0.1)
    told(world)
    world.live.player_actor("ann").move_to((390, 100))
    world.live.player_actor("bob").move_to((100, 100))
    world.run(1)
    frames = list(world.out.frames)
    ann = [frame.now for frame in frames for op in frame.private.get("ann", []) if op[0] == "enter"]
    bob = [frame.now for frame in frames for op in frame.private.get("bob", []) if op[0] == "enter"]
    assert ann == bob == [pytest.approx(102.05, abs=0.051)]  # 190 units at 200 a second


def test_each_player_sees_as_far_as_its_own_distance_says() -> None:
    class Forest(Fog):
        player_class = Owl

    world = foggy(Forest)
    beast = world.room.spawn(Beast, at=(399, 100))
    ann = world.live.player_actor("ann")
    world.run(0.1)
    assert beast.id in world.copies["ann"]["actors"]
    ann.vision_distance = 50
    world.run(0.1)
    assert beast.id not in world.copies["ann"]["actors"]
    beast.position = (180, 100)
    world.run(0.1)
    assert beast.id not in world.copies["ann"]["actors"]
    ann.vision_distance = None
    world.run(0.1)
    assert beast.id in world.copies["ann"]["actors"]


def test_a_short_sighted_player_in_a_room_where_all_see_all() -> None:
    class Plain(Room):
        player_class = Mole

    world = World(Plain)
    world.enter("mole").position = (100, 100)
    Plain.player_class = Hero
    world.enter("ann").position = (100, 100)
    beast = world.room.spawn(Beast, at=(300, 100))
    world.run(0.1)
    assert beast.id not in world.copies["mole"]["actors"]
    assert beast.id in world.copies["ann"]["actors"]
    beast.move_to((100, 100))
    world.run(3)
    assert beast.id in world.copies["mole"]["actors"]


def test_vision_is_switched_while_the_room_runs() -> None:
    world = foggy()
    beast = world.room.spawn(Beast, at=(300, 100))
    world.room.vision = ALL
    world.run(0.1)
    assert [kind for _, kind, _ in kinds(world)] == ["enter"]
    world.room.vision = Radius(250)
    world.run(0.1)
    assert kinds(world) == []
    world.room.vision = Radius(150)
    world.run(0.1)
    assert kinds(world) == [(0.2, "leave", beast.id)]


def test_what_comes_from_where() -> None:
    narrow = MapRoom(id="map1.room1", width=400, height=300, vision=70)

    class Loud(Room):
        vision = ALL

    assert World(map_room=narrow).room.vision == Radius(70)
    assert World(Loud, map_room=narrow).room.vision is ALL
    assert World(Fog, map_room=narrow).room.vision == Radius(100)
    assert World().room.vision is ALL
    assert Fog.vision == Radius(100)
    assert Hero.vision_distance is None


def test_what_was_set_is_saved() -> None:
    world = foggy()
    world.room.vision = Radius(30, 0.5)
    ann = world.live.player_actor("ann")
    ann.vision_distance = math.inf
    ann.visible = False
    store = Store()
    store.save(world)
    again = store.restart(world, Fog)
    ann = again.live.player_actor("ann")
    assert again.room.vision == Radius(30, 0.5)
    assert (ann.vision_distance, ann.visible) == (math.inf, False)
    again.room.vision = ALL
    ann.vision_distance = None
    ann.visible = True
    store.save(again)
    third = store.restart(again, Fog)
    assert third.room.vision is ALL
    ann = third.live.player_actor("ann")
    assert (ann.vision_distance, ann.visible) == (None, True)


def test_what_is_docked_is_seen_where_its_parent_is() -> None:
    world = foggy()
    cart = world.room.spawn(Beast, at=(300, 100))
    rider = world.room.spawn(Beast, at=(120, 100))
    world.run(0.1)
    told(world)
    rider.dock(cart)
    world.run(0.1)
    assert [op for _, op in told(world)] == [["leave", rider.id, "unseen"]]
    cart.move_to((150, 100))
    world.run(2)
    assert [op[1] for _, op in told(world)] == [cart.id, rider.id]


def test_a_passenger_sees_from_the_cart() -> None:
    world = foggy()
    cart = world.room.spawn(Beast, at=(110, 100))
    beast = world.room.spawn(Beast, at=(350, 100))
    world.live.player_actor("ann").dock(cart)
    cart.move_to((300, 100))
    world.run(3)
    assert beast.id in world.copies["ann"]["actors"]
    world.live.player_actor("ann").undock()
    cart.move_to((100, 100))
    world.run(3)
    assert set(world.copies["ann"]["actors"]) == {"p:ann", beast.id}


def test_a_player_who_comes_in_is_seen_by_those_nearby_alone() -> None:
    world = foggy(Fog, "ann", "bob")
    world.live.player_actor("bob").position = (390, 290)
    world.run(0.1)
    told(world)
    world.enter("cyd").position = (390, 280)  # the entry is at (200, 100)
    world.run(0.1)
    assert "p:cyd" not in world.copies["ann"]["actors"]
    assert "p:cyd" in world.copies["bob"]["actors"]
    assert set(world.copies["cyd"]["actors"]) == {"p:bob", "p:cyd"}


def test_viewers_who_see_the_same_share_their_list_and_all_share_its_ops() -> None:
    world = foggy(Fog, "ann", "bob", "cyd")
    world.live.player_actor("cyd").position = (100, 190)
    far, near = (world.room.spawn(Beast, at=(x, 100)) for x in (180, 100))
    world.run(0.1)
    told(world)
    far.state.mood = "cross"
    near.state.mood = "glad"
    world.tick()
    world.tick()
    [frame] = world.out.frames
    assert frame.public == []
    assert frame.private["ann"] is frame.private["bob"]
    assert len(frame.private["ann"]) == 2
    [op] = frame.private["cyd"]
    assert op is frame.private["ann"][1]


def test_room_state_is_for_everybody_however_far() -> None:
    class Bell(Fog):
        def define(self) -> None:
            self.state.public(rung=0)

    world = foggy(Bell, "ann", "bob")
    world.room.state.rung = 1
    world.tick()
    world.tick()
    [frame] = world.out.frames
    assert frame.private == {}
    assert frame.public == [["set", ["room", "state", "rung"], 1]]


def test_room_time_may_be_large() -> None:
    world = World(Fog, now=1e9)
    world.enter("ann").position = (100, 100)
    beast = world.room.spawn(Beast, at=(399, 100))
    beast.move_to((101, 100))
    world.run(3)
    assert beast.id in world.copies["ann"]["actors"]


@pytest.mark.parametrize("bad", [0, -5, math.nan, math.inf, "300", True, None])
def test_a_radius_that_cannot_be(bad: Any) -> None:
    with pytest.raises(ActorError, match=r"Radius\.distance"):
        Radius(bad)


def test_values_that_cannot_be() -> None:
    world = foggy()
    ann = world.live.player_actor("ann")
    with pytest.raises(ActorError, match=r"Radius\.hysteresis"):
        Radius(100, 0)
    with pytest.raises(ActorError, match="give ALL or Radius"):
        world.room.vision = 300
    with pytest.raises(ActorError, match=r"Hero\.vision_distance: -1"):
        ann.vision_distance = -1
    with pytest.raises(ActorError, match=r"Hero\.visible: 0 is neither"):
        ann.visible = 0
    with pytest.raises(ActorError, match=r"Bad\.vision: 5"):
        type("Bad", (Room,), {"vision": 5})
    with pytest.raises(ActorError, match=r"Bad\.visible"):
        type("Bad", (Actor,), {"visible": None})
    with pytest.raises(ActorError, match=r"Bad\.vision_distance"):
        type("Bad", (Player,), {"vision_distance": "far"})


@pytest.mark.parametrize("bad", ["0", "-1", '"far"', "1e9"])
def test_a_map_with_a_bad_vision_says_where(bad: str) -> None:
    text = f'{{"map_id": "m", "rooms": {{"m.r": {{"width": 10, "height": 10, "vision": {bad}}}}}}}'
    [error] = parse_map(text.encode(), "maps/m.json").errors
    assert isinstance(error, MapError)
    assert "vision" in str(error)


def test_maps_built_and_drawn_say_it_too() -> None:
    class Cellar(Room):
        @classmethod
        def build(cls, map: MapBuilder) -> None:
            map.size(300, 200)
            map.vision(80)

    cellar = built_room(Cellar, "m.cellar")
    assert cellar.vision == 80
    assert parse_map(map_text({"m.cellar": cellar, "m.hall": hall()}).encode(), "maps/m.json").rooms == {
        "m.cellar": cellar,
        "m.hall": hall(),
    }
    drawn = {
        "tiledversion": "1.11",
        "width": 10,
        "height": 10,
        "tilewidth": 16,
        "tileheight": 16,
        "layers": [],
        "properties": [{"name": "vision", "type": "float", "value": 64}],
    }
    assert parse_map(json.dumps(drawn).encode(), "maps/t.json").rooms["t.room1"].vision == 64


def hall() -> MapRoom:
    return MapRoom(id="m.hall", width=20, height=20)


def test_getting_on_and_off_a_cart_loses_nothing_that_is_on_the_border() -> None:
    world = foggy()
    cart = world.room.spawn(Beast, at=(100, 100))
    beast = world.room.spawn(Beast, at=(190, 100))
    beast.move_to((205, 100))
    world.run(1)
    told(world)
    ann = world.live.player_actor("ann")
    ann.dock(cart)
    world.run(0.2)
    ann.undock()
    world.run(0.2)
    assert beast.id in world.copies["ann"]["actors"]
    assert {op[0] for _, op in told(world)} <= {"set", "put"}, "nobody left or entered"
    beast.move_to((215, 100))
    world.run(1)
    assert [kind for _, kind, _ in kinds(world)] == ["set", "leave"]


def test_when_the_last_viewer_has_gone_nothing_is_due() -> None:
    world = foggy()
    for x in (150, 250, 350):
        world.room.spawn(Beast, at=(x, 0)).move_to((x, 299))
    assert world.live.next_due() is not None
    world.leave("ann")
    assert world.live.next_due() is None
    ann = world.enter("ann")
    ann.position = (250, 250)
    world.run(5)
    assert len(world.copies["ann"]["actors"]) == 2


def test_a_player_who_is_cut_off_sees_no_farther() -> None:
    world = foggy(Fog, "ann")
    near, far = (world.room.spawn(Beast, at=(x, 100)) for x in (150, 390))
    ann = world.live.player_actor("ann")
    assert [world.live.view.sees(ann, each) for each in (ann, near, far)] == [True, True, False]
    world.live.unwatch("ann")
    assert [world.live.view.sees(ann, each) for each in (ann, near, far)] == [True, True, False]
    far.dock(near)
    assert world.live.view.sees(ann, far)
    near.visible = False
    assert [world.live.view.sees(ann, each) for each in (ann, near, far)] == [True, False, False]


def test_two_who_come_within_reach_by_changing_their_cells_in_the_same_tick() -> None:
    class Murk(Fog):
        vision = Radius(60, 0.1)  # cells are 33 wide

    world = foggy(Murk, at=(170, 50))
    ann = world.live.player_actor("ann")
    beast = world.room.spawn(Beast, at=(95, 50))
    ann.speed = beast.speed = 300
    ann.move_to((0, 50))  # from cell 5 to 4
    beast.move_to((399, 50))  # from cell 2 to 3
    world.tick()
    assert math.dist(ann.position, beast.position) == pytest.approx(45)
    assert beast.id in world.copies["ann"]["actors"]

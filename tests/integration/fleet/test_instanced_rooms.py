"""InstancedRooms on a running fleet: made by a key, found again, warm, scaled, bored and gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from roomfleet.client import CallError, Client, InstanceOf, Refused, SessionEnded, State
from roomfleet.wire.names import instance_name
from support.raw import ask
from support.running import Running, eventually, running
from support.trial_game import GAME, SHORT, playing, state_of, stored_actors, trial_game, until

ROOMS: dict[str, dict[str, Any]] = {"alpha": {"boredAfterSeconds": 1}, "beta": {"boredAfterSeconds": 1}}
SEVEN = instance_name("den", "party-7")


def template(name: str, *, room: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """The manifest of an InstancedRoom."""
    child = {"map": "map1.alpha", "script": "trial.rooms:Place", "boredAfterSeconds": 1, **(room or {})}
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "InstancedRoom",
        "metadata": {"name": name},
        "spec": {"template": {"spec": child}, **spec},
    }


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("instanced")
    game = trial_game(folder, rooms=ROOMS, fleet={"minNodes": 2, "maxNodes": 2})
    with running(game, folder / "data", environment=SHORT) as made:
        yield made


def apply(fleet: Running, *manifests: dict[str, Any]) -> None:
    done = fleet.roomfleet("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    assert done.returncode == 0, done.stderr


def rooms(fleet: Running, template: str) -> list[dict[str, Any]]:
    """The instances, as `roomfleet get rooms -l …` lists them."""
    done = fleet.roomfleet("get", "rooms", "-l", f"roomfleet.io/instance-of={template}", "-o", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found


def bored_soon(name: str) -> dict[str, Any]:
    """A Room's manifest that changes one field."""
    return {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "Room",
        "metadata": {"name": name},
        "spec": {"map": "map1.alpha", "boredAfterSeconds": 1},
    }


def status(fleet: Running, name: str) -> dict[str, Any]:
    done = fleet.roomfleet("get", "iroom", name, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout).get("status", {})
    return found


def post(fleet: Running, player: str, template: str, key: str) -> dict[str, Any]:
    """Join by REST, polled until it is answered for good."""
    body = {"instanced_room": template, "key": key}
    url = f"{fleet.url}/v1/games/{GAME}/joins"
    answer = ask(url, method="POST", player=player, body=body)
    while answer.status == 202:
        answer = ask(fleet.url + answer.headers["Location"], player=player)
    found: dict[str, Any] = answer.json
    return {**found, "code": answer.status}


def test_a_hundred_joins_at_once_with_one_key_make_one_instance_which_is_bored_and_goes(
    fleet: Running,
) -> None:
    apply(fleet, template("den", room={"boredAfterSeconds": 3600}))
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda n: post(fleet, f"p{n}", "den", "party-7"), range(100)))
    assert {(answer["code"], answer["room"]) for answer in answers} == {(201, SEVEN)}
    (room,) = rooms(fleet, "den")
    metadata = room["metadata"]
    assert metadata["name"] == SEVEN
    assert metadata["annotations"]["roomfleet.io/instance-key"] == "party-7"
    assert metadata["ownerReferences"][0]["kind"] == "InstancedRoom"
    assert room["spec"]["onDelete"] == "Delete"
    view = fleet.room(SEVEN)
    assert (view["instanced_room"], view["key"]) == ("den", "party-7")
    eventually(lambda: status(fleet, "den")["instances"] == 1, what="the count of instances")
    apply(fleet, bored_soon(SEVEN))
    eventually(lambda: not rooms(fleet, "den"), within=40, what="the instance is bored, and gone")
    assert post(fleet, "late", "den", "party-7")["room"] == SEVEN


def test_an_answer_says_whether_the_room_is_the_one_for_the_key(fleet: Running) -> None:
    apply(fleet, template("crypt", warm=1))
    eventually(lambda: status(fleet, "crypt").get("warm") == 1, what="a warm instance")
    assert post(fleet, "abe", "crypt", " abe's ")["key"] == "abe's", "as it is kept"

    async def play() -> None:
        async with player(fleet, "eli") as eli:
            await eli.join("alpha")
            elsewhere = await asyncio.to_thread(post, fleet, "eli", "crypt", "eli's")
            assert elsewhere["room"] == "alpha"
            assert "key" not in elsewhere

    asyncio.run(play())


def test_who_does_not_know_a_key_is_told_no_rooms_of_it(fleet: Running) -> None:
    apply(fleet, template("vault", maxInstances=3, room={"boredAfterSeconds": 3600}))
    apply(fleet, template("tomb", room={"keep": "Never"}))
    vault = post(fleet, "abe", "vault", "secret")["room"]
    assert vault not in str(fleet.get(f"/v1/games/{GAME}/rooms"))
    listed = {one["name"]: one for one in fleet.get(f"/v1/games/{GAME}/instanced-rooms")["instanced_rooms"]}
    assert listed["vault"] == {
        "name": "vault",
        "closed": False,
        "instances": 1,
        "max_instances": 3,
        "players": 0,
        "waiting": 0,
    }
    assert listed["tomb"]["closed"]


def player(fleet: Running, name: str) -> Client:
    return Client(fleet.url, game=GAME, token=name)


def names(fleet: Running, template: str) -> list[str]:
    return sorted(room["metadata"]["name"] for room in rooms(fleet, template))


def key_of(room: dict[str, Any]) -> str | None:
    key: str | None = room["metadata"].get("annotations", {}).get("roomfleet.io/instance-key")
    return key


def phase(fleet: Running, room: str) -> str:
    found: str = fleet.room(room)["phase"]
    return found


def test_a_player_travels_to_an_instance_and_another_one_joins_it_by_the_key(fleet: Running) -> None:
    apply(fleet, template("nest"))
    nest = instance_name("nest", "ann & bob")

    async def play() -> None:
        async with player(fleet, "ann") as ann, player(fleet, "bob") as bob:
            await ann.join("alpha")
            await ann.call("keep", value=5)
            await ann.call("go", room="nest", key="ann & bob")
            await playing(ann, nest)
            assert state_of(ann)["kept"] == 5
            await bob.join(InstanceOf("nest", "ann & bob"))
            assert bob.room is not None
            assert bob.room.name == nest
            await until(lambda: "p:bob" in ann.actors, "they see each other")
            await ann.call("go", room="beta")
            await playing(ann, "beta")

    asyncio.run(play())


def test_what_cannot_be_is_told_to_the_player_who_stays(fleet: Running) -> None:
    apply(fleet, template("shut", room={"keep": "Never"}))

    async def play() -> None:
        async with player(fleet, "cid") as cid:
            await cid.join("alpha")
            for wanted, why in (("shut", "closed"), ("nowhere", "no InstancedRoom nowhere")):
                with pytest.raises(CallError, match=why):
                    await cid.call("go", room=wanted, key="k")
            with pytest.raises(CallError, match="128 characters"):
                await cid.call("go", room="shut", key="x" * 129)
            await playing(cid, "alpha")
        async with player(fleet, "dan") as dan:
            with pytest.raises(Refused, match="closed"):
                await dan.join(InstanceOf("shut", "k"))

    asyncio.run(play())


def test_an_actor_without_a_player_goes_to_an_instance_which_is_made_and_sleeps(fleet: Running) -> None:
    apply(fleet, template("shed", whenBored="Sleep"))
    shed = instance_name("shed", "tools")

    async def play() -> None:
        async with player(fleet, "eve") as eve:
            await eve.join("alpha")
            await eve.call("send", name="spade", room="shed", wake=False, key="tools")
            await until(
                lambda: any(
                    (actor.body["name"], actor.room) == ("spade", shed)
                    for actor in stored_actors(fleet.data).values()
                ),
                "the spade is in the shed",
            )
            assert names(fleet, "shed") == [shed]
            assert phase(fleet, shed) == "Asleep"
            await eve.call("go", room="shed", key="tools")
            await playing(eve, shed)
            await until(
                lambda: any(actor["name"] == "spade" for actor in eve.actors.values()), "eve finds the spade"
            )

    asyncio.run(play())


def test_warm_instances_are_handed_out_and_scaled_by_the_object(fleet: Running) -> None:
    apply(fleet, template("hut", warm=2, room={"boredAfterSeconds": 3600}))
    eventually(lambda: status(fleet, "hut").get("warm") == 2, what="two warm instances")
    warm = names(fleet, "hut")
    done = fleet.roomfleet("get", "rooms", "-l", status(fleet, "hut")["selector"], "-o", "name")
    assert len(done.stdout.split()) == 2
    taken = post(fleet, "fay", "hut", "fay's")
    assert taken["room"] in warm
    eventually(lambda: len(rooms(fleet, "hut")) == 3, what="one more in its place")
    assert [key_of(room) for room in rooms(fleet, "hut") if room["metadata"]["name"] == taken["room"]] == [
        "fay's"
    ]
    apply(fleet, template("hut", warm=0, room={"boredAfterSeconds": 3600}))
    eventually(lambda: names(fleet, "hut") == [taken["room"]], what="only the one with a key is left")


def test_kept_data_are_found_again_and_others_begin_anew_with_their_players_at_home(fleet: Running) -> None:
    apply(fleet, template("safe", keepData=True), template("hall"))
    safe, hall = instance_name("safe", "gus"), instance_name("hall", "gus")

    async def leave_a_pet(who: str, template: str) -> None:
        async with player(fleet, who) as one:
            await one.join("alpha")
            await one.call("go", room=template, key="gus")
            await playing(one, instance_name(template, "gus"))
            await one.call("tame", pets=1)
            await one.leave()
        await until(lambda: not names(fleet, template), f"the instance of {template} is gone")

    async def play() -> None:
        await leave_a_pet("gus", "safe")
        await leave_a_pet("hal", "hall")
        async with player(fleet, "gus") as gus, player(fleet, "hal") as hal:
            await gus.join()
            await playing(gus, safe)
            await until(lambda: any(a["name"] == "gus's 0" for a in gus.actors.values()), "the pet is there")
            await hal.join()
            await playing(hal, "alpha")
            await hal.call("go", room="hall", key="gus")
            await playing(hal, hall)
            assert [actor["name"] for actor in hal.actors.values()] == ["hal"]

    asyncio.run(play())


def test_a_player_is_brought_from_the_kept_data_of_an_instance_that_has_gone(fleet: Running) -> None:
    apply(fleet, template("loft", keepData=True, room={"arrivals": "Anyone"}))

    async def play() -> None:
        async with player(fleet, "una") as una:
            await una.join(InstanceOf("loft", "one"))
            await una.call("keep", value=4)
            await una.leave()
        await until(lambda: not names(fleet, "loft"), "the instance is gone")
        async with player(fleet, "una") as una:
            await una.join(InstanceOf("loft", "two"), bring=True)
            await playing(una, instance_name("loft", "two"))
            assert state_of(una)["kept"] == 4

    asyncio.run(play())


def test_a_deleted_template_takes_its_instances_along(fleet: Running) -> None:
    apply(fleet, template("tent"))

    async def play() -> None:
        async with player(fleet, "ida") as ida:
            await ida.join(InstanceOf("tent", "ida"))
            done = await asyncio.to_thread(fleet.roomfleet, "delete", "iroom", "tent")
            assert done.returncode == 0, done.stderr
            with pytest.raises(SessionEnded, match="deleted"):
                await ida.wait_for(lambda one: one.state is State.IDLE, 20)
        assert names(fleet, "tent") == []
        async with player(fleet, "jim") as jim:
            with pytest.raises(Refused, match="no InstancedRoom tent"):
                await jim.join(InstanceOf("tent", "jim"))

    asyncio.run(play())


def test_past_max_instances_a_join_waits_until_one_has_gone(fleet: Running) -> None:
    apply(fleet, template("booth", maxInstances=1))

    async def play() -> None:
        async with player(fleet, "kim") as kim, player(fleet, "lou") as lou:
            await kim.join(InstanceOf("booth", "kim"))
            waiting = asyncio.create_task(lou.join(InstanceOf("booth", "lou")))
            await lou.wait_for(lambda one: one.state is State.WAITING, 20)
            assert lou.change.position == 1
            await kim.leave()
            await asyncio.wait_for(waiting, 40)
            await playing(lou, instance_name("booth", "lou"))

    asyncio.run(play())


def test_without_a_master_the_way_to_a_running_instance_is_open(fleet: Running) -> None:
    apply(fleet, template("nook", room={"boredAfterSeconds": 3600}), template("barn", whenBored="Sleep"))
    nook = instance_name("nook", "ned")

    async def play() -> None:
        async with player(fleet, "ned") as ned, player(fleet, "oda") as oda, player(fleet, "pia") as pia:
            await ned.join(InstanceOf("nook", "ned"))
            await oda.join("alpha")
            await pia.join("alpha")
            fleet.pause_master()
            try:
                sent = asyncio.ensure_future(
                    pia.call("send", name="sack", room="barn", wake=False, key="pia")
                )
                await oda.call("go", room="nook", key="ned")
                await playing(oda, nook)
                assert not sent.done()
            finally:
                fleet.resume_master()
            await asyncio.wait_for(sent, 20)
            await until(
                lambda: any(
                    (actor.body["name"], actor.room) == ("sack", instance_name("barn", "pia"))
                    for actor in stored_actors(fleet.data).values()
                ),
                "whoever needs the master to know the room goes when it is back",
            )

    asyncio.run(play())


def test_what_there_is_outlives_the_master(fleet: Running) -> None:
    """The last test of the file: it kills the fleet's master and nodes."""
    apply(fleet, template("lair", warm=1, whenBored="Sleep"))
    eventually(lambda: status(fleet, "lair").get("warm") == 1, what="a warm instance")
    first = post(fleet, "max", "lair", "max's")["room"]
    fleet.kill(nodes=True)
    fleet.start()
    assert post(fleet, "max", "lair", "max's")["room"] == first
    assert [room["metadata"]["name"] for room in rooms(fleet, "lair") if key_of(room)] == [first]

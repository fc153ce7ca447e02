"""`onDelete: Delete` with rooms in a cluster and data in MongoDB: what goes, when, and what never does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pymongo
import pytest
import yaml

from roomfleet.client import Client, InstanceOf, Refused, SessionEnded, State
from roomfleet.store import doc_id, name_of, open_store
from roomfleet.wire.names import instance_name
from support.kube import Cluster
from support.kube_proxy import Proxy, proxied_cluster
from support.nx import Nx, serving
from support.operating import Operated, operated
from support.running import eventually
from support.trial_game import SHORT, names, playing, state_of, trial_game, until

DELETE_AFTER_SECONDS = 2.0
"""Longer than it takes to make a Room again after a list."""

ROOMS = {
    "alpha": {"boredAfterSeconds": 1},
    "doomed": {"boredAfterSeconds": 1, "onDelete": "Delete"},
    "spared": {"boredAfterSeconds": 1, "onDelete": "Delete"},
    "busy": {"boredAfterSeconds": 3600, "onDelete": "Delete"},
}

LIST = "/rooms?limit=500"


@dataclass(frozen=True)
class Place:
    """A fleet, the proxy that it sees the API server through, and where its data are."""

    fleet: Operated
    proxy: Proxy
    nx: Nx

    # -- what is done ----------------------------------------------------------------------------------

    def player(self, name: str) -> Client:
        return Client(self.fleet.url, game=self.fleet.game, token=name)

    async def visit(self, name: str, room: str, kept: int) -> None:
        """A player comes, keeps something, leaves two pets behind, and goes."""
        async with self.player(name) as who:
            await who.join(room)
            await who.call("keep", value=kept)
            await who.call("tame", pets=2)
            await who.leave()

    async def delete(self, room: str) -> None:
        await asyncio.to_thread(self.fleet.kubectl, "delete", "room", room, "--timeout=5s")

    async def make_again(self, room: str) -> None:
        for manifest in yaml.safe_load_all((self.fleet.game_dir / "k8s" / "all.yaml").read_text()):
            if manifest["metadata"]["name"] == room:
                text = yaml.safe_dump(manifest)
                await asyncio.to_thread(self.fleet.kubectl, "apply", "-f", "-", stdin=text)

    def list_again(self) -> None:
        """Have the operator make a complete list now, as it does every two minutes by itself."""
        before = self.lists
        self.proxy.expire_watches()
        eventually(lambda: self.lists > before, what="a complete list")

    async def lists_until_it_is_gone(self, room: str) -> None:
        def look() -> bool:
            self.list_again()
            return not self.has_data(room)

        await until(look, f"the data of {room} are gone", within=40)

    # -- what is seen ----------------------------------------------------------------------------------

    @property
    def lists(self) -> int:
        """How many lists of Rooms were answered."""
        return sum(1 for _, path, code in list(self.proxy.requests) if LIST in path and code == 200)

    def has_data(self, room: str) -> bool:
        async def look() -> bool:
            store = open_store(self.fleet.store)
            try:
                found = await store.get_room(doc_id(self.fleet.game, room))
            finally:
                await store.close()
            return found is not None and found.saved_at is not None

        return asyncio.run(look())

    def actors(self) -> dict[str, str]:
        """Every actor that is not deleted, players' and others', by id: the room that it is in."""
        with closing(
            pymongo.MongoClient[dict[str, str]](self.nx.url(), serverSelectionTimeoutMS=5_000)
        ) as db:
            found = list(db["trial"]["actors"].find({}))
        return {name_of(one["_id"]): name_of(one["room"]) for one in found if one.get("room")}


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("on-delete")
    environment = {**SHORT, "ROOMFLEET_DELETE_AFTER_SECONDS": str(DELETE_AFTER_SECONDS)}
    source = trial_game(folder / "source", rooms=ROOMS)
    with (
        proxied_cluster(cluster) as proxy,
        serving(folder / "nx") as nx,
        operated(cluster, folder, source=source, start=False, environment=environment) as fleet,
    ):
        fleet.store = nx.url("trial")
        token = cluster.service_account(fleet.game, "operator")
        fleet.kubeconfig = proxy.kubeconfig(folder / "kubeconfig", token, fleet.game)
        fleet.expected_errors = ["will retry"]  # kopf, of a watch that broke
        fleet.start(2)
        yield Place(fleet, proxy, nx)


def test_data_marked_delete_go_after_two_lists_so_far_apart_and_players_actors_go_to_the_entry(
    place: Place,
) -> None:
    async def play() -> None:
        await place.visit("ada", "doomed", 7)
        await until(lambda: list(place.actors().values()) == ["doomed"] * 3, "the player and two pets")
        begun, lists = time.monotonic(), place.lists
        await place.delete("doomed")
        async with place.player("ada") as ada:
            with pytest.raises(Refused, match="your actor is in the room doomed, which was deleted"):
                await ada.join()
        await place.lists_until_it_is_gone("doomed")
        assert time.monotonic() - begun >= DELETE_AFTER_SECONDS
        assert place.lists >= lists + 2
        await until(lambda: place.actors() == {"p:ada": "alpha"}, "nobody but the player is left")
        async with place.player("ada") as ada:
            await ada.join()
            await playing(ada, "alpha")
            assert (state_of(ada)["kept"], state_of(ada)["coins"]) == (7, 10)

    asyncio.run(play())


def test_a_room_made_again_in_between_keeps_its_data_and_what_was_running_goes(place: Place) -> None:
    async def play() -> None:
        await place.visit("bob", "spared", 8)
        async with place.player("cid") as cid:
            await cid.join("busy")
            assert await cid.call("keep", value=9) == 9
            # Both are gone in the same list; then one of them is there again.
            await place.delete("spared")
            await place.delete("busy")
            with pytest.raises(SessionEnded):
                await cid.wait_for(lambda p: p.state is State.IDLE, 20)
        await asyncio.to_thread(place.list_again)
        await place.make_again("spared")
        await place.lists_until_it_is_gone("busy")
        for _ in range(2):
            await asyncio.to_thread(place.list_again)
        async with place.player("bob") as bob, place.player("cid") as cid:
            await bob.join()
            await playing(bob, "spared")
            assert state_of(bob)["kept"] == 8
            assert names(bob.actors.values()) == ["bob", "bob's 0", "bob's 1"]
            await cid.join()
            await playing(cid, "alpha")
            assert state_of(cid)["kept"] == 9
        assert await asyncio.to_thread(place.has_data, "spared")

    asyncio.run(play())


def template(name: str, *, keep_data: bool) -> str:
    """The manifest of an InstancedRoom whose instances do not end by themselves here."""
    child = {"map": "map1.alpha", "script": "trial.rooms:Place", "boredAfterSeconds": 3600}
    manifest = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "InstancedRoom",
        "metadata": {"name": name},
        "spec": {"keepData": keep_data, "template": {"spec": child}},
    }
    return yaml.safe_dump(manifest)


def test_a_deleted_template_takes_its_instances_along_and_their_data_unless_they_are_kept(
    place: Place,
) -> None:
    fleet, kept, fleeting = place.fleet, instance_name("kept", "gus"), instance_name("fleeting", "hal")

    def make(name: str, *, keep_data: bool) -> None:
        fleet.kubectl("apply", "-f", "-", stdin=template(name, keep_data=keep_data))
        # The operator hears of it by its watch, which may have to begin anew first.
        fleet.kubectl("wait", "--for=condition=Ready", f"iroom/{name}", "--timeout=30s")

    make("kept", keep_data=True)
    make("fleeting", keep_data=False)

    def instances() -> list[str]:
        found = fleet.kubectl(
            "get", "rooms", "-l", "roomfleet.io/instance-of in (kept, fleeting)", "-o", "name"
        )
        return sorted(found.split())

    async def play() -> None:
        async with place.player("gus") as gus, place.player("hal") as hal:
            for who, name in ((gus, "kept"), (hal, "fleeting")):
                await who.join(InstanceOf(name, "gus" if who is gus else "hal"))
                await who.call("keep", value=6)
                await who.call("tame", pets=1)
            assert len(await asyncio.to_thread(instances)) == 2
            await asyncio.to_thread(fleet.kubectl, "delete", "iroom", "kept", "fleeting", "--timeout=10s")
            if not fleet.cluster.has_controllers:  # nobody here follows owner references
                label = "roomfleet.io/instance-of in (kept, fleeting)"
                await asyncio.to_thread(fleet.kubectl, "delete", "rooms", "-l", label, "--timeout=10s")
            for who in (gus, hal):
                with pytest.raises(SessionEnded, match="deleted"):
                    await who.wait_for(lambda p: p.state is State.IDLE, 90)
        await until(lambda: not instances(), "the instances are gone", within=60)
        async with place.player("new") as new:
            with pytest.raises(Refused, match="no InstancedRoom kept"):
                await new.join(InstanceOf("kept", "gus"))
        await place.lists_until_it_is_gone(fleeting)
        await until(
            lambda: place.actors().get("p:hal") == "alpha" and fleeting not in place.actors().values(),
            "hal is sent to the entry room, and the pet is gone",
        )
        assert await asyncio.to_thread(place.has_data, kept)
        await asyncio.to_thread(make, "kept", keep_data=True)
        async with place.player("gus") as gus, place.player("hal") as hal:
            await gus.join(InstanceOf("kept", "gus"))
            await playing(gus, kept)
            assert (state_of(gus)["kept"], names(gus.actors.values())) == (6, ["gus", "gus's 0"])
            await hal.join()
            await playing(hal, "alpha")
            assert state_of(hal)["kept"] == 6

    asyncio.run(play())

"""P5, nobody is forgotten: each join ends in admission, first come first served per room."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import yaml

from roomfleet.client import Client, State
from roomfleet.wire.names import instance_name
from support.raw import ask
from support.running import Running, eventually, running
from support.trial_game import GAME, SHORT, playing, trial_game, until


def waits_at(player: Client, position: int) -> bool:
    return player.state is State.WAITING and player.change.position == position


def test_a_full_room_lets_in_those_who_came_first_as_others_leave(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(Client(fleet.url, game=GAME, token="ada"))
            await first.join("alpha")
            line: list[Client] = []
            entered: list[int] = []
            joins = []

            async def join(number: int, player: Client) -> None:
                await player.join("alpha")
                entered.append(number)

            for number in range(4):
                player = await stack.enter_async_context(
                    Client(fleet.url, game=GAME, token=f"player {number}")
                )
                joins.append(asyncio.ensure_future(join(number, player)))
                position = number + 1
                await player.wait_for(lambda p, position=position: waits_at(p, position), 10)
                line.append(player)
            inside = first
            for number, player in enumerate(line):
                await inside.leave()
                await joins[number]
                assert entered == list(range(number + 1))
                for place, waiting in enumerate(line[number + 1 :], 1):
                    await waiting.wait_for(lambda p, place=place: waits_at(p, place), 10)
                inside = player

    rooms = {"alpha": {"capacity": 1}, "beta": {}}
    with running(trial_game(tmp_path, rooms=rooms), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_many_joins_at_once_for_a_sleeping_room_start_it_once_and_all_get_in(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        async with AsyncExitStack() as stack:
            players = [
                await stack.enter_async_context(Client(fleet.url, game=GAME, token=f"player {number}"))
                for number in range(12)
            ]
            await asyncio.gather(*(player.join("alpha") for player in players))
            assert fleet.room("alpha")["epoch"] == 1
            heroes = {f"p:player {number}" for number in range(12)}
            for player in players:
                await player.wait_for(lambda p: heroes <= p.actors.keys(), 10)

    with running(trial_game(tmp_path), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def test_joins_while_the_room_stops_or_its_node_is_killed_end_in_admission(tmp_path: Path) -> None:
    async def play(fleet: Running) -> None:
        # It is bored at once: each join meets it stopping, stopped or starting again.
        for _ in range(12):
            async with Client(fleet.url, game=GAME, token="ada") as player:
                async with asyncio.timeout(30):
                    await player.join("alpha")
        async with Client(fleet.url, game=GAME, token="ada") as player:
            await player.join("alpha")
            epoch = fleet.room("alpha")["epoch"]
            assert epoch > 1
            fleet.signal_node(fleet.node_of("alpha"), signal.SIGKILL)
            # These come while nobody may know yet that the node is gone, and while its room has no place.
            others = [Client(fleet.url, game=GAME, token=f"player {number}") for number in range(5)]
            try:
                async with asyncio.timeout(40):
                    await asyncio.gather(*(other.join("alpha") for other in others))
                await playing(player, "alpha")
                await until(lambda: fleet.room("alpha")["players"] == 6, "all six are counted")
                assert fleet.room("alpha")["epoch"] == epoch + 1
            finally:
                await asyncio.gather(*(other.leave() for other in others))

    rooms = {"alpha": {"boredAfterSeconds": 0}, "beta": {}}
    with running(trial_game(tmp_path, rooms=rooms), tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(play(fleet))


def dens(game: Path, most: int) -> None:
    """The game's InstancedRoom, of which there may be so many instances."""
    spec = {"maxInstances": most, "whenBored": "Sleep", "template": {"spec": {"map": "map1.alpha"}}}
    den = {
        "apiVersion": "roomfleet.io/v1alpha1",
        "kind": "InstancedRoom",
        "metadata": {"name": "den"},
        "spec": spec,
    }
    (game / "k8s" / "den.yaml").write_text(yaml.safe_dump(den))


def test_after_a_restart_of_the_master_nobody_new_takes_the_instance_of_one_who_was_in_line(
    tmp_path: Path,
) -> None:
    game = trial_game(tmp_path)
    dens(game, 1)
    with running(game, tmp_path / "data", environment=SHORT) as fleet:

        def join(player: str, **more: str) -> dict[str, Any]:
            body = {"instanced_room": "den", "key": player, **more}
            url = f"{fleet.url}/v1/games/{GAME}/joins"
            answer: dict[str, Any] = ask(url, method="POST", player=player, body=body).json
            return answer

        def poll(join: dict[str, Any], player: str) -> dict[str, Any]:
            url = f"{fleet.url}/v1/games/{GAME}/joins/{join['id']}"
            answer: dict[str, Any] = ask(url, player=player).json
            return answer

        kim = join("kim")
        eventually(lambda: poll(kim, "kim")["state"] == "admitted", what="kim has an instance")
        lou = join("lou")
        assert lou["state"] == "waiting"

        def recorded() -> bool:  # on disk, which is soon after it is seen
            path = fleet.data / "objects" / "instancedrooms" / "den.json"
            found = json.loads(path.read_text())["object"]
            return bool(found.get("status", {}).get("waiting") == 1)

        eventually(recorded, what="the object on disk says that one waits")
        fleet.kill(nodes=True)
        dens(game, 2)
        fleet.start()
        mia = join("mia")
        assert mia["state"] == "waiting", "there may be one more, and lou may come back for it"
        lou = join("lou", line_token=lou["line_token"])
        eventually(lambda: poll(lou, "lou")["state"] == "admitted", what="lou has the instance")
        assert lou["room"] == instance_name("den", "lou")
        assert poll(mia, "mia")["position"] == 1

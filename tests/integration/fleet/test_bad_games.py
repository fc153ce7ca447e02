"""Broken maps and scripts on a running node: the room says what is wrong, everybody else goes on (P9)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from support.game_folder import map_text, write
from support.raw import Answer, ask, in_room
from support.running import Running, eventually, running
from support.small_game import small_game

GAME = "crooked"

SCRIPTS = {
    "twisted": "def broken(:\n    pass\n",
    "raising": 'raise RuntimeError("no config")\n',
    "exiting": "import sys\nsys.exit(3)\n",
    "needy": "import surely_not_installed\n",
    "life": """
        import asyncio
        import time

        from roomfleet.game import Actor, command
        from small.rooms import Hero, Place

        class Still(Place):
            def created(self):
                raise ValueError("nobody wants to live here")

        class Clumsy(Actor):
            def define(self):
                self.state.public(lives=0)

            async def kickoff(self):
                self.state.lives += 1
                raise KeyError(f"stumbled {self.state.lives}")

        class Clumsies(Place):
            def created(self):
                self.spawn(Clumsy, at=(50, 50), name="Tom")

        class Foreign(Actor):
            def define(self):
                self.state.public(awake=0)

            async def kickoff(self):
                self.state.awake += 1
                await asyncio.sleep(1)  # the foreign line

        class Foreigners(Place):
            def created(self):
                self.spawn(Foreign, at=(50, 50), name="Abroad")

        def _block(seconds):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                pass  # round and round

        class Stubborn(Hero):
            @command
            def block(self, seconds: float) -> str:
                _block(seconds)
                return "back"

            @command
            def forget(self) -> object:
                return object()

            @command
            async def endless(self) -> None:
                while True:
                    await self.sleep(0)

            @command
            def recurse(self) -> None:
                self.recurse()

            @command
            def leave_by_exit(self) -> None:
                raise SystemExit(1)

        class Blocked(Place):
            player_class = Stubborn
    """,
}

ROOMS: dict[str, dict[str, Any]] = {
    "good": {},
    "no-map-file": {"map": "atlantis.room1"},
    "no-map-room": {"map": "m.attic"},
    "bad-json": {"map": "torn.room1"},
    "bad-map": {"map": "warped.room1"},
    "no-module": {"script": "small.nothing:Place"},
    "no-package": {"script": "large.rooms:Place"},
    "no-class": {"script": "small.rooms:Plaice"},
    "no-room": {"script": "small.rooms:Hero"},
    "syntax": {"script": "small.twisted:Place"},
    "raises": {"script": "small.raising:Place"},
    "exits": {"script": "small.exiting:Place"},
    "needs": {"script": "small.needy:Place"},
    "created": {"script": "small.life:Still"},
    "clumsy": {"script": "small.life:Clumsies"},
    "foreign": {"script": "small.life:Foreigners"},
    "blocked": {"script": "small.life:Blocked"},
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A game with one good room among broken ones, all on one node."""
    folder = tmp_path_factory.mktemp("bad-games")
    rooms = {name: {"map": "m.good", **spec} for name, spec in ROOMS.items()}
    game = small_game(folder / GAME, rooms, scripts=SCRIPTS)
    write(
        game,
        {
            "maps/torn.json": '{"map_id": "torn", "rooms": {\n  "torn.room1": {"width": 10,,\n}',
            "maps/warped.json": map_text("warped", room1={"width": -5, "height": 20}),
        },
    )
    with running(game, folder / "data") as fleet:
        yield fleet
        # Throughout, it was one and the same node process.
        assert fleet.log().count("serves crooked at") == 1


def answered(fleet: Running, player: str, room: str) -> Answer:
    """The answer to a join that is not 'wait'."""
    joins = f"{fleet.url}/v1/games/{GAME}/joins"
    first = ask(joins, method="POST", player=player, body={"room": room})

    def look() -> Answer | None:
        answer = first if first.status != 202 else ask(f"{joins}/{first.json['id']}", player=player)
        return None if answer.status == 202 else answer

    answer = eventually(look, what="an answer to the join")
    assert answer is not None
    return answer


def in_the_good_room(fleet: Running, broken: str) -> None:
    """The same node still serves the good room."""

    async def play() -> None:
        async with in_room(fleet.url, GAME, f"guest of {broken}", "good") as guest:
            assert (await guest.call(1, "paint", colour="green"))["value"] == "green x1"

    asyncio.run(play())


@pytest.mark.parametrize(
    ("room", "named"),
    [
        ("no-map-file", ["maps/atlantis.json", "m.good"]),
        ("no-map-room", ["m.attic", "m.good"]),
        ("bad-json", ["torn.json", "2"]),
        ("bad-map", ["warped.room1", "width"]),
        ("no-module", ["small.nothing:Place", "small.rooms"]),
        ("no-package", ["large.rooms:Place", "large"]),
        ("no-class", ["Plaice", "did you mean Place"]),
        ("no-room", ["Hero is no Room"]),
        ("syntax", ["small/twisted.py:1", "SyntaxError"]),
        ("raises", ["small/raising.py:1", "RuntimeError: no config"]),
        ("exits", ["small/exiting.py:2", "SystemExit"]),
        ("needs", ["small/needy.py:1", "surely_not_installed"]),
        ("created", ["Still", "ValueError: nobody wants to live here"]),
    ],
)
def test_a_room_that_cannot_start_says_why_and_how_to_mend_it(
    fleet: Running, room: str, named: list[str]
) -> None:
    refused = answered(fleet, "optimist", room)
    assert refused.status == 409
    assert refused.json["type"] == "https://roomfleet.io/problems/room-failed"
    status = eventually(lambda: failed(fleet, room))
    assert status is not None
    message = status["message"]
    assert "\n" not in message
    for part in named:
        assert part in refused.json["detail"]
        assert part in message
    ready = next(each for each in status["conditions"] if each["type"] == "Ready")
    assert ready["status"] == "False"
    assert message in ready["message"] or ready["message"] in message
    in_the_good_room(fleet, room)


def test_what_created_raised_is_in_the_nodes_log_with_its_line(fleet: Running) -> None:
    answered(fleet, "optimist", "created")
    log = eventually(lambda: fleet.log() if "room created cannot start" in fleet.log() else "")
    traceback = log.split("room created cannot start", 1)[1][:3000]
    assert "Traceback" in traceback
    assert "life.py" in traceback


def failed(fleet: Running, room: str) -> dict[str, Any] | None:
    """The object's status, once it says that the room has failed."""
    objects = f"/apis/roomfleet.io/v1alpha1/namespaces/{GAME}/rooms"
    status: dict[str, Any] = fleet.get(f"{objects}/{room}").get("status", {})
    return status if status.get("phase") == "Failed" else None


def test_describe_shows_what_is_wrong_with_a_room(fleet: Running) -> None:
    assert answered(fleet, "optimist", "no-class").status == 409
    eventually(lambda: failed(fleet, "no-class"))
    described = fleet.roomfleet("describe", "room", "no-class").stdout
    assert re.search(r"Phase: +Failed", described)
    assert re.search(r"Message: +.*small\.rooms has no class Plaice; did you mean Place", described)


def _with(text: str, part: str) -> str:
    return text if part in text else ""


def test_defect_10_a_missing_script_is_never_skipped(fleet: Running) -> None:
    for room in ("no-module", "no-package", "no-class"):
        assert answered(fleet, "believer", room).status == 409
        assert fleet.room(room)["players"] == 0


def test_a_failed_room_is_tried_again_once_it_is_mended(fleet: Running) -> None:
    assert answered(fleet, "mechanic", "needs").status == 409
    write(fleet.game_dir, {"small/needy.py": "from small.rooms import Place\n"})
    # A change of the spec has it tried at once.
    manifest = json.loads(fleet.roomfleet("get", "room", "needs", "-o", "json").stdout)
    manifest["spec"]["capacity"] = 7
    bare = {key: manifest[key] for key in ("apiVersion", "kind", "spec")}
    bare["metadata"] = {"name": "needs"}
    done = fleet.roomfleet("apply", "-f", "-", stdin=json.dumps(bare))
    assert done.returncode == 0, done.stderr
    assert answered(fleet, "mechanic", "needs").status == 201


def test_defect_07_a_kickoff_that_raises_is_told_and_starts_again_with_backoff(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "witness", "clumsy") as witness:
            while max(_seen(each, "lives") for each in witness.heard) < 3:
                await witness.hear()
            # The room itself goes on.
            assert (await witness.call(1, "tap"))["value"] == 1

    asyncio.run(play())
    log = fleet.log()
    pauses = re.findall(
        r"Clumsy\.kickoff failed: KeyError: 'stumbled \d'; it starts again in ([\d.]+) s", log
    )
    assert len(pauses) >= 2
    assert [float(pause) for pause in pauses] == sorted(float(pause) for pause in pauses)
    assert float(pauses[1]) > float(pauses[0])
    assert "small/life.py" in log
    assert 'raise KeyError(f"stumbled {self.state.lives}")' in log
    in_the_good_room(fleet, "clumsy")


def _seen(message: dict[str, Any], field: str) -> int:
    """The highest number that a message gives the state's field."""
    found = re.findall(rf'"{field}"\], (\d+)|"{field}": (\d+)', json.dumps(message))
    return max((int(first or second) for first, second in found), default=0)


def test_awaiting_asyncio_is_an_error_at_its_line_that_names_what_to_use(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "tourist", "foreign") as tourist:
            assert (await tourist.call(1, "tap"))["value"] == 1

    asyncio.run(play())
    log = eventually(lambda: _with(fleet.log(), "Foreign.kickoff failed"))
    told = log[log.index("Foreign.kickoff failed") :].split("\n\n")[0]
    assert "ForeignAwaitable" in told
    assert "self.sleep" in told
    assert "self.outside" in told
    assert "await asyncio.sleep(1)  # the foreign line" in told
    in_the_good_room(fleet, "foreign")


def test_a_script_that_blocks_the_loop_is_found_by_the_watchdog(fleet: Running) -> None:
    async def play() -> None:
        async with (
            in_room(fleet.url, GAME, "bystander", "good") as bystander,
            in_room(fleet.url, GAME, "mule", "blocked") as mule,
        ):
            await mule.say({"type": "call", "id": 1, "method": "block", "args": {"seconds": 3}})
            assert (await mule.until("result", within=20))["value"] == "back"
            # Everything goes on, for the culprit as for everybody else.
            assert (await mule.call(2, "tap"))["value"] == 1
            assert (await bystander.call(1, "tap"))["value"] == 1

    asyncio.run(play())
    log = fleet.log()
    told = log[log.index("the event loop has been blocked") :]
    first = told.splitlines()[0]
    for part in ("room blocked", "p:mule", "Stubborn.block"):
        assert part in first
    assert "_block" in told
    assert "small/life.py" in told


@pytest.mark.parametrize(
    ("method", "code"),
    [("forget", "script-error"), ("recurse", "script-error"), ("leave_by_exit", "script-error")],
)
def test_a_command_that_goes_wrong_is_an_error_of_that_call(fleet: Running, method: str, code: str) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "caller", "blocked") as caller:
            answer = await caller.call(1, method)
            assert answer["type"] == "error"
            assert answer["code"] == code
            assert (await caller.call(2, "tap"))["type"] == "result"

    asyncio.run(play())
    assert f"Stubborn.{method}" in fleet.log()
    in_the_good_room(fleet, method)


def test_a_command_that_never_ends_keeps_nobody_from_anything(fleet: Running) -> None:
    async def play() -> None:
        async with in_room(fleet.url, GAME, "spinner", "blocked") as spinner:
            await spinner.say({"type": "call", "id": 1, "method": "endless"})
            for call in range(2, 12):
                assert (await spinner.call(call, "tap"))["type"] == "result"

    asyncio.run(play())
    in_the_good_room(fleet, "endless")

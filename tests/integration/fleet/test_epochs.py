"""Epochs heal themselves on a real store: lost statuses, objects made again, older backups."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import yaml

from roomfleet.client import Client
from support.running import Running, running
from support.trial_game import GAME, SHORT, state_of, stored_epoch, trial_game


async def keep(fleet: Running, value: int) -> None:
    """Ada comes into alpha, and what she had saved is there; she saves something else, and leaves."""
    async with Client(fleet.url, game=GAME, token="ada") as ada:
        await ada.join("alpha")
        assert state_of(ada, "ada")["kept"] == value - 1
        await ada.call("keep", value=value)
    await asyncio.to_thread(fleet.wait_phase, "alpha", "Asleep")


def epochs(fleet: Running) -> tuple[int, int]:
    """What the object says, and the store."""
    return fleet.room("alpha")["epoch"], stored_epoch(fleet.data, "alpha")[0]


def object_file(fleet: Running) -> Path:
    return fleet.data / "objects" / "rooms" / "alpha.json"


def raise_stored_epoch(fleet: Running, epoch: int) -> None:
    with closing(sqlite3.connect(fleet.data / "store.db")) as db:
        db.execute("UPDATE rooms SET epoch = ? WHERE id = ?", (epoch, f"{GAME}/alpha"))
        db.commit()


def test_the_room_starts_whatever_was_lost_or_put_back(tmp_path: Path) -> None:
    game = trial_game(tmp_path, rooms={"alpha": {"boredAfterSeconds": 0}, "beta": {}})
    with running(game, tmp_path / "data", environment=SHORT) as fleet:
        asyncio.run(keep(fleet, 1))
        # The object is made again under its name; its data were retained.
        manifests = list(yaml.safe_load_all((game / "k8s" / "all.yaml").read_text()))
        (alpha,) = [each for each in manifests if each["metadata"]["name"] == "alpha"]
        assert fleet.roomfleet("delete", "room", "alpha").returncode == 0
        assert fleet.roomfleet("apply", "-f", "-", stdin=yaml.safe_dump(alpha)).returncode == 0
        asyncio.run(keep(fleet, 2))
        assert fleet.interrupt() == 0

        # The status is lost, and the store is far ahead: as with an older backup of the objects.
        content = json.loads(object_file(fleet).read_text())
        del content["object"]["status"]
        object_file(fleet).write_text(json.dumps(content))
        raise_stored_epoch(fleet, 40)
        backup = tmp_path / "backup.db"
        shutil.copy(fleet.data / "store.db", backup)
        fleet.start()
        asyncio.run(keep(fleet, 3))
        assert epochs(fleet) == (41, 41)
        asyncio.run(keep(fleet, 4))
        assert fleet.interrupt() == 0

        # An older backup of the store: what was saved since is gone, the room starts above both.
        shutil.copy(backup, fleet.data / "store.db")
        fleet.start()
        asyncio.run(keep(fleet, 3))
        assert epochs(fleet) == (43, 43)

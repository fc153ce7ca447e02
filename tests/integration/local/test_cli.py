"""roomfleet apply, get, describe and delete against a server, as a user types them."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from roomfleet.cli.main import main
from roomfleet.wire.version import __version__
from support.manifests import manifest

TOWN = """\
apiVersion: roomfleet.io/v1alpha1
kind: Room
metadata:
  name: town
  labels: {part: old}
spec:
  map: map1.room1
"""
VILLAGE = TOWN.replace("town", "village").replace("old", "new")


@pytest.fixture
def cli(served: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command line; its exit status, output and errors."""
    monkeypatch.setenv("ROOMFLEET_SERVER", served.url)
    monkeypatch.delenv("ROOMFLEET_NAMESPACE", raising=False)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def town(tmp_path: Path) -> Path:
    path = tmp_path / "town.yaml"
    path.write_text(TOWN)
    return path


def test_a_manifest_is_created_then_unchanged_then_configured(cli: Any, town: Path) -> None:
    assert cli("apply", "-f", town) == (0, "room.roomfleet.io/town created\n", "")
    assert cli("apply", "-f", town) == (0, "room.roomfleet.io/town unchanged\n", "")
    town.write_text(TOWN + "  capacity: 5\n")
    assert cli("apply", "-f", town, "--dry-run=server")[1] == (
        "room.roomfleet.io/town configured (server dry run)\n"
    )
    assert cli("apply", "-f", town) == (0, "room.roomfleet.io/town configured\n", "")


def test_a_status_that_changed_meanwhile_does_not_count_as_configured(
    cli: Any, town: Path, served: Any
) -> None:
    cli("apply", "-f", town)
    served.run(lambda objects: objects.patch_status("rooms", "town", {"status": {"players": 1}}))
    assert cli("apply", "-f", town)[1] == "room.roomfleet.io/town unchanged\n"


def test_a_folder_and_several_documents_are_applied_past_one_that_is_refused(
    cli: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(f"{TOWN}---\n{VILLAGE}  capacity: 0\n")
    (tmp_path / "b.yaml").write_text(TOWN.replace("town", "forest"))
    status, out, err = cli("apply", "-f", tmp_path)
    assert status == 1
    assert out == "room.roomfleet.io/town created\nroom.roomfleet.io/forest created\n"
    assert err == (
        f'{tmp_path}/a.yaml:9: The Room "village" is invalid: spec.capacity: Invalid value: 0: '
        "spec.capacity in body should be greater than or equal to 1\n"
    )


def test_standard_input_is_applied(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(TOWN))
    assert cli("apply", "-f", "-")[1] == "room.roomfleet.io/town created\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TOWN + "  capasity: 1\n",
            'town.yaml:1: Error from server (BadRequest): Room in version "v1alpha1" cannot',
        ),
        (TOWN.replace("kind: Room", "kind: Rom"), 'town.yaml:1: error: no matches for kind "Rom" in version'),
        (TOWN.replace("name: town", "nam: town"), "town.yaml:1: error: resource name may not be empty"),
        (TOWN + "  map: again\n", 'town.yaml:8: key "map" already set in map'),
        (
            TOWN.replace("  name: town\n", "  name: town\n  namespace: chess\n"),
            'serves the game "walkabout" alone',
        ),
        ("", "error: no objects in "),
        ("a: [", "town.yaml:1: "),
    ],
)
def test_a_manifest_that_cannot_be_is_told_with_its_place(
    cli: Any, town: Path, text: str, message: str
) -> None:
    town.write_text(text)
    status, out, err = cli("apply", "-f", town)
    assert (status, out) == (1, "")
    assert message in err
    assert "Traceback" not in err


def test_several_faults_are_listed(cli: Any, town: Path) -> None:
    town.write_text(TOWN + "  capacity: 0\n  keep: Maybe\n")
    err = cli("apply", "-f", town)[2]
    assert 'The Room "town" is invalid: \n* spec.capacity: ' in err
    assert "\n* spec.keep: Unsupported value: " in err


def test_rooms_are_got_as_a_table(cli: Any, town: Path, served: Any) -> None:
    cli("apply", "-f", town)
    status = {"phase": "Running", "players": 2, "waiting": 0, "node": "n-0", "epoch": 1}
    served.run(lambda objects: objects.patch_status("rooms", "town", {"status": status}))
    for called in (["rooms"], ["rm"], ["room", "town"], ["room/town"]):
        code, out, _ = cli("get", *called)
        heads, line = out.splitlines()
        assert (code, heads.split()) == (0, ["NAME", "PHASE", "PLAYERS", "WAITING", "NODE", "SAVED", "AGE"])
        assert line.split()[:5] == ["town", "Running", "2", "0", "n-0"]
    assert (
        cli("get", "rooms", "-o", "wide")[1]
        .splitlines()[0]
        .endswith("FLEET     MAP          EPOCH   MESSAGE")
    )
    assert len(cli("get", "rooms", "--no-headers")[1].splitlines()) == 1


def test_other_forms_can_be_asked_for(cli: Any, town: Path) -> None:
    town.write_text(f"{TOWN}---\n{VILLAGE}")
    cli("apply", "-f", town)
    assert cli("get", "rooms", "-o", "name")[1] == "room.roomfleet.io/town\nroom.roomfleet.io/village\n"
    assert json.loads(cli("get", "room", "town", "-o", "json")[1])["metadata"]["name"] == "town"
    listed = yaml.safe_load(cli("get", "rooms", "-o", "yaml")[1])
    assert (listed["kind"], len(listed["items"])) == ("List", 2)
    assert cli("get", "rooms", "-l", "part=new", "-o", "name")[1] == "room.roomfleet.io/village\n"


def test_what_was_got_can_be_applied_again(cli: Any, town: Path, served: Any) -> None:
    cli("apply", "-f", town)
    served.run(lambda objects: objects.patch_status("rooms", "town", {"status": {"players": 1}}))
    town.write_text(cli("get", "room", "town", "-o", "yaml")[1])
    assert cli("apply", "-f", town)[:2] == (0, "room.roomfleet.io/town unchanged\n")


def test_a_category_shows_each_kind_in_a_table_of_its_own(cli: Any, town: Path, served: Any) -> None:
    cli("apply", "-f", town)
    served.run(lambda objects: objects.apply(manifest("RoomFleet", "default")))
    first, second = cli("get", "roomfleet-all")[1].split("\n\n")
    assert first.splitlines()[1].startswith("roomfleet.roomfleet.io/default   ")
    assert second.splitlines()[1].startswith("room.roomfleet.io/town   ")
    assert cli("get", "roomfleet", "default", "-o", "name")[1] == "roomfleet.roomfleet.io/default\n"
    assert "you must specify only one resource" in cli("get", "roomfleet-all", "default")[2]


def test_what_is_not_there_is_told(cli: Any, town: Path) -> None:
    assert cli("get", "rooms") == (0, "", "No resources found in walkabout namespace.\n")
    missing = 'Error from server (NotFound): rooms.roomfleet.io "nix" not found\n'
    assert cli("get", "room", "nix") == (1, "", missing)
    assert cli("describe", "room", "nix") == (1, "", missing)
    assert cli("delete", "room", "nix") == (1, "", missing)
    assert cli("delete", "room", "nix", "--ignore-not-found") == (0, "", "")
    cli("apply", "-f", town)
    code, out, err = cli("get", "room", "nix", "town")
    assert (code, len(out.splitlines()), err) == (1, 2, missing)
    assert cli("get", "pods")[2].startswith('error: the server doesn\'t have a resource type "pods"')


def test_objects_are_described(cli: Any, town: Path) -> None:
    town.write_text(f"{TOWN}---\n{VILLAGE}")
    cli("apply", "-f", town)
    code, out, _ = cli("describe", "room", "town")
    assert code == 0
    assert re.search(r"^Name: +town\nNamespace: +walkabout\nLabels: +part=old\n", out)
    assert re.search(r"^Age: +\d+[a-z]", out, re.MULTILINE)
    assert re.search(r"^  Bored After Seconds: +60$", out, re.MULTILINE)
    assert cli("describe", "rooms")[1].count("Name:  ") == 2


def test_objects_are_deleted_by_name_and_by_manifest(cli: Any, town: Path) -> None:
    town.write_text(f"{TOWN}---\n{VILLAGE}")
    cli("apply", "-f", town)
    deleted = 'room.roomfleet.io "town" deleted from walkabout namespace\n'
    assert cli("delete", "room/town") == (0, deleted, "")
    code, out, err = cli("delete", "-f", town)
    assert (code, out, err.count("not found")) == (1, deleted.replace("town", "village"), 1)
    for wrong in (["delete"], ["delete", "rooms"], ["delete", "room/a", "-f", town]):
        assert cli(*wrong)[0] == 1


def test_objects_are_scaled(cli: Any, served: Any) -> None:
    served.run(lambda objects: objects.apply(manifest("RoomFleet", "default", minNodes=1, maxNodes=3)))
    dungeon = manifest("InstancedRoom", "dungeon", template={"spec": {"map": "m.r"}}, maxInstances=3)
    served.run(lambda objects: objects.apply(dungeon))
    assert cli("scale", "rfleet/default", "--replicas=2") == (
        *(0, "roomfleet.roomfleet.io/default scaled\n", ""),
    )
    assert cli("scale", "iroom", "dungeon", "--replicas", "3")[1] == (
        "instancedroom.roomfleet.io/dungeon scaled\n"
    )
    assert served.run(lambda objects: objects.get("roomfleets", "default"))["spec"]["minNodes"] == 2
    assert served.run(lambda objects: objects.get("instancedrooms", "dungeon"))["spec"]["warm"] == 3


def test_scaling_what_is_not_kept_warm_says_why(cli: Any, served: Any) -> None:
    template = {"spec": {"map": "m.r"}}
    boathouse = manifest("InstancedRoom", "boathouse", template=template, keepData=True)
    served.run(lambda objects: objects.apply(boathouse))
    scaled = "instancedroom.roomfleet.io/boathouse scaled\n"
    assert cli("scale", "iroom/boathouse", "--replicas=2") == (
        0,
        scaled,
        "Warning: no instances are kept warm: with keepData and whenBored: Delete the saved data of a key"
        " hang on the name that is made from it; whenBored: Sleep goes with warm\n",
    )
    assert cli("scale", "iroom/boathouse", "--replicas=0") == (0, scaled, "")
    sleeps = manifest("InstancedRoom", "sleeps", template=template, keepData=True, whenBored="Sleep")
    served.run(lambda objects: objects.apply(sleeps))
    assert cli("scale", "iroom/sleeps", "--replicas=2")[2] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rfleet/default", "--replicas=4"), 'The RoomFleet "default" is invalid: spec.minNodes: '),
        (("rfleet/default", "--replicas=4"), "lower minNodes or raise maxNodes"),
        (("rfleet/other", "--replicas=1"), 'roomfleets.roomfleet.io "other" not found'),
        (("room/town", "--replicas=1"), "rooms cannot be scaled: instancedrooms and roomfleets can"),
        (("rfleet", "--replicas=1"), "name the roomfleets to scale"),
    ],
)
def test_what_cannot_be_scaled_is_told(
    cli: Any, served: Any, arguments: tuple[str, ...], message: str
) -> None:
    served.run(lambda objects: objects.apply(manifest("RoomFleet", "default", minNodes=1, maxNodes=3)))
    status, out, err = cli("scale", *arguments)
    assert (status, out) == (1, "")
    assert message in err


def test_no_server_is_one_clear_line(cli: Any, town: Path) -> None:
    for command in (["get", "rooms"], ["apply", "-f", town], ["get", "rooms", "-w"], ["delete", "room/x"]):
        code, out, err = cli("--server", "http://127.0.0.1:1", *command)
        assert (code, out) == (1, "")
        assert err.startswith("cannot reach http://127.0.0.1:1 (")
        assert 'is "make up" running there? Else say where, with --server or ROOMFLEET_SERVER' in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://x:y", "http://x:99999"])
def test_what_is_no_url_is_told(cli: Any, url: str) -> None:
    code, _, err = cli("--server", url, "get", "rooms")
    assert (code, err.count("\n")) == (1, 1)


def test_another_kind_of_server_is_told(cli: Any, served: Any) -> None:
    code, _, err = cli("--server", f"{served.url}/elsewhere", "get", "rooms")
    assert code == 1
    assert "is this a roomfleet server? (--server)" in err


def test_the_game_is_asked_for_only_when_it_is_not_plain(cli: Any, served: Any, town: Path) -> None:
    served.games = ["walkabout", "chess"]
    code, _, err = cli("get", "rooms")
    assert (code, "serves 2 games (walkabout, chess): choose one by -n" in err) == (1, True)
    assert cli("-n", "walkabout", "get", "rooms")[0] == 0
    assert (
        cli("get", "rooms", "-n", "chess")[2]
        == 'Error from server (NotFound): namespaces "chess" not found\n'
    )


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"roomfleet {__version__}\n"


def test_a_watch_prints_changes_until_interrupted(served: Any) -> None:
    environment = {**os.environ, "ROOMFLEET_SERVER": served.url}
    command = [sys.executable, "-c", "import sys; from roomfleet.cli.main import main; sys.exit(main())"]
    served.run(lambda objects: objects.apply(manifest()))
    with subprocess.Popen(
        [*command, "get", "rooms", "-w"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().split()[:2] == ["NAME", "PHASE"]
        assert process.stdout.readline().split()[0] == "town"
        served.run(lambda objects: objects.patch_status("rooms", "town", {"status": {"phase": "Queued"}}))
        assert process.stdout.readline().split()[:2] == ["town", "Queued"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""

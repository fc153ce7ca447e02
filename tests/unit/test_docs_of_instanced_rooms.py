"""docs/instanced-rooms.md: the manifest on the page is one that the sample game can run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from roomfleet.master.local.objects import Objects
from support.running import REPOSITORY, WALKABOUT

PAGE = (REPOSITORY / "docs" / "instanced-rooms.md").read_text()


def test_the_manifest_is_taken_and_fits_the_sample_game(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    made = Objects(tmp_path, game="walkabout").apply(yaml.safe_load(text)).object
    child = made["spec"]["template"]["spec"]
    maps = json.loads((WALKABOUT / "maps" / f"{child['map'].partition('.')[0]}.json").read_text())
    assert child["map"] in maps["rooms"]
    module, _, cls = child["script"].partition(":")
    assert f"class {cls}(" in (WALKABOUT / f"{module.replace('.', '/')}.py").read_text()


def test_the_fields_of_the_page_are_those_of_the_kind(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    (kind,) = (kind for kind in Objects(tmp_path, game="walkabout").kinds if kind.kind == "InstancedRoom")
    assert set(rows) == set(kind.schema["properties"]["spec"]["properties"])

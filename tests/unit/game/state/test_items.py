"""The item registry: categories from files, search by fields, errors with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from roomfleet.game import ItemRegistry, NoSuchItem
from roomfleet.game.state.items import ItemError, read_items

TOOLS = """
# what one works with
axe: {name: Axe, weight: 3, stack: 1, tags: [metal, sharp]}
rope:
  weight: 0.5
  stack: 5
  made: {of: hemp}
"""


def folder(path: Path, **files: str) -> Path:
    """Files by their name with `_` for the dot."""
    items = path / "items"
    items.mkdir()
    for name, text in files.items():
        (items / name.replace("_", ".")).write_text(text)
    return items


def test_files_are_categories(tmp_path: Path) -> None:
    items = ItemRegistry.load(
        folder(tmp_path, tools_yaml=TOOLS, food_json='{"apple": {"heals": 2}}', notes_txt="x")
    )
    assert items.categories == ["food", "tools"]
    assert [each.id for each in items] == ["apple", "axe", "rope"]
    axe = items["axe"]
    assert (axe.name, axe.category, axe.weight, axe.stack, axe["tags"]) == (
        "Axe",
        "tools",
        3.0,
        1,
        ["metal", "sharp"],
    )
    assert (items["rope"].name, items["rope"]["made"], items["apple"].get("heals")) == (
        "rope",
        {"of": "hemp"},
        2,
    )
    assert items["apple"].get("tags") is None
    assert ("axe" in items, "ox" in items, len(items), items.get("ox")) == (True, False, 3, None)
    with pytest.raises(NoSuchItem, match=r"no item type 'ax'; did you mean 'axe'\?"):
        items["ax"]


def test_search_by_fields(tmp_path: Path) -> None:
    items = ItemRegistry.load(folder(tmp_path, tools_yaml=TOOLS, food_json='{"apple": {"weight": 0.2}}'))

    def found(*category: str, **fields: object) -> list[str]:
        return [each.id for each in items.search(*category, **fields)]

    assert found("tools") == ["axe", "rope"]
    assert found(tags="metal") == found("tools", name="Axe") == found(tags=["metal", "sharp"]) == ["axe"]
    assert found(weight=lambda weight: weight < 1) == ["apple", "rope"]
    assert found("tools", weight=lambda weight: weight < 1, stack=5) == ["rope"]
    assert found(colour=None) == found("toys") == []


@pytest.mark.parametrize(
    ("name", "text", "problem", "line"),
    [
        (
            "a_json",
            '{"axe": {}\n "rope": {}}',
            "items/a.json: not JSON: Expecting ',' delimiter at line 2",
            2,
        ),
        ("a_yaml", "axe: {}\nrope: [\n", "items/a.yaml: not YAML: ", 3),
        (
            "a_yaml",
            "axe: {}\nrope: {}\naxe: {weight: 1}\n",
            "items/a.yaml: axe: stands twice in this file",
            3,
        ),
        ("a_json", '{"axe": {}, "axe": {}}', "items/a.json: axe: stands twice", None),
        ("a_yaml", "- axe\n", "items/a.yaml: must be an object of item types by id, not a list", None),
        ("a_yaml", "axe: 3\n", "items/a.yaml: axe: must be an object of fields, not a number", None),
        (
            "a_yaml",
            "axe: {weight: -1}\n",
            "items/a.yaml: axe.weight: must be a number, 0 or more, not -1",
            None,
        ),
        ("a_yaml", "axe: {stack: 0}\n", "items/a.yaml: axe.stack: must be a whole number, 1 or more", None),
        ("a_yaml", "axe: {born: 2020-01-02}\n", "items/a.yaml: axe.born: date", None),
        ("a_yaml", "axe: {id: ox}\n", "items/a.yaml: axe.id: is not to be said", None),
        ("a_yaml", "3: {}\n", "items/a.yaml: 3: an id is a text", None),
    ],
)
def test_a_broken_file_is_told_with_its_place_and_harms_no_other(
    tmp_path: Path, name: str, text: str, problem: str, line: int | None
) -> None:
    where = folder(tmp_path, z_json='{"apple": {}}', **{name: text})
    registry, [error] = read_items(where)
    assert str(error).startswith(problem)
    assert error.line == line
    assert "apple" in registry
    with pytest.raises(ItemError):
        ItemRegistry.load(where)


def test_an_id_is_in_one_category_only(tmp_path: Path) -> None:
    _, [error] = read_items(folder(tmp_path, a_yaml="axe: {}", b_yaml="axe: {}"))
    assert str(error) == "items/b.yaml: axe: this id is in the category 'a' already: ids are unique"


def test_no_folder_is_no_items_and_an_empty_file_is_an_empty_category(tmp_path: Path) -> None:
    assert len(ItemRegistry.load(tmp_path / "none")) == 0
    assert len(ItemRegistry.load(folder(tmp_path, a_yaml="# later\n"))) == 0

"""Reads manifests: YAML as kubectl understands it, several documents a file, files of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SUFFIXES = (".yaml", ".yml", ".json")
"""What files of a folder are read, as `kubectl apply -f FOLDER` does."""
MAX_DEPTH = 100
MAX_VALUES = 100_000
"""How deep and how large one document may be."""


class BadManifest(Exception):
    """A file that is no manifest; the text names file and line, and says what is wrong."""


@dataclass(frozen=True)
class Document:
    """One YAML document: its content, and where it begins (`file:line`)."""

    content: dict[str, Any]
    source: str


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads scalars as kubectl does and refuses a key given twice.

    Against YAML 1.1 as PyYAML has it: no dates (they stay text), no base 60, and numbers like 1e3.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=deep)
            if isinstance(key, bool):
                # kubectl would make "true" of a bare y: nobody means that.
                meant = "true" if key else "false"
                text = f'key {key_node.value} means {meant} in YAML: write "{key_node.value}" in quotes'
                raise yaml.constructor.ConstructorError(None, None, text, key_node.start_mark)
            if isinstance(key, int | float):
                key = str(key)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, "keys have to be text", key_node.start_mark
                )
            if key in mapping:
                raise yaml.constructor.ConstructorError(
                    None, None, f'key "{key}" already set in map', key_node.start_mark
                )
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping


def _construct_map(loader: _Loader, node: yaml.Node) -> Iterable[dict[Any, Any]]:
    data: dict[Any, Any] = {}
    yield data
    assert isinstance(node, yaml.MappingNode)
    data.update(loader.construct_mapping(node))


def _construct_bool(loader: _Loader, node: yaml.Node) -> bool:
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node).lower() in ("y", "yes", "true", "on")


def _construct_int(loader: _Loader, node: yaml.Node) -> int:
    assert isinstance(node, yaml.ScalarNode)
    text = loader.construct_scalar(node).replace("_", "")
    if re.fullmatch(r"[-+]?0[0-7]+", text):
        return int(text, 8)
    return int(text, 0)


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)
_Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
for _tag, _pattern, _first in (
    (
        "bool",
        r"y|Y|n|N|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
        "yYnNtTfFoO",
    ),
    ("int", r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def measure(content: Any) -> None:
    """Raises ValueError for what is nested too deeply or, with its aliases written out, too large."""
    left = MAX_VALUES
    level = [content]
    for _ in range(MAX_DEPTH):
        left -= len(level)
        if left < 0:
            raise ValueError(f"more than {MAX_VALUES} values")
        level = [
            below
            for value in level
            if isinstance(value, dict | list)
            for below in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def read_documents(text: str, source: str) -> list[Document]:
    """All documents of a file's text that are not empty. Raises BadManifest.

    A `List` object stands for its items, as with kubectl.
    """
    documents: list[Document] = []
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        raise BadManifest(f"{source}: not YAML: a character {error.character:#x} is in it") from error
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # check_node() said so
            where = f"{source}:{node.start_mark.line + 1}"
            content = loader.construct_document(node)
            measure(content)
            documents += _items(content, where)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadManifest(f"{source}:{line}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadManifest(f"{source}: not YAML: {error}") from error
    finally:
        loader.dispose()
    return documents


def _items(content: Any, where: str) -> list[Document]:
    if content is None:
        return []
    if not isinstance(content, dict):
        raise BadManifest(f"{where}: an object is needed here, not {type(content).__name__}")
    for field in ("apiVersion", "kind"):
        if not isinstance(content.get(field), str) or not content[field]:
            raise BadManifest(f"{where}: {field} is not set: every object says what it is")
    if content["kind"].endswith("List") and isinstance(content.get("items"), list):
        return [found for item in content["items"] for found in _items(item, where)]
    return [Document(content, where)]


def read_path(path: Path) -> list[Document]:
    """The documents of a file, or of all YAML and JSON files of a folder in the order of their names.

    Raises BadManifest, also for what cannot be read.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
    else:
        files = [path]
    documents: list[Document] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise BadManifest(f"{file}: not UTF-8 text: {error.reason} at byte {error.start}") from error
        except OSError as error:
            raise BadManifest(f"{file}: {error.strerror}") from error
        documents += read_documents(text, str(file))
    return documents

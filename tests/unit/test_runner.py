"""The runner: an effect that cannot be carried out takes no other along, held back for the lease or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from roomfleet.master import runner as module
from roomfleet.master.adapter import Adapter
from roomfleet.master.core import Core, Key
from roomfleet.master.core.effects import CreateNode, DeleteNode, Effect
from roomfleet.master.core.events import Event, Tick
from roomfleet.master.runner import Runner
from roomfleet.wire.settings import Settings
from roomfleet.wire.tickets import SigningKey

WANTED: list[Effect] = [CreateNode(Key("game", f"default-{number}"), "default") for number in range(3)]


class Wants(Core):
    """A core that wants the same whatever happens."""

    def handle(self, event: Event, now: float) -> list[Effect]:
        return list(WANTED)

    def next_due(self) -> float | None:
        return None


class Nodes:
    """An adapter whose second node cannot be made."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def create_node(self, effect: CreateNode) -> None:
        if effect.node.name == "default-1":
            raise ZeroDivisionError("poison")
        self.made.append(effect.node.name)

    def delete_node(self, effect: DeleteNode) -> None: ...


@pytest.mark.parametrize("held", [False, True])
def test_what_cannot_be_carried_out_is_counted_and_the_rest_is_done(
    held: bool, monkeypatch: pytest.MonkeyPatch, expect_error_log: Callable[[str], None]
) -> None:
    expect_error_log("could not carry out CreateNode")
    monkeypatch.setattr(module, "HELD_SECONDS", 0.001)

    async def main() -> None:
        core, nodes, may_act = Wants(Settings(), seed=1, now=0.0), Nodes(), not held
        key, adapter = SigningKey.from_seed(bytes(32)), cast(Adapter, nodes)
        runner = Runner(core, adapter, key, lambda: 0.0, lambda: may_act)
        runner.handle(Tick())
        assert nodes.made == ([] if held else ["default-0", "default-2"])
        may_act = True
        async with asyncio.timeout(10):
            while len(nodes.made) < 2:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.001)
        assert nodes.made == ["default-0", "default-2"]
        assert core.counted.failures["effect"] == 1
        runner.stop()

    asyncio.run(main())

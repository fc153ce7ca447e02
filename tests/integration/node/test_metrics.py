"""What a node shows at /metrics, over a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from roomfleet.node.measuring.meters import IN
from roomfleet.node.measuring.metrics import METRICS
from roomfleet.store import StoreUnavailable
from roomfleet.wire.link import RoomPhase
from roomfleet.wire.spec import RoomSpec
from roomfleet.wire.version import __version__
from support.hosted import Hosted, soon
from support.scraped import Scraped, families, scraped
from support.takeover import taken_over

ALPHA = RoomSpec(map="map1.alpha", script="trial.rooms:Place")
BETA = RoomSpec(map="map1.beta", script="trial.rooms:Place")


async def fetch(on: Hosted, path: str = "/metrics", **headers: str) -> HTTPResponse:
    url = on.node.url.replace("ws://", "http://") + path
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return await AsyncHTTPClient().fetch(url, headers=named, raise_error=False)


async def metrics(on: Hosted) -> Scraped:
    answer = await fetch(on)
    assert answer.code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return scraped(answer.body)


def test_every_metric_is_there_from_the_start_and_no_other(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        shown = {name for name in families((await fetch(on)).body) if not name.startswith("process_")}
        assert shown == {metric.name for metric in METRICS}
        found = await metrics(on)
        assert found["roomfleet_node_info"] == {("node", "trial", "node-0", __version__): 1}
        assert found["roomfleet_node_link_up"][()] == 0
        assert found["roomfleet_node_saves_total"][("failed",)] == 0, "there to be compared with later"

    on_a_node(test)


def test_rooms_players_and_saves_are_counted(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha, beta = await on.runs("alpha", ALPHA), await on.runs("beta", BETA)
        ada = await on.enters(alpha, "ada")
        alpha.call("ada", 1, "keep", {"value": 9})
        await soon(lambda: "result" in ada.types())
        found = await metrics(on)
        assert found["roomfleet_node_rooms"] == {("running",): 2, ("starting",): 0, ("stopping",): 0}
        assert (found["roomfleet_node_players"][()], found["roomfleet_node_resumable"][()]) == (1, 0)
        saves = found["roomfleet_node_saves_total"][("saved",)]
        assert saves >= 3
        assert found["roomfleet_node_save_seconds_count"][()] == saves
        assert found["roomfleet_node_save_changes_sum"][()] >= 1
        alpha.visits.dropped("ada", ada)
        assert (await metrics(on))["roomfleet_node_resumable"][()] == 1
        assert beta.phase is RoomPhase.RUNNING

    on_a_node(test)


def test_what_cannot_be_saved_grows_old_and_is_counted(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        await on.enters(alpha, "ada")
        on.store.trouble = lambda name, args: (
            StoreUnavailable("by the test") if name == "commit_room" else None
        )
        alpha.call("ada", 1, "note", {"value": 1})
        await soon(lambda: alpha.saver is not None and not alpha.saver.ok)
        await asyncio.sleep(0.1)  # so old it is at least
        found = await metrics(on)
        assert found["roomfleet_node_saves_total"][("failed",)] >= 1
        assert found["roomfleet_node_rooms_not_saving"][()] == 1
        assert found["roomfleet_node_unsaved_age_seconds"][()] >= 0.1
        on.store.trouble = lambda name, args: None
        await soon(lambda: alpha.saver is not None and alpha.saver.ok)
        assert (await metrics(on))["roomfleet_node_rooms_not_saving"][()] == 0

    on_a_node(test)


def test_a_fence_counts_the_room_and_the_actors_whose_changes_it_cost(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha, beta = await on.runs("alpha", ALPHA), await on.runs("beta", BETA)
        await on.enters(alpha, "ada")
        await on.enters(alpha, "bob")
        await on.enters(beta, "cleo")
        await soon(lambda: alpha.saver.unsaved_since is None and beta.saver.unsaved_since is None)  # type: ignore[union-attr]
        await taken_over(on, "alpha", 5)
        alpha.call("ada", 1, "note", {"value": 1})
        alpha.call("bob", 1, "keep", {"value": 1})
        await soon(lambda: alpha.phase is RoomPhase.FENCED)
        # Found out by itself, with nothing to save at the moment.
        await taken_over(on, "beta", 5)
        await soon(lambda: beta.phase is RoomPhase.FENCED)
        found = await metrics(on)
        assert found["roomfleet_node_rooms_fenced_total"][()] == 2
        assert found["roomfleet_node_changes_lost_total"][()] == 2
        assert found["roomfleet_node_saves_total"][("fenced",)] >= 1

    on_a_node(test)


def test_a_room_that_is_lost_while_it_stops_counts_too(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        await on.enters(alpha, "ada")
        await taken_over(on, "alpha", 5)
        on.unwant("alpha")
        await soon(lambda: alpha.phase is RoomPhase.FENCED)
        found = await metrics(on)
        assert found["roomfleet_node_rooms_fenced_total"][()] == 1
        assert found["roomfleet_node_changes_lost_total"][()] == 1, "ada's leaving was not saved"

    on_a_node(test)


def test_actors_that_go_and_come_and_seats_that_were_not_to_be_had_are_counted(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha, beta = await on.runs("alpha", ALPHA), await on.runs("beta", BETA)
        ada = await on.enters(alpha, "ada")
        assert alpha.live is not None
        alpha.call("ada", 1, "send", {"name": "dog", "room": "beta", "wake": False})
        await soon(lambda: on.node.meters.travels[IN, "npc"] == 1)
        alpha.call("ada", 2, "go", {"room": "nowhere"})
        await soon(lambda: {2} & {message.get("id") for message in ada.heard})
        found = await metrics(on)
        assert found["roomfleet_node_travels_total"] == {
            ("npc", "in"): 1,
            ("npc", "out"): 1,
            ("player", "in"): 0,
            ("player", "out"): 0,
        }
        assert found["roomfleet_node_seats_total"] == {("granted",): 0, ("refused",): 1}
        assert beta.phase is RoomPhase.RUNNING

    on_a_node(test, join_timeout_seconds=0.1)  # without a master a seat is waited for that long


def test_clients_that_are_put_out_for_being_slow_are_counted(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        alpha = await on.runs("alpha", ALPHA)
        slow, quick = await on.enters(alpha, "slow"), await on.enters(alpha, "quick")
        slow.busy = True
        for number in range(10_000):
            if slow.ended:
                break
            alpha.call("quick", number, "note", {"value": number})
            alpha.call("quick", number, "walk", {"x": 10.0 + number % 50, "y": 150.0})
            await asyncio.sleep(0.02)
        assert not quick.ended
        assert (await metrics(on))["roomfleet_node_slow_clients_total"][()] == 1

    on_a_node(test, slow_client_seconds=0.3)


def test_metrics_are_for_nobody_who_comes_by_a_proxy(on_a_node: Any) -> None:
    async def test(on: Hosted) -> None:
        for header in ("X_Forwarded_For", "X_Real_Ip", "Forwarded", "Via"):
            answer = await fetch(on, **{header: "203.0.113.9"})
            assert answer.code == 403
            assert b"roomfleet_node" not in answer.body

    on_a_node(test)

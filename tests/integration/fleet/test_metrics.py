"""/metrics of a fleet that really runs: the master's on both its ports, the nodes' on theirs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from roomfleet.client import Client
from roomfleet.master.api.application import make_application
from roomfleet.master.api.context import Context
from roomfleet.master.api.identity import Anonymous
from roomfleet.master.api.link import LinkServer
from roomfleet.master.api.origins import Origins
from roomfleet.wire.settings import Settings
from support.raw import ask
from support.running import eventually, running
from support.scraped import Scraped, scraped
from support.small_game import small_game

GAME = "measured"


async def codes(application: Application, *paths: str) -> list[int]:
    """What it answers to each."""
    server, sockets = HTTPServer(application), bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    answers = [await AsyncHTTPClient().fetch(url + path, raise_error=False) for path in paths]
    server.stop()
    await server.close_all_connections()
    return [answer.code for answer in answers]


def test_a_player_who_gets_in_and_changes_something_shows_on_master_and_node(tmp_path: Path) -> None:
    async def play(url: str) -> None:
        async with Client(url, game=GAME, token="ada") as ada:
            await ada.join("hall")
            await ada.call("tap")
            await asyncio.to_thread(eventually, shown, what="the player in the metrics")

    with running(small_game(tmp_path / GAME, {"hall": {}, "den": {}}), tmp_path / "data") as fleet:

        def master() -> Scraped:
            answer = ask(fleet.url + "/metrics")
            assert answer.status == 200
            return scraped(answer.text)

        def shown() -> bool:
            return master()["roomfleet_players"] == {("default", GAME): 1}

        asyncio.run(play(fleet.url))
        found = master()
        assert found["roomfleet_joins_total"][("player", GAME, "admitted")] == 1
        assert found["roomfleet_rooms"][("default", GAME, "Running")] == 1
        assert found["roomfleet_rooms"][("default", GAME, "Asleep")] == 1
        assert found["roomfleet_nodes"][("default", GAME, "up")] == 1
        assert found["roomfleet_status_writes_total"][("written",)] >= 2
        assert found["roomfleet_queue_work_seconds_sum"][("room",)] > 0
        assert found["roomfleet_lease_held"] == {(): 1}
        node = fleet.get(f"/v1/games/{GAME}/nodes")["nodes"][0]["url"].replace("ws://", "http://")
        counted = scraped(ask(node + "/metrics").text)
        assert counted["roomfleet_node_saves_total"][("saved",)] >= 1
        assert counted["roomfleet_node_link_up"] == {(): 1}
        proxied = ask(fleet.url + "/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
        assert (proxied.status, proxied.json["status"]) == (403, 403)


def test_the_path_of_the_public_url_leads_to_no_metrics_and_the_links_port_does() -> None:
    context = SimpleNamespace(
        settings=Settings(),
        identity=Anonymous(),
        origins=Origins(),
        prefix="/games",
        public_url="https://play.example/games",
        metrics=lambda: b"roomfleet_build_info 1\n",
    )

    async def main() -> None:
        public = make_application(cast(Context, context))
        assert await codes(public, "/metrics", "/games/metrics") == [200, 404]
        assert await codes(LinkServer(cast(Context, context), "secret").application(), "/metrics") == [200]

    asyncio.run(main())

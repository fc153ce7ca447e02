"""Joins the game that `make up` runs, walks to (200, 200), and prints what it sees there."""

import asyncio
import os

from roomfleet.client import Client


async def main() -> None:
    url = os.environ.get("ROOMFLEET_SERVER", "http://127.0.0.1:8080")
    async with Client(url, game="walkabout", token="ada") as player:
        await player.join()
        arrived = await player.call("walk", x=200, y=200)
        print(f"arrived: {arrived}; in {player.room.name} there are")
        for actor in player.actors.values():
            print(f"  {actor['name']} at {player.position_of(actor['id'])}")


asyncio.run(main())

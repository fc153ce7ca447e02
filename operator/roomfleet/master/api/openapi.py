"""The description of the REST side, at `/openapi.json` (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Any

import msgspec

from roomfleet.master.api.context import Context
from roomfleet.master.api.players import PlayerView
from roomfleet.master.api.problems import JsonHandler
from roomfleet.master.api.views import GamesView, HealthView, InstancedRoomList, NodeList, RoomList
from roomfleet.master.core.views import RoomView
from roomfleet.wire.joining import JoinAnswer, JoinBody, Problem, WatchAnswer
from roomfleet.wire.version import __version__

_GAME = {
    "name": "game",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "The game, which is the namespace.",
}


def _path(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": description,
    }


def _query(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"}, "description": description}


def describe(server: str = "/") -> dict[str, Any]:
    """The whole document, of the master at this URL; its schemas are those of the messages themselves."""
    types = (
        *(JoinBody, JoinAnswer, WatchAnswer, Problem),
        *(RoomView, RoomList, InstancedRoomList, NodeList, PlayerView, GamesView, HealthView),
    )
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")

    def content(name: str, media: str = "application/json") -> dict[str, Any]:
        return {media: {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    def gives(description: str, name: str) -> dict[str, Any]:
        return {"description": description, "content": content(name)}

    problem = {
        "description": "No, and why (RFC 9457).",
        "content": content("Problem", "application/problem+json"),
    }
    join_answers = {
        "201": gives("Admitted: connect to url with ticket.", "JoinAnswer"),
        "202": gives("Waiting in line; ask again at Location.", "JoinAnswer"),
        "default": problem,
    }
    join_id = _path("id", "The join's id.")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Roomfleet",
            "version": __version__,
            "description": "Joining rooms, and looking at them.",
        },
        "servers": [{"url": server}],
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "player": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Who the player is. With identity `anonymous`: the name, percent-encoded.",
                }
            },
        },
        "paths": {
            "/v1/games": {
                "get": {"summary": "The games here", "responses": {"200": gives("Games", "GamesView")}}
            },
            "/v1/games/{game}/joins": {
                "parameters": [_GAME],
                "post": {
                    "summary": "Join a room, or go back to where the player's actor is",
                    "security": [{"player": []}],
                    "requestBody": {"content": content("JoinBody")},
                    "responses": join_answers,
                },
            },
            "/v1/games/{game}/joins/{id}": {
                "parameters": [_GAME, join_id],
                "get": {
                    "summary": "Ask again",
                    "security": [{"player": []}],
                    "responses": join_answers,
                },
                "delete": {
                    "summary": "Give up",
                    "security": [{"player": []}],
                    "responses": {"204": {"description": "Given up."}, "default": problem},
                },
            },
            "/v1/games/{game}/play": {
                "parameters": [
                    _GAME,
                    _query("room", "The room."),
                    _query("instanced_room", "Instead: the InstancedRoom whose instance it is to be."),
                    _query("key", "Which instance: a party, a match, a player."),
                    _query("bring", "`true`: the player's actor is brought there from wherever it is."),
                ],
                "get": {
                    "summary": "The same, pushed over a websocket (subprotocol roomfleet.play.v1)",
                    "responses": {
                        "101": {"description": "Say join, then hear waiting, admitted or refused."}
                    },
                },
            },
            "/v1/games/{game}/rooms": {
                "parameters": [_GAME],
                "get": {
                    "summary": "All rooms but instances, which one finds by their keys",
                    "responses": {"200": gives("Rooms", "RoomList"), "default": problem},
                },
            },
            "/v1/games/{game}/rooms/{room}": {
                "parameters": [_GAME, _path("room", "The Room's name.")],
                "get": {
                    "summary": "One room",
                    "responses": {"200": gives("The room", "RoomView"), "default": problem},
                },
            },
            "/v1/games/{game}/rooms/{room}/watches": {
                "parameters": [_GAME, _path("room", "The Room's name.")],
                "post": {
                    "summary": "Watch a running room as an admin: all of it, without being in it",
                    "responses": {
                        "201": gives("Say hello to url with watch: ticket.", "WatchAnswer"),
                        "default": problem,
                    },
                },
            },
            "/v1/games/{game}/instanced-rooms": {
                "parameters": [_GAME],
                "get": {
                    "summary": "All InstancedRooms, for whose instances one can join",
                    "responses": {"200": gives("InstancedRooms", "InstancedRoomList"), "default": problem},
                },
            },
            "/v1/games/{game}/nodes": {
                "parameters": [_GAME],
                "get": {
                    "summary": "All room nodes",
                    "responses": {"200": gives("Nodes", "NodeList"), "default": problem},
                },
            },
            "/v1/games/{game}/players/{player}": {
                "parameters": [_GAME, _path("player", "The player's name, percent-encoded.")],
                "get": {
                    "summary": "Where a player is: for the player, and for admins",
                    "security": [{"player": []}, {}],
                    "responses": {"200": gives("The player", "PlayerView"), "default": problem},
                },
            },
            "/healthz": {
                "get": {
                    "summary": "Whether the master works",
                    "responses": {
                        "200": gives("It does.", "HealthView"),
                        "503": gives("It hangs.", "HealthView"),
                    },
                }
            },
            "/readyz": {
                "get": {
                    "summary": "Whether the master knows its rooms",
                    "responses": {
                        "200": gives("It does.", "HealthView"),
                        "503": gives("Not yet.", "HealthView"),
                    },
                }
            },
        },
    }


class OpenApi(JsonHandler):
    def initialize(self, context: Context) -> None:
        self._server = context.public_url or "/"

    def get(self) -> None:
        self.answer(describe(self._server))

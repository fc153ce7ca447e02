"""Roomfleet's Python client: join a room, hold a copy of what you may see, call commands.

    client     the shell: asyncio and real websockets; start here
    sockets    real websockets for it
    events     one reader's events
    watching   a room as an admin sees it
    bots       players that walk and talk by chance
    session    the whole client as a pure state machine: messages and time in, actions out
    links      one connection to the master or to a node, pure as well
    actions    states, events and actions: what goes in and out of the machine
    join       where the master is asked for a way in
    view       what a player sees of a room
    clock      room time on this side of the wire
    backoff    how long to wait before trying again
    errors     what can go wrong for one who uses it

It behaves as the JavaScript client in `client/js` does: same states, same waits, same recovery.
"""

from roomfleet.client.actions import Ahead, ClientEvent, Invitation, State, StateChanged
from roomfleet.client.bots import Bot, BotReport, run_bots
from roomfleet.client.client import Client
from roomfleet.client.errors import BadAddress, CallError, ClientError, Refused, SessionEnded, WrongState
from roomfleet.client.join import InstanceOf
from roomfleet.client.watching import Watching
from roomfleet.wire.codec import JSON, MSGPACK, Format
from roomfleet.wire.session import Error, Event

__all__ = [
    "JSON",
    "MSGPACK",
    "Ahead",
    "BadAddress",
    "Bot",
    "BotReport",
    "CallError",
    "Client",
    "ClientError",
    "ClientEvent",
    "Error",
    "Event",
    "Format",
    "InstanceOf",
    "Invitation",
    "Refused",
    "SessionEnded",
    "State",
    "StateChanged",
    "Watching",
    "WrongState",
    "run_bots",
]

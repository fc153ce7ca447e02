"""The control link's server: room nodes dial in here, on a port of its own (INTERFACES, Control link)."""

from __future__ import annotations

import asyncio
import hmac
import logging

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from roomfleet.master.answers import claim
from roomfleet.master.api.context import Context
from roomfleet.master.api.joins import Wanted, place_in_line
from roomfleet.master.api.metrics import metrics_handler
from roomfleet.master.core.events import (
    InstanceRequested,
    MarkedFound,
    NodeConnected,
    NodeDisconnected,
    NodeDraining,
    NodeHeard,
    NodeReported,
    Nudged,
    PlayerBrought,
    PlayerFound,
    RoomPrepared,
    RoomsErased,
    SeatCancelled,
    SeatRequested,
)
from roomfleet.master.core.model import Key
from roomfleet.wire.codec import encode
from roomfleet.wire.errors import WireError
from roomfleet.wire.link import (
    SUBPROTOCOL,
    Accepted,
    Brought,
    Draining,
    Erased,
    Found,
    FromNode,
    Hello,
    Locate,
    Marked,
    Nudge,
    Ping,
    Pong,
    Prepared,
    Report,
    Seat,
    ToNode,
    Unfit,
    Unseat,
    from_node,
)

log = logging.getLogger(__name__)

MAX_LINK_BYTES = 64 * 1024 * 1024
"""A hello names every room of the node."""

UNWELCOME = 4003
"""Websocket close code: the hello was refused."""


class LinkServer:
    """All nodes that are connected, and the keys that they announced."""

    def __init__(self, context: Context, secret: str) -> None:
        self.context = context
        self.secret = secret
        self._sockets: set[LinkSocket] = set()
        self._keys: dict[Key, dict[str, str]] = {}
        """Of each node's last boot: good while its link is down, too."""

    def application(self) -> Application:
        return Application(
            [(r"/link", LinkSocket, {"server": self}), metrics_handler(self.context.metrics)],
            websocket_max_message_size=MAX_LINK_BYTES,
            log_function=lambda handler: None,
        )

    def joined(self, socket: LinkSocket, node: Key, keys: dict[str, str]) -> None:
        self._sockets.add(socket)
        self._keys[node] = keys
        self.announce()

    def left(self, socket: LinkSocket) -> None:
        self._sockets.discard(socket)

    def announce(self) -> None:
        """Tell every node the keys and origins that count now."""
        key = self.context.runner.key
        keys = {key.id: key.public}
        for announced in self._keys.values():
            keys.update(announced)
        accepted = Accepted(
            keys=keys,
            master_key=key.id,
            origins=self.context.origins.listed(),
            installation=self.context.installation,
            adopts=self.context.adopts,
        )
        for socket in self._sockets:
            socket.send(accepted)


class LinkSocket(WebSocketHandler):
    """One node."""

    def initialize(self, server: LinkServer) -> None:
        self._server = server
        self._runner = server.context.runner
        self._node: Key | None = None
        self._boot = ""

    def check_origin(self, origin: str) -> bool:
        return False  # nodes are not browsers

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def open(self) -> None:
        self.set_nodelay(True)

    def on_message(self, text: str | bytes) -> None:
        try:
            message = from_node.decode(text)
        except WireError as error:
            log.warning("a node said what is not understood here: %s", error)
            return
        if self._node is None:
            if isinstance(message, Hello):
                self._hello(message)
            else:
                self.close(UNWELCOME, "hello first")
        elif self._runner.links.is_newest(self._node, self._boot, self):
            self._told(self._node, message)
        # Else the node has dialled anew since: what it said before that is older than its hello.

    def _hello(self, hello: Hello) -> None:
        if not hmac.compare_digest(hello.secret.encode(), self._server.secret.encode()):
            log.warning("a node called %s does not know the link's secret", hello.name)
            self.close(UNWELCOME, "wrong link secret")
            return
        self._node, self._boot = Key(hello.game, hello.name), hello.boot
        log.info("node %s (boot %s, version %s) is connected", self._node, self._boot, hello.version)
        self._runner.links.up(self._node, self._boot, self)
        self._server.joined(self, self._node, hello.keys)
        self._runner.handle(
            NodeConnected(
                node=self._node,
                boot=self._boot,
                fleet=hello.fleet,
                capacity=hello.capacity,
                url=hello.url,
                rooms=tuple(hello.rooms),
                draining=hello.draining,
                let_in=hello.let_in,
            )
        )

    def _told(self, node: Key, message: FromNode) -> None:
        boot, handle = self._boot, self._runner.handle
        match message:
            case Ping(load=load):
                handle(NodeHeard(node, boot, load))
                self.send(Pong())
            case Report():
                handle(NodeReported(node, boot, message))
            case Draining():
                log.info("node %s was told to end: its rooms are moved", node)
                handle(NodeDraining(node, boot))
            case Prepared(room=room, problem=problem):
                handle(RoomPrepared(node, boot, room, problem))
            case Seat(room=room, player=player, id=seat, key=instance):
                token = message.line_token
                wanted = Wanted(room, None, None) if instance is None else Wanted(None, room, instance)
                place = (
                    place_in_line(self._server.context, node.game, player, wanted, token) if token else None
                )
                claimed = claim(player, place) if place is not None else None
                handle(SeatRequested(node, boot, seat, player, room, message.session, claimed, instance))
            case Locate(instanced_room=template, key=instance, id=seat):
                handle(InstanceRequested(node, boot, id=seat, template=template, key=instance))
            case Unseat(id=seat):
                handle(SeatCancelled(node, boot, id=seat))
            case Nudge(room=room, wake=wake):
                handle(Nudged(Key(node.game, room), wake))
            case Found(id=find, player=player, room=found):
                if not self._runner.finder.heard(message):
                    handle(PlayerFound(find, found, player))
            case Brought(id=id, room=room):
                handle(PlayerBrought(id, room))
            case Marked(rooms=rooms, awaited=awaited):
                handle(MarkedFound(node, boot, tuple(rooms), tuple(awaited)))
            case Erased(rooms=rooms):
                handle(RoomsErased(node, boot, tuple(rooms)))
            case Unfit(message=why):
                log.error("node %s cannot work here, and ends: %s", node, why)
            case Hello(name=name):
                log.warning("node %s said hello again, as %s: a link is one node's", node, name)
                self.close(UNWELCOME, "hello once")

    def send(self, message: ToNode) -> None:
        try:
            written = asyncio.ensure_future(self.write_message(encode(message)))
        except WebSocketClosedError:
            return
        written.add_done_callback(lambda future: future.cancelled() or future.exception())

    def on_close(self) -> None:
        self._server.left(self)
        if self._node is not None and self._runner.links.down(self._node, self._boot, self):
            log.info("node %s (boot %s) has disconnected", self._node, self._boot)
            self._runner.handle(NodeDisconnected(self._node, self._boot))

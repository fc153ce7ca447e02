"""Frames to one socket: whole, in order, at once or from the buffer, and never an error to the room."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.iostream import IOStream

from roomfleet.node.serving.sending import Pipe, websocket_frame
from support.hosted import payload, soon


@given(size=st.integers(0, 70_000), binary=st.booleans())
def test_a_frame_carries_its_payload_and_says_how_long_it_is(size: int, binary: bool) -> None:
    data = b"x" * size
    frame = websocket_frame(data, binary=binary)
    assert payload(frame) == data
    assert frame[0] == (0x82 if binary else 0x81)
    assert not frame[1] & 0x80, "a server's frames are not masked"


def small_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends with little room between them."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    near = socket.socket()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    far = socket.socket()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    far.connect(server.getsockname())
    near.close()
    near, _ = server.accept()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    server.close()
    return near, far


async def read(far: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    far.setblocking(False)
    data = b""
    while len(data) < size:
        part = await loop.sock_recv(far, 65_536)
        assert part, "the connection ended early"
        data += part
    return data


def on_a_pipe(play: Any) -> None:
    async def run() -> None:
        near, far = small_pair()
        stream = IOStream(near)
        try:
            async with asyncio.timeout(20):
                await play(Pipe(stream), stream, far)
        finally:
            stream.close()
            far.close()

    asyncio.run(run())


def test_frames_arrive_whole_and_in_order_when_the_socket_is_full_in_between() -> None:
    frames = [websocket_frame(bytes([number]) * 9_000, binary=True) for number in range(40)]

    async def play(pipe: Pipe, stream: IOStream, far: socket.socket) -> None:
        for frame in frames:
            pipe.put(frame)
        assert pipe.full
        whole = b"".join(frames)
        assert await read(far, len(whole)) == whole
        await soon(lambda: not pipe.full)

    on_a_pipe(play)


def test_an_offer_is_refused_while_bytes_wait_and_taken_once_they_have_left() -> None:
    big, small = websocket_frame(b"b" * 400_000, binary=True), websocket_frame(b"s", binary=True)

    async def play(pipe: Pipe, stream: IOStream, far: socket.socket) -> None:
        assert pipe.offer(big)
        assert not pipe.offer(small)
        await read(far, len(big))
        await soon(lambda: not pipe.full)
        assert pipe.offer(small)
        assert await read(far, len(small)) == small

    on_a_pipe(play)


def test_what_many_slow_clients_have_not_taken_of_a_shared_frame_is_kept_once() -> None:
    frame = websocket_frame(b"b" * 400_000, binary=True)

    async def play(pipe: Pipe, stream: IOStream, far: socket.socket) -> None:
        pipe.put(frame)
        (_, kept), *more = stream._write_buffer._buffers
        assert not more
        assert isinstance(kept, memoryview)
        assert kept.obj is frame

    on_a_pipe(play)


@pytest.mark.parametrize("full", [False, True])
def test_a_connection_that_broke_is_closed_and_nothing_is_raised(full: bool) -> None:
    frame = websocket_frame(b"b" * 400_000, binary=True)

    async def play(pipe: Pipe, stream: IOStream, far: socket.socket) -> None:
        closed = asyncio.Event()
        stream.set_close_callback(closed.set)
        if full:
            pipe.put(frame)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.close()  # a reset
        while not stream.closed():
            pipe.put(frame)
            await asyncio.sleep(0.001)
        await closed.wait()
        pipe.put(frame)
        assert not pipe.full
        assert not pipe.overfull

    on_a_pipe(play)


def test_more_than_the_limit_unsent_is_overfull() -> None:
    async def play(pipe: Pipe, stream: IOStream, far: socket.socket) -> None:
        pipe.put(b"x" * 8_000_000)
        assert not pipe.overfull
        pipe.put(b"x" * 1_000_000)
        assert pipe.overfull
        pipe.cut()
        assert stream.closed()

    on_a_pipe(play)

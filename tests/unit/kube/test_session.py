"""What kopf gets of a watch that fails."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from roomfleet.master.kube.echoes import Echoes
from roomfleet.master.kube.pauses import Pauses
from roomfleet.master.kube.session import EXPIRED, ListWithoutObjects, WatchStream

ADDED = b'{"type":"ADDED","object":{"metadata":{"name":"ERROR"}}}\n'
PATH = "/apis/roomfleet.io/v1alpha1/rooms"


class Body:
    """A stream in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    async def read(self) -> bytes:
        return b"".join(self.pieces)


def error(code: int) -> bytes:
    status = {"kind": "Status", "code": code, "message": f"trouble {code}"}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"


def read(*pieces: bytes) -> list[bytes]:
    """The lines that kopf gets."""

    async def whole() -> bytes:
        stream = WatchStream(Body(*pieces), PATH, Pauses(0.001, 0.01, 1), Echoes())
        return b"".join([part async for part in stream.iter_chunked(1 << 20)])

    return asyncio.run(whole()).splitlines(keepends=True)


def test_events_pass_as_they_are_however_they_are_cut() -> None:
    whole = ADDED + ADDED + ADDED
    for n in range(1, len(whole)):
        assert read(whole[:n], whole[n:]) == [ADDED] * 3


@pytest.mark.parametrize("code", [500, 429, 504])
def test_an_error_becomes_one_after_which_kopf_begins_anew(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read(ADDED + error(code), ADDED) == [ADDED, EXPIRED]
    (line,) = caplog.messages
    assert f"{PATH} ended with {code} trouble {code}" in line


def test_an_expired_watch_is_nothing_to_talk_about(caplog: pytest.LogCaptureFixture) -> None:
    assert read(error(410)) == [EXPIRED]
    assert caplog.messages == []


@pytest.mark.parametrize(
    "line", [b'{"type":"ADDED","obj', b"<html>Bad Gateway</html>\n", b'{"type":"ERROR","object":null}\n']
)
def test_what_is_no_event_makes_kopf_begin_anew(line: bytes) -> None:
    assert read(ADDED, line) == [ADDED, EXPIRED]


def test_a_last_event_without_the_end_of_its_line_counts() -> None:
    assert read(ADDED, ADDED.rstrip()) == [ADDED, ADDED]


def test_kopf_gets_a_list_without_its_objects_and_without_a_further_page() -> None:
    metadata = {"resourceVersion": "17", "continue": "abc", "remainingItemCount": 9}
    body = json.dumps({"kind": "RoomList", "metadata": metadata, "items": [{"metadata": {}}]}).encode()
    found = json.loads(asyncio.run(ListWithoutObjects(Body(body)).read()))
    assert found["items"] == []
    assert found["metadata"]["resourceVersion"] == "17"
    assert "continue" not in found["metadata"]

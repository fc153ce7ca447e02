"""Which lines of a watch are echoes."""

from __future__ import annotations

import json

import pytest

from roomfleet.master.kube.echoes import REMEMBERED, Echoes


def line(change: str, version: str, **spec: object) -> bytes:
    metadata = {"name": "town", "labels": {"resourceVersion": "7"}, "resourceVersion": version}
    event = {"type": change, "object": {"kind": "Room", "metadata": metadata, "spec": spec}}
    return json.dumps(event).encode() + b"\n"


def test_what_was_written_last_is_an_echo_and_nothing_else() -> None:
    echoes = Echoes()
    echoes.wrote("7")
    lines = [
        line("MODIFIED", "6"),
        line("MODIFIED", "7"),
        line("MODIFIED", "8", resourceVersion="7"),
        line("ADDED", "7"),
        line("DELETED", "7"),
        line("BOOKMARK", "7"),
        b'{"type":"ERROR","object":{"code":410}}\n',
    ]
    assert echoes.without(b"".join(lines)) == b"".join([lines[0], *lines[2:]])
    assert echoes.without(b"") == b""


@pytest.mark.parametrize(
    "broken", [b"<html>", b'{"type":"MODIFIED"}\n', b"[]\n", b'{"type":7,"object":{}}\n']
)
def test_what_is_no_event_passes(broken: bytes) -> None:
    assert Echoes().without(broken) == broken


def test_the_latest_writes_are_remembered_and_not_all_there_ever_were() -> None:
    echoes = Echoes()
    for version in range(10 * REMEMBERED):
        echoes.wrote(str(version))
    assert echoes.has(line("MODIFIED", str(9 * REMEMBERED)))
    assert not echoes.has(line("MODIFIED", "5"))

"""An operator that lacks what it needs says so in one line, and ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.kube import Cluster


def start(cluster: Cluster, folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.kubeconfig),
        "ROOMFLEET_LINK_SECRET": "a secret",
        "ROOMFLEET_DATA": str(folder),
        "ROOMFLEET_PORT": "0",
        "ROOMFLEET_LINK_PORT": "0",
        **changes,
    }
    command = [sys.executable, "-m", "kopf", "run", "-n", "default", "-m", "roomfleet.master.operator"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ROOMFLEET_LINK_SECRET", ""), ("ROOMFLEET_DATA", ""), ("KUBECONFIG", "/nowhere/config")],
)
def test_what_is_missing_is_named_in_one_line(
    cluster: Cluster, tmp_path: Path, variable: str, value: str
) -> None:
    done = start(cluster, tmp_path, **{variable: value})
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert line.startswith("roomfleet master: ")
    assert variable in line


def test_a_port_that_is_taken_is_named_in_one_line(cluster: Cluster, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = start(cluster, tmp_path, ROOMFLEET_PORT=str(port))
    assert done.returncode == 1
    (line,) = (done.stdout + done.stderr).splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "ROOMFLEET_PORT" in line

"""`roomfleet operator`: the operator and two nodes here, against a cluster, as `make operator` starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from pathlib import Path

from support.kube import Cluster
from support.operating import free_port
from support.running import ROOMFLEET, eventually, game_copy


def start(*arguments: str, kubeconfig: Path | None, folder: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    if kubeconfig is not None:
        environment["KUBECONFIG"] = str(kubeconfig)
    environment["HOME"] = str(folder)
    return subprocess.Popen(
        [ROOMFLEET, "operator", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=folder,
        start_new_session=True,
    )


def test_a_game_is_played_with_rooms_of_the_cluster_and_ctrl_c_saves_and_ends_all(
    cluster: Cluster, tmp_path: Path
) -> None:
    namespace = cluster.namespace()
    game = game_copy(tmp_path / namespace)
    port = free_port()
    process = start(str(game), "--port", str(port), kubeconfig=cluster.kubeconfig, folder=tmp_path)
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if "play:" in line:
                break
        assert any("CRDs and 4 objects applied" in line for line in said), said
        url = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"<title>" in page.read()

        def ready_nodes() -> int:
            with urllib.request.urlopen(f"{url}/v1/games/{namespace}/nodes", timeout=10) as answer:
                return sum(node["ready"] for node in json.load(answer)["nodes"])

        eventually(lambda: ready_nodes() == 2, what="two nodes")
        patch = '{"spec":{"keep":"Always"}}'
        cluster.kubectl("-n", namespace, "patch", "room", "town", "--type=merge", "-p", patch)
        cluster.kubectl("-n", namespace, "wait", "--for=condition=Ready", "room/town", "--timeout=20s")
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, [*said, rest]
    assert rest.strip().splitlines() == ["saving", "saved; bye"]


def test_without_a_cluster_one_line_says_what_to_set(tmp_path: Path) -> None:
    game = game_copy(tmp_path / "lost")
    process = start(str(game), kubeconfig=None, folder=tmp_path)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.strip().splitlines()[-1] == (
        "roomfleet operator: no cluster: set KUBECONFIG, or run in a pod with a service account"
    )


def test_a_folder_without_manifests_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    process = start("empty", kubeconfig=None, folder=tmp_path)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said == "roomfleet operator: empty/k8s: no such folder: give a game with its manifests there\n"

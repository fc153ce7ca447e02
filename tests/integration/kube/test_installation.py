"""One database per installation: a master's own namespace says which it is."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from support.kube import Cluster
from support.operating import Operated, operated
from support.small_game import small_game

KEPT = {"kept": {"keep": "Always"}}


def uid(fleet: Operated) -> str:
    found = json.loads(fleet.kubectl("get", "namespace", fleet.game, "-o", "json"))
    return str(found["metadata"]["uid"])


def claimed(store: str) -> list[str]:
    """Every room that was ever claimed in the database."""
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as db:
        return [room for (room,) in db.execute("SELECT id FROM rooms WHERE epoch > 0 ORDER BY id")]


def test_nodes_of_another_installation_are_refused_by_the_database_until_it_is_adopted(
    cluster: Cluster, tmp_path: Path
) -> None:
    source = small_game(tmp_path / "game", KEPT)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with operated(cluster, tmp_path / "one", source=source, nodes=1) as one:
        one.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")
        before = claimed(one.store)
    with operated(cluster, tmp_path / "two", source=source, start=False) as two:
        two.store = one.store
        two.expected_errors = ["cannot work here, and ends: the database"]
        two.kubectl("apply", "-f", str(two.game_dir / "k8s"))
        two.start_operator()
        two.start_node("default-0")
        assert two.nodes["default-0"].wait(20) == 1
        line = (
            f"belongs to installation {uid(one)}, this is installation {uid(two)}: "
            f"give each .*ROOMFLEET_ADOPT_INSTALLATION={uid(one)}\n"
        )
        assert re.search(f"^roomfleet node: .*{line}", two.log("default-0"), re.MULTILINE)
        two.wait_for(lambda: bool(re.search(line, two.log("operator"))), 10, "the master to say it")
        assert len(re.findall(line, two.log("operator"))) == 1
        assert claimed(one.store) == before

        assert two.stop_operator() == 0
        two.environment["ROOMFLEET_ADOPT_INSTALLATION"] = uid(one)
        two.start_operator()
        two.start_node("default-0")
        two.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")
        assert claimed(one.store) == sorted([*before, f"{two.game}/kept"])


def test_a_master_that_may_not_read_its_installation_s_id_says_what_to_do(
    cluster: Cluster, tmp_path: Path
) -> None:
    source = small_game(tmp_path / "game", KEPT)
    with operated(cluster, tmp_path, source=source, start=False) as fleet:
        fleet.expected_errors = ["is this installation's id", "will retry"]
        token = cluster.service_account(fleet.game, "blind", role="roomfleet-tests-blind")
        rules = [
            {"apiGroups": ["roomfleet.io"], "resources": ["*"], "verbs": ["*"]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        ]
        role = {"metadata": {"name": "roomfleet-tests-blind"}, "rules": rules}
        assert cluster.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", role).ok
        fleet.kubeconfig = cluster.write_kubeconfig(tmp_path / "blind", token, fleet.game)
        fleet.kubectl("apply", "-f", str(fleet.game_dir / "k8s"))
        fleet.start_operator(ready=False)
        assert fleet.operator is not None
        assert fleet.operator.wait(30) != 0
        (line,) = re.findall("the operator ends: .*", fleet.log("operator"))
        assert f"uid of namespace {fleet.game}" in line
        assert "set ROOMFLEET_INSTALLATION" in line

        fleet.environment["ROOMFLEET_INSTALLATION"] = "prod"
        fleet.start_operator()
        fleet.start_node("default-0")
        fleet.kubectl("wait", "--for=condition=Ready", "room/kept", "--timeout=20s")

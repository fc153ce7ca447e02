"""The tests' own API server: what others build on."""

from __future__ import annotations

import json

import pytest

from support.kube import APPLY, MERGE, Cluster, KubectlFailed
from support.manifests import manifest
from support.running import eventually

ROOMS = "/apis/roomfleet.io/v1alpha1/namespaces/{}/rooms"


def test_a_room_is_applied_and_read_with_kubectl(cluster: Cluster) -> None:
    game = cluster.namespace()
    cluster.kubectl("-n", game, "apply", "-f", "-", input=json.dumps(manifest()))
    assert cluster.kubectl("-n", game, "get", "rooms", "-o", "name").stdout == "room.roomfleet.io/town\n"


def test_a_failing_kubectl_says_why(cluster: Cluster) -> None:
    with pytest.raises(KubectlFailed, match=r'rooms\.roomfleet\.io "nowhere" not found'):
        cluster.kubectl("-n", cluster.namespace(), "get", "room", "nowhere")


def test_a_restarted_api_server_has_the_same_url_and_objects(cluster: Cluster) -> None:
    path = ROOMS.format(cluster.namespace())
    assert cluster.request("POST", path, manifest()).status == 201
    cluster.kill_apiserver()
    try:
        with pytest.raises(ConnectionRefusedError):
            cluster.request("GET", path)
    finally:
        cluster.start_apiserver()
    assert [room["metadata"]["name"] for room in cluster.request("GET", path).object["items"]] == ["town"]


def test_a_paused_api_server_answers_when_it_is_resumed(cluster: Cluster) -> None:
    cluster.pause_apiserver()
    try:
        with pytest.raises(TimeoutError):
            cluster.request("GET", "/readyz", timeout=0.2)
    finally:
        cluster.resume_apiserver()
    assert cluster.request("GET", "/readyz").ok


def test_a_revoked_token_is_refused(cluster: Cluster) -> None:
    game = cluster.namespace()
    token = cluster.service_account(game, "operator")
    assert cluster.request("GET", ROOMS.format(game), token=token).ok
    fresh = cluster.new_token(game, "operator")  # nothing of it is in the server's cache yet
    cluster.revoke(game, "operator")
    eventually(lambda: cluster.request("GET", ROOMS.format(game), token=fresh).status == 401)


def test_server_side_apply_and_merge_patch_go_by_request(cluster: Cluster) -> None:
    town = f"{ROOMS.format(cluster.namespace())}/town"
    assert cluster.request("PATCH", f"{town}?fieldManager=me", manifest(), content_type=APPLY).status == 201
    answer = cluster.request("PATCH", town, {"spec": {"capacity": 7}}, content_type=MERGE)
    assert answer.object["spec"]["capacity"] == 7

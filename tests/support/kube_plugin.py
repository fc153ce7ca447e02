"""The fixture `cluster`: one real API server for a whole test run, with the project's CRDs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.kube import Cluster
from support.kube_binaries import HOW_TO_GET_THEM, Binaries, find_binaries

FOUND = pytest.StashKey[Binaries | None]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find the binaries before the first test: a build takes longer than a test may."""
    if session.config.option.collectonly:
        return
    if any("cluster" in getattr(item, "fixturenames", ()) for item in session.items):
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            session.config.stash[FOUND] = find_binaries(lambda line: print(line, flush=True))


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster with the CRDs applied, shared by all tests: each takes a `namespace()` of its own.

    A test that stops or pauses the API server leaves it running and ready.
    """
    binaries = pytestconfig.stash[FOUND]
    if binaries is None:
        pytest.skip(HOW_TO_GET_THEM)
    running = Cluster(tmp_path_factory.mktemp("kube"), binaries)
    running.start()
    try:
        running.apply_crds()
        yield running
    finally:
        running.stop()

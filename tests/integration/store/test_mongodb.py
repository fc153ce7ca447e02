"""MongoDB keeps every promise of a store: nx-27017, and the server that ROOMFLEET_TEST_MONGO_URI names."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from pymongo import MongoClient

for part in ("operations", "protocol", "processes"):
    pytest.register_assert_rewrite(f"support.store_conformance_{part}")

from support.nx import Nx, serving  # noqa: E402
from support.store_conformance import StoreConformance  # noqa: E402

REAL = os.environ.get("ROOMFLEET_TEST_MONGO_URI", "")
SERVERS = ["nx-27017", *(["real"] if REAL else [])]

_numbers = itertools.count()


@pytest.fixture(scope="module")
def nx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nx]:
    with serving(tmp_path_factory.mktemp("nx")) as server:
        yield server


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of its own, on each server that there is."""
    if request.param == "nx-27017":
        server: Nx = request.getfixturevalue("nx")
        yield server.url(f"test{next(_numbers)}")
        return
    database = f"roomfleet-test-{uuid.uuid4().hex}"
    yield urlunsplit(urlsplit(REAL)._replace(path=f"/{database}"))
    with MongoClient[dict[str, object]](REAL) as client:
        client.drop_database(database)


class TestMongo(StoreConformance):
    """The conformance suite."""

"""A cache server of the test's own, beside no database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkey import Valkey

from eventstore.config import Settings, load
from projections.cache.names import Names
from projections.cache.read_through import Cache
from projections.cache.server import CacheServer, client_of

NAMES = Names("somewhere")


@pytest.fixture
def settings() -> Iterator[Settings]:
    home = Path(tempfile.mkdtemp(prefix="es-cache-", dir="/tmp"))
    yield load(home=home)
    shutil.rmtree(home)


@pytest.fixture
def cache_server(settings: Settings) -> Iterator[CacheServer]:
    server = CacheServer(settings)
    server.ensure_running()
    yield server
    server.stop()


@pytest.fixture
def client(settings: Settings, cache_server: CacheServer) -> Iterator[Valkey]:
    client = client_of(settings, timeout=0.25)
    assert client is not None
    with client:
        yield client


@pytest.fixture
def cache(settings: Settings, cache_server: CacheServer) -> Iterator[Cache]:
    opened = Cache(client_of(settings, timeout=0.25), NAMES, "default")
    yield opened
    opened.close()

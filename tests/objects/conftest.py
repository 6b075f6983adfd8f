"""Shared by the tests of object stores: a real S3 server, its address, and a local run to equal."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import object_server
import pytest

from fauxpay.storage import clients

_counter = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[object_server.Server]:
    """An S3 server with real signatures and conditional writes; skips where there is none."""
    folder = tmp_path_factory.mktemp("objects")
    running = object_server.Server(object_server.installed(folder), folder / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def prefix(server, monkeypatch) -> Iterator[str]:
    """An empty prefix of the bucket, and the environment to write there."""
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    clients.client.cache_clear()
    yield f"s3://{object_server.BUCKET}/{os.getpid()}-{next(_counter)}"
    clients.client.cache_clear()

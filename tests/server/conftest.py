"""Shared by the tests of the server: one run, and a client of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.importorskip("fastapi", reason="fauxpay[serve] is not installed")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run with much fraud. Not to be changed."""
    from served import made

    return made(tmp_path_factory.mktemp("server") / "out")


@pytest.fixture(scope="session")
def client(run):
    """Asks a server of it."""
    from served import Client

    return Client(run)

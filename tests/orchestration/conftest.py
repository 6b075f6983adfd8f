"""Shared by the tests of orchestrators: the run that each of them is compared with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def plain(tmp_path_factory) -> Path:
    """The folder of one three-day run by the plain command line."""
    from days import plain_run

    root = tmp_path_factory.mktemp("plain")
    plain_run(root)
    return root

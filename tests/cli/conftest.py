"""Shared by the tests of commands: a sealed run of one day."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def sealed_root(tmp_path_factory) -> Path:
    """A folder with one day of the small world. Not to be changed."""
    from commands import generate

    root = tmp_path_factory.mktemp("sealed") / "out"
    done = generate(root, "--logical-date", "2026-03-01", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return root


@pytest.fixture
def own_root(sealed_root, tmp_path) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copytree(sealed_root, tmp_path / "out"))

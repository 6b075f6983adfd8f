"""Shared by all tests: where the helpers stand, and one sealed root."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
# Hundreds of runs are made here; those that are about the report ask for it.
os.environ["FAUXPAY_RUN__REPORT"] = "false"


@pytest.fixture(scope="session")
def sealed(tmp_path_factory) -> Path:
    """A root with one run of three days in two shards, with fraud, sealed at a known second."""
    import fauxpay
    from sealed import SEALED_AT, request

    root = tmp_path_factory.mktemp("sealed") / "root"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(SEALED_AT))
        fauxpay.generate(request(root))
    return root


@pytest.fixture
def root(sealed, tmp_path) -> Path:
    """A copy of the sealed root that a test may damage."""
    return Path(shutil.copytree(sealed, tmp_path / "root"))

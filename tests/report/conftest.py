"""Shared by the tests of the report: one run, and its page."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """A run of two weeks with enough fraud for every section. Not to be changed."""
    from pages import made

    return made(tmp_path_factory.mktemp("report") / "out")


@pytest.fixture(scope="session")
def html(reported) -> str:
    """Its page."""
    from fauxpay.report.page import report_html

    return report_html(reported)

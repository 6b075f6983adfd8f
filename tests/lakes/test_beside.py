"""`run.format` commits a run that passed beside its files, and changes none of them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import fauxpay
from fauxpay.config.model import Config
from fauxpay.errors import MissingExtraError, StorageError
from fauxpay.lakes.beside import tables_place
from sealed import digests, request, settings


def generate(root, kind: str, *more: str) -> subprocess.CompletedProcess[str]:
    """The command that made the sealed run, with a format."""
    window = ("--from", "2026-03-01", "--to", "2026-03-04", "--executor", "serial", "--no-report")
    own = [sys.executable, "-m", "fauxpay", "generate", "--out", str(root), "--format", kind]
    return subprocess.run([*own, *window, *settings(), *more], capture_output=True, text=True)


def test_a_run_found_is_committed_once(kind, root):
    """A run from before is not made again but committed; then nothing is left to do."""
    before = digests(root)
    for _ in range(2):
        run = fauxpay.generate(request(root, format=kind.name))
        folder = tables_place(run, kind.name)
        found = kind.read(str(folder), "transactions", None)
        assert found.num_rows == run.rows["transactions"]
        ids = kind.read(str(folder), "runs", None)["run_id"].to_pylist()
        assert ids == [run.run_id]
    assert folder == root / "tables" / kind.name / run.world_id / "seed=1"
    assert before.items() <= digests(root).items()


def test_the_format_is_no_part_of_the_world():
    """Neither the parameter hash nor anything else of the world covers it."""
    asked = Config(run={"format": "iceberg"})
    assert asked.run.format == "iceberg"
    assert asked.world_document() == Config().world_document()


def test_parquet_is_the_files_alone(root):
    """The default makes no tables."""
    fauxpay.generate(request(root, format="parquet"))
    assert not (root / "tables").exists()


def test_a_commit_that_fails_says_how_to_go_on(root):
    """The run stays sealed; the command that is named ends it, then there is nothing to do."""
    pytest.importorskip("deltalake")
    (root / "tables").write_text("in the way")
    with pytest.raises(StorageError, match="is sealed, but in no delta tables") as failed:
        fauxpay.generate(request(root, format="delta"))
    assert failed.value.exit_code == 6
    told = str(failed.value)
    run = fauxpay.open(root).latest()
    (root / "tables").unlink()
    words = told[told.index("`fauxpay commit") + 1 :].partition("`")[0].split()
    assert words[:3] == ["fauxpay", "commit", run.run_id]
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = generate(root, "delta")
    assert again.returncode == 0, again.stderr
    assert "its tables are in" in again.stdout
    told = json.loads(generate(root, "delta", "--json").stdout)
    assert told["tables"] == str(tables_place(run, "delta"))
    assert json.loads(generate(root, "parquet", "--json").stdout)["tables"] is None


@pytest.mark.parametrize(("kind", "module"), [("delta", "deltalake"), ("iceberg", "pyiceberg")])
def test_a_missing_library_is_said_before_anything_is_made(tmp_path, monkeypatch, kind, module):
    """Nothing is written."""
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=f"fauxpay\\[{kind}\\]"):
        fauxpay.generate(request(tmp_path / "root", format=kind))
    assert not (tmp_path / "root").exists()


def test_an_unknown_format_is_refused(tmp_path):
    """Exit code 2, and the ones there are."""
    done = generate(tmp_path / "root", "csv")
    assert done.returncode == 2
    assert "run.format" in done.stderr
    assert "iceberg" in done.stderr

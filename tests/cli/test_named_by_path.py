"""A run that is named by a path needs no --out: by its folder, its receipt, or its root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from commands import only

from fauxpay.cli import exit_code_of
from fauxpay.cli.app import app
from fauxpay.errors import StorageError
from fauxpay.readers.run import run_of
from fauxpay.receipts.listing import resolve_run, root_around

COMMANDS = {
    "verify": ["verify"],
    "show": ["runs", "show"],
    "report": ["report", "--output", "page.html"],
    "export": ["export", "flat.parquet", "--run"],
    "sql": ["sql"],
    "score": ["score"],
}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """A working folder without any root."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", ["folder", "receipt", "root"])
def test_each_way_of_naming_leads_to_the_run(sealed_root, elsewhere, kind):
    """From a folder in which the default root is not there."""
    receipt = only(sealed_root, "runs/utc_day=*/*/receipt.json")
    path = {"folder": receipt.parent, "receipt": receipt, "root": sealed_root}[kind]
    run = run_of("fauxpay-out", str(path))
    assert (run.folder, run.root) == (receipt.parent, sealed_root)
    assert run.files("transactions")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("is_root", [False, True])
def test_commands_take_a_path_where_no_root_is(sealed_root, elsewhere, name, is_root):
    """What the help promises holds for every command that asks for a run."""
    path = sealed_root if is_root else only(sealed_root, "runs/utc_day=*/*/receipt.json").parent
    more = ["SELECT count(*) FROM transactions"] if name == "sql" else []
    arguments = [*COMMANDS[name], str(path), *more]
    # The small world is no real one: its figures miss, which is no fault of the name.
    wanted = 10 if name == "score" else 0
    assert exit_code_of(lambda: app(arguments, standalone_mode=False)) == wanted


def test_who_finds_the_root_that_a_file_lies_below(sealed_root, elsewhere, capsys):
    """The file of a table says by itself where its receipts are."""
    file = only(sealed_root, "worlds/*/seed=1/transactions/event_day=*/part-*")
    assert exit_code_of(lambda: app(["who", str(file)], standalone_mode=False)) == 0
    assert "event_day=2026-03-01" in capsys.readouterr().out
    assert root_around(file) == sealed_root
    assert root_around(elsewhere / "x") is None


@pytest.mark.parametrize("text", ["latest", "abc", "/none/such", os.curdir])
def test_without_a_root_the_folder_is_what_is_missed(elsewhere, text):
    """Not a run: nobody can know which ones there are."""
    with pytest.raises(StorageError, match="no such folder"):
        resolve_run(elsewhere / "fauxpay-out", text)

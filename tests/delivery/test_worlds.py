"""Sealed worlds: what is read back is what was sealed, or it is refused by name."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

import fauxpay
from fauxpay.delivery.engine import read_error
from fauxpay.errors import ContractError

SMALL = {"cards": 300, "merchants": 300, "places": 12}


def made(root: Path, first: str, last: str) -> fauxpay.Run:
    """A run of a small world."""
    run = {"from": first, "to": last, "out": str(root), "executor": "serial", "report": False}
    return fauxpay.generate({"catalog": SMALL, "run": run})


@pytest.mark.parametrize("file", ["derived/draw_tables.npz", "catalog/cards.parquet"])
def test_a_changed_file_of_a_world_is_refused(tmp_path, file):
    """Negative: one flipped bit in a sealed table stops the next run, which says where."""
    world = made(tmp_path, "2026-03-01", "2026-03-02").world_id
    path = tmp_path / "worlds" / world / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ContractError, match=rf"{path.name}: not the file that world.json was"):
        made(tmp_path, "2026-03-02", "2026-03-03")


def test_a_missing_derived_file_is_made_again(tmp_path):
    """A world without its draw tables is built again, with the same bytes."""
    world = made(tmp_path, "2026-03-01", "2026-03-02").world_id
    path = tmp_path / "worlds" / world / "derived" / "draw_tables.npz"
    before = path.read_bytes()
    path.unlink()
    made(tmp_path, "2026-03-02", "2026-03-03")
    assert path.read_bytes() == before
    sealed = json.loads((tmp_path / "worlds" / world / "world.json").read_text())
    assert [entry["name"] for entry in sealed["derived"]] == ["draw_tables.npz"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENAMETOOLONG, "File name too long"), "Use a place with a shorter name"),
        (OSError(errno.EACCES, "Permission denied"), "Allow writing or reading there"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "Restore it"),
        (OSError("of a library that has no number"), "Restore it"),
    ],
    ids=["too long", "not allowed", "missing", "without a number"],
)
def test_a_file_that_cannot_be_read_comes_with_what_helps(tmp_path, error, said):
    """What was never read for want of a right or of a possible name cannot be restored."""
    told = str(read_error(tmp_path / "world.json", error))
    assert told.startswith(f"{tmp_path / 'world.json'}: cannot read: ")
    assert said in told

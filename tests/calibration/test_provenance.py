"""Provenance: a digest over what was read, in whatever order or by whatever name it is found."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fauxpay.calibration.provenance import digests_of
from fauxpay.scorecard.card_table import open_card_table

TEXTS = {"b.csv": "card,at\n1,2026-03-02\n", "a.csv": "card,at\n2,2026-03-03\n"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two files, the later name written first, one below the other's folder."""
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def sha256(*texts: str) -> str:
    """Digest of the digests of some files."""
    digests = [hashlib.sha256(text.encode()).digest() for text in texts]
    return hashlib.sha256(b"".join(digests)).hexdigest()


def test_files_are_digested_by_name(folder):
    """A folder, a pattern and a file: as many as there are, in the order of their names."""
    both = {"2 files": sha256(TEXTS["a.csv"], TEXTS["b.csv"])}
    assert digests_of(open_card_table(folder)) == both
    assert digests_of(open_card_table(str(folder / "*.csv"))) == both
    assert digests_of(open_card_table(folder / "b.csv")) == {"1 file": sha256(TEXTS["b.csv"])}


def test_a_run_is_digested_by_its_receipt(sealed):
    """Its receipt names the digest of every file already."""
    (told,) = digests_of(open_card_table(sealed)).items()
    name, digest = told
    assert name.startswith("receipt of run ")
    (receipt,) = sealed.glob("runs/utc_day=*/*/receipt.json")
    assert f'"receipt_digest":"{digest}"' in receipt.read_text()

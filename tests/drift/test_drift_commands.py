"""`fauxpay drift` as a command: exit codes, JSON, text, and what it says of bad requests."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))

from commands import fauxpay
from drift_tables import CHANGES, NO_PAYDAYS, make, written

from fauxpay.contracts.documents import check_document


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Path, Path]:
    """A file, and the same with amounts changed."""
    folder = tmp_path_factory.mktemp("drift-commands")
    run = make(folder / "root", 2000, 1, ("2026-04-13", "2026-04-27"), NO_PAYDAYS)
    select = "select card as cc_num, * exclude card from transactions"
    changed = CHANGES["amounts"][0].replace("amount * 1.1", "amount * 1.5")
    return (
        written(run, folder / "a.parquet", select),
        written(
            run, folder / "b.parquet", f"select card as cc_num, * exclude card from ({changed})"
        ),
    )


def test_still_tables_end_with_0(pair):
    """Nothing moved: exit code 0, and the text says so of each family."""
    said = fauxpay("drift", pair[0], pair[0], "--map", "card=cc_num")
    assert said.returncode == 0, said.stderr
    assert "amount_level" in said.stdout
    assert "moved" not in said.stdout


def test_moved_tables_end_with_10(pair):
    """Something moved: exit code 10, the families on standard error, JSON on standard output."""
    said = fauxpay("drift", *pair, "--map", "card=cc_num", "--json")
    assert said.returncode == 10, said.stderr
    assert "amounts" in said.stderr
    document = json.loads(said.stdout)
    check_document("run.yaml#/$defs/drift", document)
    assert set(document["moved"]) == {"amounts", "amount_level"}


def test_a_threshold_decides_what_matters(pair):
    """With thresholds beyond the distances the same tables are still."""
    flags = ("--threshold", "amounts=9", "--threshold", "amount_level=9", "--map", "card=cc_num")
    assert fauxpay("drift", *pair, *flags).returncode == 0


def test_days_of_one_table_against_those_before(pair):
    """--days alone holds them against all earlier days."""
    said = fauxpay(
        "drift", pair[0], "--days", "2026-04-20..2026-04-27", "--map", "card=cc_num", "--json"
    )
    assert said.returncode == 0, said.stderr
    document = json.loads(said.stdout)
    assert (document["baseline"]["from"], document["baseline"]["to"]) == (
        "2026-04-13",
        "2026-04-20",
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "nothing to compare"),
        (("--days", "soon"), "--days soon"),
        (("--days", "2026-04-13"), "--against"),
        (("--days", "2026-04-20", "--threshold", "hours=1"), "hour_of_week"),
        (("--days", "2026-04-20", "--threshold", "mcc=0"), "above 0"),
    ],
)
def test_bad_requests_say_what_was_expected(pair, words, expected):
    """Exit code 2, and a message that names the flag and what it may be."""
    said = fauxpay("drift", pair[0], "--map", "card=cc_num", *words)
    assert said.returncode == 2
    assert expected in said.stderr
    assert not said.stdout

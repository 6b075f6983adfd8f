"""Drift: two seeds of one world are still, changes are seen, like is compared with like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drift_tables import CHANGES, NO_PAYDAYS, make, written

from fauxpay.contracts.documents import check_document
from fauxpay.drift.compare import Drift, Outcome, compare
from fauxpay.drift.families import families, family_keys, guard_settings, reasons
from fauxpay.drift.windows import Window, window
from fauxpay.errors import ConfigError, ContractError
from fauxpay.readers.run import Run
from fauxpay.scorecard.card_table import open_card_table

DAYS = ("2026-04-13", "2026-04-27")


@pytest.fixture(scope="session")
def two_seeds(tmp_path_factory) -> tuple[Run, Run]:
    """Two weeks of 6,000 cards of one world under two seeds."""
    root = tmp_path_factory.mktemp("drift") / "root"
    return make(root, 6000, 1, DAYS, NO_PAYDAYS), make(root, 6000, 2, DAYS, NO_PAYDAYS)


@pytest.fixture(scope="session")
def plain(two_seeds, tmp_path_factory) -> Path:
    """The first seed's rows as a file."""
    return written(two_seeds[0], tmp_path_factory.mktemp("drift-plain") / "plain.parquet")


def compared(first: object, second: object, *windows: str | None) -> Drift:
    """A comparison with what is shipped; windows as text."""
    days = tuple(None if one is None else window(one, "--days") for one in windows)
    tables = (open_card_table(first), open_card_table(second))
    return compare(tables, days or (None, None))


def moved(found: Drift) -> set[str]:
    """Families that moved."""
    return {move.family.key for move in found.moved}


def test_two_seeds_of_one_world_do_not_alarm(two_seeds):
    """6,000 cards under two seeds: nothing moved."""
    found = compared(*two_seeds)
    assert not moved(found)
    asked = [move for move in found.moves if move.outcome is not Outcome.SKIPPED]
    assert len(asked) >= 30


@pytest.mark.slow
def test_two_seeds_of_25_000_cards_do_not_alarm(tmp_path):
    """A week of 25,000 cards under two seeds: nothing moved."""
    week = ("2026-03-02", "2026-04-20")
    pair = make(tmp_path / "root", 25_000, 1, week), make(tmp_path / "root", 25_000, 2, week)
    assert not moved(compared(*pair))


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_change_is_seen(change, two_seeds, plain, tmp_path):
    """One thing changed in another seed's rows: its family moved, and what moved is guarded."""
    select, expected = CHANGES[change]
    found = compared(plain, written(two_seeds[1], tmp_path / "changed.parquet", select))
    assert expected <= moved(found)
    for move in found.moved:
        assert move.chance_by_cards is not None
        assert move.chance_by_cards <= found.guard.alpha


def test_a_change_moves_little_else(two_seeds, plain, tmp_path):
    """Ten per cent on every ticket moves amounts and nothing but amounts."""
    select, _ = CHANGES["amounts"]
    found = compared(plain, written(two_seeds[1], tmp_path / "changed.parquet", select))
    assert {"amounts"} <= moved(found) <= {"amounts", "amount_level"}


def test_a_table_is_still_against_itself(plain):
    """Every distance of a table from itself is 0."""
    found = compared(plain, plain)
    assert all(move.distance in (0.0, None) for move in found.moves)
    assert not found.moved


def test_unequal_weekdays_do_not_alarm(two_seeds):
    """A weekend against two weeks, and a Monday against a week: weekdays are held to their like."""
    for days in ("2026-04-25..2026-04-27", "2026-04-20"):
        found = compared(two_seeds[0], two_seeds[0], "2026-04-13..2026-04-20", days)
        assert not moved(found), days
        assert any("weekday" in note for note in found.notes)


@pytest.mark.slow
def test_a_payday_is_seen_and_a_month_before_explains_it(tmp_path):
    """A week of paydays moves a quiet week's volumes; against a month of both it does not alarm."""
    run = make(tmp_path / "root", 3000, 1, ("2026-04-13", "2026-06-01"))
    quiet = compared(run, run, "2026-05-11..2026-05-18", "2026-05-28..2026-06-01")
    assert "rows_per_day" in moved(quiet)
    nightly = compared(run, run, "2026-04-13..2026-05-28", "2026-05-28..2026-06-01")
    assert "rows_per_day" not in moved(nightly)


def test_without_like_weekdays_days_are_compared_as_they_are(two_seeds):
    """A Wednesday against a Sunday is said to be unlike, and does alarm."""
    found = compared(two_seeds[0], two_seeds[0], "2026-04-15", "2026-04-19")
    assert any("no weekday in common" in note for note in found.notes)
    assert "hour_of_week" in moved(found)


def test_a_longer_baseline_is_no_move(two_seeds):
    """Two weeks against one week: volumes are by the day, and nothing moved."""
    found = compared(two_seeds[0], two_seeds[1], "2026-04-13..2026-04-27", "2026-04-20..2026-04-27")
    assert not moved(found)
    skipped = {m.family.key: m.reason for m in found.moves if m.outcome is Outcome.SKIPPED}
    assert "equally many days" in skipped["new_merchants"]


@pytest.mark.slow
def test_few_cards_are_not_called_moved(tmp_path):
    """150 cards differ by chance beyond the thresholds, and are said to."""
    root = tmp_path / "root"
    week = ("2026-03-02", "2026-04-20")
    found = compared(make(root, 150, 1, week), make(root, 150, 2, week))
    assert not moved(found)
    by_chance = [move for move in found.moves if move.outcome is Outcome.CHANCE]
    assert len(by_chance) >= 3
    assert all(move.reason for move in by_chance)


def test_columns_that_are_missing_are_skipped_and_said(plain, tmp_path, two_seeds):
    """A table of three columns: what needs others is skipped by name."""
    few = written(
        two_seeds[1], tmp_path / "few.parquet", 'select card, "at", amount from transactions'
    )
    found = compared(plain, few)
    outcome = {move.family.key: move for move in found.moves}
    assert outcome["amounts"].outcome is Outcome.STILL
    assert outcome["mcc"].outcome is Outcome.SKIPPED
    assert outcome["mcc"].reason == "needs mcc"
    assert any("mcc" in note for note in found.notes)


def test_csv_says_what_parquet_says(two_seeds, tmp_path):
    """The same rows as text give the same distances."""
    import duckdb

    select = 'select card, merchant, "at", amount, mcc, channel, is_approved from transactions'
    first, second = (
        written(run, tmp_path / f"{name}.parquet", select)
        for run, name in zip(two_seeds, "ab", strict=True)
    )
    for path in (first, second):
        duckdb.sql(f"copy (from '{path}') to '{path.with_suffix('.csv')}' (format csv)")
    parquet = compared(first, second)
    text = compared(tmp_path / "a.csv", tmp_path / "b.csv")
    pairs = [
        (one.distance, two.distance)
        for one, two in zip(parquet.moves, text.moves, strict=True)
        if one.distance is not None
    ]
    assert len(pairs) > 8
    assert all(one == pytest.approx(two, abs=1e-9) for one, two in pairs)


def test_the_document_keeps_its_contract(two_seeds):
    """JSON output satisfies run.yaml#/$defs/drift, and a changed one does not."""
    document = compared(*two_seeds).document()
    check_document("run.yaml#/$defs/drift", document)
    json.dumps(document, allow_nan=False)
    document["families"][0]["outcome"] = "perhaps"
    with pytest.raises(ContractError, match="perhaps"):
        check_document("run.yaml#/$defs/drift", document)


def test_a_piece_of_a_day_is_left_out(two_seeds, plain, tmp_path):
    """Files that end within the first hour of a day: that day is no Monday like others."""
    select = CHANGES["hours"][0]
    late = written(two_seeds[0], tmp_path / "late.parquet", select)
    found = compared(plain, late)
    assert str(found.second.window) == "2026-04-13..2026-04-27"
    assert any("2026-04-27" in note for note in found.notes)
    assert moved(found) == {"hour_of_week"}


def test_a_window_without_rows_is_an_error(plain):
    """Days that the table does not have are named."""
    with pytest.raises(ContractError, match=r"2027-01-04\.\.2027-01-11"):
        compared(plain, plain, "2026-04-13..2026-04-27", "2027-01-04..2027-01-11")


@pytest.mark.parametrize("text", ["yesterday", "2026-03-08..2026-03-01", "2026-03-01..", ""])
def test_what_is_no_window_is_an_error(text):
    """Days that cannot be read, or that hold none, name the flag."""
    with pytest.raises(ConfigError, match="--days"):
        window(text, "--days")


def test_one_day_is_a_window():
    """A day alone is the window of that day."""
    assert [str(day) for day in window("2026-03-08", "--days").days()] == ["2026-03-08"]
    assert isinstance(window("2026-03-08..2026-03-10", "--days"), Window)


def test_every_threshold_has_its_reason():
    """families.yaml says why for each; a threshold that is given stands in its place."""
    assert set(reasons()) == set(family_keys())
    assert all(len(why) > 10 for why in reasons().values())
    (mcc,) = [one for one in families({"mcc"}, {"mcc": 0.5}) if one.key == "mcc"]
    assert mcc.threshold == 0.5
    assert guard_settings(0.2).alpha == 0.2

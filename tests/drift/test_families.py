"""Families: which are compared, over which bins, and which are left out with a reason."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fauxpay.drift.compare import Drift, Move, Outcome, compare
from fauxpay.drift.families import Family, families, guard_settings
from fauxpay.drift.measures import Measure
from fauxpay.drift.windows import Window
from fauxpay.scorecard.card_table import open_card_table

FIRST = datetime.date(2026, 3, 2)  # A Monday.
GUARD = replace(guard_settings(), exchanges=50, slices=4, bins_max=2, amount_bins=3)
MCCS = ("5411", "5411", "5411", "5812", "5812", "5541", "7011")


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """Eight weeks of a row for each hour; frauds are of the second half alone."""
    rows = range(56 * 24)
    at = [
        datetime.datetime.combine(FIRST, datetime.time()) + datetime.timedelta(hours=n)
        for n in rows
    ]
    columns = {
        "card": [n % 11 for n in rows],
        "at": at,
        "merchant": [n % 5 for n in rows],
        "amount": [1.0 + n % 17 for n in rows],
        "mcc": [MCCS[n % 7] for n in rows],
        "is_recurring": [n % 9 == 0 for n in rows],
        "label": [int(n > 28 * 24 and n % 10 == 0) for n in rows],
        "typology": ["phishing" if n > 28 * 24 and n % 10 == 0 else None for n in rows],
    }
    path = tmp_path_factory.mktemp("families") / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def days(first: int, end: int) -> Window:
    """Days after the first Monday."""
    return Window(FIRST + datetime.timedelta(first), FIRST + datetime.timedelta(end))


def compared(path: Path, first: Window, second: Window) -> tuple[Drift, dict[str, Move]]:
    """Two windows of the table."""
    table = open_card_table(path)
    found = compare((table, table), (first, second), guard=GUARD)
    return found, {move.family.key: move for move in found.moves}


def test_what_cannot_be_compared_is_left_out_with_its_reason(path):
    """By length of the windows, and by what one side does not have."""
    _, moves = compared(path, days(0, 28), days(28, 56))
    assert moves["recurring"].outcome is Outcome.STILL
    assert moves["new_merchants"].outcome is not Outcome.SKIPPED
    assert moves["typology"].reason == "no row of it on one side"
    assert moves["channel"].reason == "needs channel"
    _, moves = compared(path, days(0, 28), days(29, 56))
    assert moves["recurring"].reason == "needs 28 days or more on both sides"
    assert moves["new_merchants"].reason == "needs windows of equally many days"


def test_rare_values_are_added_up_but_no_hour_is(path):
    """Two categories stay and the rest is one bin; amounts are parts; all hours stay."""
    _, moves = compared(path, days(0, 28), days(28, 56))
    assert {name for name, *_ in moves["mcc"].leading} == {"5411", "5812", "(other)"}
    amounts = [name for name, *_ in moves["amounts"].leading]
    assert len(amounts) == 3
    assert all(name.startswith("from ") for name in amounts)
    hours = {name for name, *_ in moves["hour_of_week"].leading}
    assert len(hours) == 5
    assert "(other)" not in hours


def test_unlike_days_are_compared_as_they_are_and_said(path):
    """A Monday and a Tuesday have no weekday in common: each side has its one day."""
    found, moves = compared(path, days(0, 1), days(1, 2))
    assert (found.first.rows, found.second.rows) == (21, 21)
    assert any("no weekday in common" in note for note in found.notes)
    assert moves["rows_per_day"].before == pytest.approx(21)


def test_the_farthest_beyond_its_threshold_comes_first():
    """A distance counts by how many of its thresholds it is; what stayed is not listed."""

    def move(key: str, threshold: float, distance: float, outcome: Outcome) -> Move:
        family = Family(key, key, Measure.PSI, threshold, frozenset())
        return Move(family, outcome, distance=distance)

    moves = (
        move("a", 0.1, 0.2, Outcome.MOVED),
        move("b", 0.01, 0.05, Outcome.MOVED),
        move("c", 0.1, 9.0, Outcome.CHANCE),
        move("d", 1.0, 3.0, Outcome.MOVED),
    )
    side: Any = None
    found = Drift(side, side, moves, GUARD, ())
    assert [one.family.key for one in found.moved] == ["b", "d", "a"]


def test_a_threshold_of_nought_is_a_threshold():
    """Whoever asks to be told of any move at all is."""
    (mcc,) = (one for one in families({"mcc"}, {"mcc": 0.0}) if one.key == "mcc")
    assert mcc.threshold == 0.0

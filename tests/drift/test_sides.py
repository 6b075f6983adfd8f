"""Sides: what is added up of a table by day and by slice is what a plain walk over it says."""

from __future__ import annotations

import datetime
import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fauxpay.drift.compare import Outcome, _judged, _leading, _weekday_notes
from fauxpay.drift.families import AMOUNT_STEPS, Family, families, guard_settings
from fauxpay.drift.guard import Blocks
from fauxpay.drift.measures import Measure
from fauxpay.drift.sides import (
    Counted,
    Side,
    connect,
    count,
    count_nulls,
    merged,
    open_side,
    whole_window,
)
from fauxpay.drift.windows import Window, day_weights, shared_weekdays
from fauxpay.scorecard.card_table import CardTable, open_card_table

SLICES = 8
FIRST = datetime.date(2026, 3, 2)  # A Monday.
DAYS = 17  # Two weeks and three days; the first and the last are pieces.
SHARED = frozenset((0, 1, 2, 4))
DELAYS = (0, 1, 3, 7, 14, 30, 60)
Row = dict[str, Any]


def day_after(days: int) -> datetime.date:
    """A day, so many after the first."""
    return FIRST + datetime.timedelta(days)


def made_rows() -> list[Row]:
    """Some rows of each day, a few of the first and of the last."""
    chance, rows = random.Random(3), list[Row]()
    for day in range(DAYS):
        for _ in range(9 if day in (0, DAYS - 1) else 40 + 3 * day):
            at = datetime.datetime.combine(day_after(day), datetime.time(chance.randrange(24)))
            label = chance.choice((0, 0, 0, 1, None))
            late = datetime.timedelta(days=chance.choice((0.5, 1, 2, 3, 8, 59, 60, 400)))
            rows.append(
                {
                    "card": chance.randrange(25),
                    "at": at,
                    "local_at": at + datetime.timedelta(hours=chance.choice((-5, 1))),
                    "merchant": chance.choice((*range(9), None)),
                    "amount": chance.choice((0.0, 0.004, -3.5, 12.0, 99.9)),
                    "channel": chance.choice(("pos", "ecom", None)),
                    "mcc": chance.choice(("5411", None)),
                    "is_recurring": chance.choice((False, False, True, None)),
                    "is_approved": chance.choice((True, False, None)),
                    "label": label,
                    "typology": chance.choice(("phishing", None)) if label else None,
                    "known_at": at + late if label != 0 and chance.random() < 0.8 else None,
                }
            )
    return rows


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Those of the table."""
    return made_rows()


@pytest.fixture(scope="module")
def table(rows, tmp_path_factory) -> CardTable:
    """They as a file."""
    path = tmp_path_factory.mktemp("sides") / "rows.parquet"
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in rows[0]}), path)
    return open_card_table(path)


@pytest.fixture(scope="module")
def side(table) -> Side:
    """The whole days, of which four weekdays count."""
    connection = connect(table, {})
    own = Window(day_after(1), day_after(DAYS - 1))
    return open_side(table, connection, own, (own.strata(True), SHARED))


def weight_of(day: datetime.date) -> float:
    """What a day counts: all Mondays as much as all Tuesdays; nothing of what is not shared."""
    if not day_after(1) <= day < day_after(DAYS - 1) or day.weekday() not in SHARED:
        return 0.0
    alike = [one for one in map(day_after, range(1, DAYS - 1)) if one.weekday() == day.weekday()]
    return 1.0 / len(alike)


def family_of(key: str, side: Side) -> Family:
    """A family as shipped."""
    return next(one for one in families(side.table.columns, {}) if one.key == key)


def require(
    counted: Counted, own: list[Row], bin_of: Callable[[Row], str], part_of: Callable[[Row], float]
) -> None:
    """Sums by day and bin, and over all slices those of weighted days."""
    days = [day for day in map(day_after, range(1, DAYS - 1)) if weight_of(day)]
    assert counted.by_day is not None
    expected = np.zeros((len(days), len(counted.bins)))
    for row in own:
        at = days.index(row["at"].date()), counted.bins.index(bin_of(row))
        expected[at] += part_of(row)
    assert counted.by_day.part == pytest.approx(expected)
    assert set(counted.bins) == {bin_of(row) for row in own}
    weights = np.array([weight_of(day) for day in days])
    assert counted.by_slice.part.sum(axis=0) == pytest.approx(weights @ expected)


def taking(rows: list[Row], where: Callable[[Row], Any], *, often: bool = False) -> list[Row]:
    """Rows of days that count, without recurring payments unless they are asked for."""
    return [
        row
        for row in rows
        if weight_of(row["at"].date()) and (often or row["is_recurring"] is not True) and where(row)
    ]


def delay_bin(row: Row) -> str:
    """The first of the marks that a delay lies before."""
    days = (row["known_at"] - row["at"]).total_seconds() / 86_400
    return next((f"{mark:02d}" for mark in DELAYS if days < mark), "later")


def fine(row: Row) -> str:
    """Twentieths of the log of an amount, of a cent at least."""
    return str(math.floor(math.log(max(abs(row["amount"]), 0.01)) * AMOUNT_STEPS))


SHAPES: dict[str, tuple[Callable[[Row], Any], Callable[[Row], str]]] = {
    "channel": (lambda row: row["channel"], lambda row: row["channel"]),
    "amounts": (lambda row: row["amount"], fine),
    "hour_of_week": (
        lambda row: True,
        lambda row: str(row["at"].isoweekday() * 100 + row["local_at"].hour),
    ),
    "response": (
        lambda row: row["is_approved"] is not None,
        lambda row: str(row["is_approved"]).lower(),
    ),
    "recurring": (
        lambda row: row["is_recurring"] is not None,
        lambda row: str(row["is_recurring"]).lower(),
    ),
    "typology": (lambda row: row["label"] == 1, lambda row: row["typology"] or "(none)"),
    "label_delay": (lambda row: row["label"] == 1 and row["known_at"], delay_bin),
}


@pytest.mark.parametrize("key", SHAPES)
def test_shapes_count_rows_by_bin(key, side, rows):
    """Rows of each bin, of those that take part; the whole is their sum."""
    where, bin_of = SHAPES[key]
    own = taking(rows, where, often=key == "recurring")
    counted = count(side, family_of(key, side), SLICES)
    require(counted, own, bin_of, lambda row: 1.0)
    assert counted.by_day.whole == pytest.approx(counted.by_day.part.sum(axis=1))
    assert counted.by_slice.mean().sum() == pytest.approx(1)


def test_rates_add_up_a_part_and_a_whole(side, rows):
    """Mean logs, frauds of labelled rows, and by the day rows and cards, each weekday once."""
    own = taking(rows, lambda row: row["amount"])
    level = count(side, family_of("amount_level", side), SLICES)
    require(level, own, lambda row: "", lambda row: math.log(max(abs(row["amount"]), 0.01)))
    assert level.by_day.whole.sum() == len(own)
    own = taking(rows, lambda row: row["label"] is not None)
    fraud = count(side, family_of("fraud_rate", side), SLICES)
    require(fraud, own, lambda row: "", lambda row: row["label"])
    weight = sum(weight_of(row["at"].date()) for row in own)
    assert fraud.by_slice.whole.sum() == pytest.approx(weight)
    own = taking(rows, lambda row: True)
    a_day = count(side, family_of("rows_per_day", side), SLICES)
    require(a_day, own, lambda row: "", lambda row: 1.0)
    assert set(a_day.by_day.whole) == {1.0}
    of_weekday = [
        sum(weight_of(r["at"].date()) for r in own if r["at"].weekday() == d) for d in SHARED
    ]
    assert a_day.by_slice.mean() == pytest.approx([sum(of_weekday) / len(SHARED)])
    active = {(row["at"].date(), row["card"]): row for row in own}
    cards = count(side, family_of("cards_per_day", side), SLICES)
    require(cards, list(active.values()), lambda row: "", lambda row: 1.0)
    pairs = count(side, family_of("new_merchants", side), SLICES)
    bought = [row for row in own if row["merchant"] is not None]
    assert pairs.by_day is None
    assert pairs.by_slice.part.sum() == len({(row["card"], row["merchant"]) for row in bought})
    assert pairs.by_slice.whole.sum() == len(bought)
    assert (side.rows, side.day_count) == (len(own), len(side.days()))


def test_nulls_are_shares_of_the_rows_of_a_day(side, rows):
    """Several columns at once, each with its own count."""
    own = taking(rows, lambda row: True)
    found = count_nulls(side, {"mcc", "channel", "is_approved"}, SLICES)
    for name, counted in found.items():
        require(counted, own, lambda row: "", lambda row, name=name: row[name] is None)
        by_day = Counter(row["at"].date() for row in own)
        assert counted.by_day.whole.tolist() == [by_day[day] for day in side.days()]
        weight = sum(weight_of(row["at"].date()) for row in own)
        assert counted.by_slice.whole.sum() == pytest.approx(weight)


def test_pieces_of_days_are_left_out_at_both_ends(table, rows):
    """Less than a third of the usual is a piece, and said."""
    own, said = whole_window(table, connect(table, {}))
    assert own == Window(day_after(1), day_after(DAYS - 1))
    assert [str(day_after(day)) in note for day, note in zip((0, DAYS - 1), said, strict=True)]
    assert all("9 rows" in note for note in said)


@pytest.mark.parametrize(
    ("by_day", "first", "end"),
    [
        ((9, 30, 30), 1, 3),
        ((10, 30, 30), 0, 3),
        ((30, 30, 9), 0, 2),
        ((1, 30), 1, 2),
        ((10, 30), 0, 2),
        ((1, 30, 1), 1, 2),
        ((30,), 0, 1),
    ],
)
def test_a_third_is_no_piece_and_one_day_stays(by_day, first, end, tmp_path):
    """The usual is the middle of the days between the ends; something is always left."""
    at = [
        datetime.datetime.combine(day_after(day), datetime.time(12))
        for day, rows in enumerate(by_day)
        for _ in range(rows)
    ]
    pq.write_table(pa.table({"card": [1] * len(at), "at": at}), tmp_path / "t.parquet")
    table = open_card_table(tmp_path / "t.parquet")
    assert whole_window(table, connect(table, {}))[0] == Window(day_after(first), day_after(end))


def test_rare_values_are_one_and_amounts_are_parts_of_the_baseline():
    """The most frequent on both sides together stay; quantiles are those of the first side."""

    def counted(**part: float) -> Counted:
        rows = np.array([list(part.values())], dtype=np.float64)
        return Counted(tuple(part), None, Blocks(rows, rows.sum(axis=1)))

    a, b = merged(counted(x=50, y=30, z=20), counted(x=10, w=80, z=10), 2)
    assert sorted(zip(a.bins, a.by_slice.part[0].tolist(), strict=True)) == [
        ("(other)", 50),
        ("w", 0),
        ("x", 50),
    ]
    assert sorted(zip(b.bins, b.by_slice.part[0].tolist(), strict=True)) == [
        ("(other)", 10),
        ("w", 80),
        ("x", 10),
    ]
    first = Counted(("-20", "0", "20", "40"), None, Blocks(np.array([[1.0, 1, 1, 1]]), np.ones(1)))
    second = Counted(("0", "60"), None, Blocks(np.array([[3.0, 5]]), np.ones(1)))
    a, b = merged(first, second, 60, 2)
    assert a.bins == b.bins == ("from 0.37", "from 2.72")
    assert a.by_slice.part.tolist() == [[2, 2]]
    assert b.by_slice.part.tolist() == [[3, 5]]


def test_windows_have_the_weekdays_that_both_hold():
    """A stratum counts as one day however many it has; what is not shared counts nothing."""
    week, days = Window(FIRST, day_after(7)), Window(day_after(4), day_after(13))
    assert sorted(shared_weekdays(week, days)) == list(range(7))
    assert shared_weekdays(Window(FIRST, day_after(2)), days) == {0, 1}
    weights = day_weights(days.strata(True), {0, 4, 5})
    assert weights.tolist() == [0.5, 0.5, 0, 1.0, 0, 0, 0, 0.5, 0.5]
    assert day_weights(days.strata(False), {0}).tolist() == [1 / 9] * 9
    (note,) = _weekday_notes((Window(FIRST, day_after(2)), Window(FIRST, day_after(3))), {0, 1})
    assert note.startswith("only one window has Wednesday;")
    assert _weekday_notes((week, week), set(range(7))) == []


def rates(*by_block: float) -> Blocks:
    """A rate of each block."""
    return Blocks(np.array(by_block)[:, None], np.ones(len(by_block)))


def judged(
    measure: Measure, threshold: float, factor: float, days: list[float], scatter: float = 0.0
) -> Any:
    """The move of a rate of which all slices rose, alike or scattered, and days as given."""
    slices = 1 + 0.001 * np.arange(32)
    uneven = np.where(np.arange(32) % 2 == 0, 1 - scatter, 1 + scatter)
    before = Counted(("",), rates(*[1.0] * 10), rates(*slices))
    after = Counted(("",), rates(*days) if days else None, rates(*(slices * factor * uneven)))
    strata = np.arange(10) % 5
    window = Window(FIRST, day_after(10))
    side: Any = Side(None, None, window, strata, np.ones(10))  # type: ignore[arg-type]
    family = Family("k", "t", measure, threshold, frozenset())
    return _judged(family, [before, after], [side, side], guard_settings())


def test_a_move_is_beyond_its_threshold_and_no_chance():
    """Ten per cent of a rate are ten per cent; cards or days that differ as much are chance."""
    risen = [1.1001] * 10
    assert judged(Measure.RATIO, 0.1, 1.0999, risen).outcome is Outcome.STILL
    assert judged(Measure.RATIO, 0.1, 1.1001, risen).outcome is Outcome.MOVED
    assert judged(Measure.RATIO, 0.1, 1 / 1.1001, [1 / 1.1001] * 10).outcome is Outcome.MOVED
    assert judged(Measure.DIFFERENCE, 0.1, 1.0999, risen).outcome is Outcome.MOVED
    move = judged(Measure.RATIO, 0.1, 1.1001, [0.2, 2.2] * 5)
    assert (move.outcome, move.reason) == (Outcome.CHANCE, "exchanged days differ as much")
    move = judged(Measure.RATIO, 0.1, 1.1001, risen, scatter=0.8)
    assert (move.outcome, move.reason) == (Outcome.CHANCE, "exchanged cards differ as much")
    move = judged(Measure.RATIO, 0.1, 1.1001, [])
    assert (move.outcome, move.reason) == (Outcome.MOVED, "too few days to exchange")
    assert (move.chance_by_days, move.before) == (None, pytest.approx(1.0155))
    assert move.after == pytest.approx(1.0155 * 1.1001)


def test_what_moved_most_comes_first():
    """Five values at most, by how far their shares moved."""
    before = np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0])
    after = np.array([0.1, 0.1, 0.12, 0.05, 0.2, 0.13, 0.3])
    assert [name for name, *_ in _leading(tuple("abcdefg"), before, after)] == list("agedf")
    assert _leading(("a",), before[:1], after[:1]) == (("a", 0.5, 0.1),)

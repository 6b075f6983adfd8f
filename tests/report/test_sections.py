"""Sections: their numbers against plain counts of the same rows."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.report import popularity as law
from fauxpay.report.amounts import STEPS, amounts, kind_names, quantile_values
from fauxpay.report.frauds import frauds
from fauxpay.report.geography import Place, geography, parts_of_world
from fauxpay.report.knowledge import knowledge, nulls
from fauxpay.report.parts import number_text, table_of
from fauxpay.report.rhythm import _figure, rhythm
from fauxpay.report.tables import opened
from fauxpay.scorecard.scoring import score


@pytest.fixture(scope="module")
def tables(reported):
    """The run's tables, open."""
    with opened(reported) as found:
        yield found


@pytest.fixture(scope="module")
def rows(reported):
    """The run's transactions as columns."""
    return reported.table("transactions").to_table().to_pandas()


def number(text: str) -> int:
    """A whole number as tables write it."""
    return int(text.replace(",", ""))


def test_the_heat_map_counts_local_hours(tables, rows):
    """Cell by cell, pos payments by the merchant's own weekday and hour, of two weeks."""
    import pandas as pd

    local = rows.event_time.dt.tz_localize(None) + pd.to_timedelta(
        rows.local_offset_minutes.astype(int), unit="min"
    )
    is_pos = rows.channel == "pos"
    wanted = Counter(zip(local[is_pos].dt.day_of_week, local[is_pos].dt.hour, strict=True))
    (figure,) = [one for one in rhythm(tables).figures if one.title == "Payments in shops"]
    cells = {
        (day, hour): 2 * float(text.replace(",", ""))
        for day, row in enumerate(figure.data.rows)
        for hour, text in enumerate(row[1:])
    }
    assert {key: count for key, count in cells.items() if count} == dict(wanted)


def test_the_busiest_hour_is_that_of_its_table():
    """Five Mondays and four Wednesdays: both tell means, and a rare channel's is not 0 a day."""
    week = np.zeros((7, 24), np.int64)
    week[0, 9], week[2, 18] = 105, 100
    days = np.array([5, 4, 4, 4, 4, 4, 5])
    figure = _figure("pos", week, days)
    assert figure.note == "205 payments; busiest Wed 18:00, 25 a day."
    assert (figure.data.rows[0][1 + 9], figure.data.rows[2][1 + 18]) == ("21", "25")
    week[0, 9], week[2, 18] = 0, 1
    assert _figure("atm", week, days).note == "1 payment; busiest Wed 18:00, 0.25 a day."


def test_the_busiest_merchants_are_the_busiest(tables, rows):
    """Payments of the ten busiest, counted without SQL."""
    paid = rows[rows.transaction_type.isin(["purchase", "withdrawal"])]
    wanted = paid.merchant_id.value_counts().head(10).tolist()
    (top,) = law.popularity(tables).tables
    assert [number(row[-1]) for row in top.rows] == wanted


def test_the_exponents_are_those_of_the_scorecard(tables, reported):
    """Digit by digit, with the ranks that were fitted: no more than have a visit."""
    found = {one.fact.key: one.value for one in score(reported, threads=1).findings}
    merchants, cards = law.popularity(tables).figures
    visited = int(merchants.note.split(" ")[0])
    last = min(1000, visited)
    assert 100 <= visited <= number(merchants.data.rows[-1][0])
    wanted = number_text(found["merchant_zipf"])
    assert f"exponent {wanted} at ranks 10 to {last:,}." in merchants.note
    wanted = number_text(found["card_zipf"])
    assert f"exponent {wanted} at ranks 1 to {min(20, len(cards.data.rows))}." in cards.note


@given(st.integers(4, 19))
def test_only_ranks_that_exist_are_named(count):
    """Cards with fewer merchants than are fitted: the caption ends where their dots do."""
    figure = law._cards([(rank, 100 // rank, 900, 3) for rank in range(1, count + 1)])
    assert f"at ranks 1 to {count}." in figure.note


@given(st.floats(0.3, 2.5), st.integers(5, 60))
def test_the_slope_of_a_power_law_is_found(exponent, count):
    """Property: an exact Zipf law gives back its exponent."""
    points = [(rank, 3.0 * rank**-exponent) for rank in range(1, count)]
    found = law.slope(points)
    if count <= 3:
        assert found is None
    else:
        assert found == pytest.approx(exponent, rel=1e-9)


@given(st.integers(1, 10**7))
def test_ranks_reach_from_the_first_to_the_last(count):
    """Property: ascending, without repetition, both ends and the fit's edges among them."""
    found = law.ranks(count)
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (1, count)
    assert all(rank in found for rank in (10, 1000) if rank <= count)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=200), st.floats(0.01, 0.99))
def test_quantiles_of_the_histogram_are_close(values, share):
    """Property: within a step (2.4 %) of the exact quantile."""
    counted = sorted(Counter(math.floor(STEPS * math.log10(value)) for value in values).items())
    (found,) = quantile_values(counted, (share,))
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    assert found == pytest.approx(exact, rel=0.024)


def test_price_endings_add_up(tables, rows):
    """Shares of each kind sum to one, and .00 of all purchases is the plain share."""
    (_, figure) = amounts(tables).figures
    for row in figure.data.rows:
        assert sum(float(share) for share in row[3:]) == pytest.approx(1, abs=2e-3)
    cents = rows[(rows.transaction_type == "purchase") & (rows.currency != "JPY")]
    wanted = (cents.amount_minor % 100 == 0).mean()
    assert float(figure.data.rows[0][3]) == pytest.approx(wanted, abs=1e-4)
    assert kind_names()["5411"] == "Groceries and supermarkets"


def test_spending_of_places_is_the_sum_of_rows(tables, rows):
    """Card-present payments of all maps are those of the rows, refunds and declines left out."""
    wanted = rows[
        rows.latitude.notna()
        & rows.transaction_type.isin(["purchase", "withdrawal"])
        & rows.is_approved
    ]
    section = geography(tables)
    cities = sum(number(one.note.split(" ")[0]) for one in section.figures)
    assert cities == len(wanted[["merchant_city", "merchant_country"]].drop_duplicates())
    listed = [number(row[2]) for one in section.figures for row in one.data.rows]
    assert sum(listed) == len(wanted)


@given(st.lists(st.tuples(st.integers(-17999, 17999), st.floats(0, 1e6)), min_size=1, max_size=40))
def test_parts_of_the_world_keep_every_city_once(found):
    """Property: nothing is lost, and no two cities of different parts are close in longitude."""
    places = [Place(str(n), "XX", 1, euros, x, 0) for n, (x, euros) in enumerate(found)]
    parts = parts_of_world(sorted(places, key=lambda one: -one.euros))
    assert sorted(one.city for part in parts for one in part) == sorted(one.city for one in places)
    for part in parts:
        for other in parts:
            if part is not other:
                assert all(abs(a.x - b.x) > 2400 for a in part for b in other)


def test_frauds_by_day_and_kind_are_the_truth(tables, reported):
    """The timeline's table sums to the truth table, kind by kind; the mix says the same."""
    truth = reported.table("truth").to_table().to_pandas()
    wanted = truth.typology.astype(str).value_counts().to_dict()
    timeline, _, mix = frauds(tables).figures
    names = [name.replace(" ", "_") for name in timeline.data.columns[1:]]
    sums = np.sum([[number(text) for text in row[1:]] for row in timeline.data.rows], axis=0)
    assert dict(zip(names, sums.tolist(), strict=True)) == wanted
    assert {row[0].replace(" ", "_"): number(row[1]) for row in mix.data.rows} == wanted


def test_the_delay_curve_ends_at_what_is_known(tables, reported):
    """Share known by the last listed day, from the labels themselves."""
    rows = reported.table("transactions").to_table().to_pandas().set_index("transaction_id")
    truth = reported.table("truth").to_table().to_pandas()
    labels = reported.table("labels").to_table().to_pandas()
    first = labels[labels.label == "fraud"].groupby("transaction_id").known_at.min()
    known = first.reindex(truth.transaction_id)
    delay = (known - rows.event_time.reindex(known.index)).dt.total_seconds() / 86_400
    (figure,) = knowledge(tables).figures
    for row in figure.data.rows:
        day = float(row[0])
        assert float(row[-1]) == pytest.approx((delay < day).mean(), abs=1e-3), day


def test_nulls_are_those_of_the_rows(tables, rows):
    """Every nullable column of transactions with its own count of nulls."""
    (figure,) = nulls(tables).figures
    found = {row[1]: number(row[3]) for row in figure.data.rows if row[0] == "transactions"}
    assert found == {name: int(rows[name].isna().sum()) for name in found}
    assert found["latitude"] > 0


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_numbers_read_back_as_they_were(value):
    """Property: four digits of every number, without an exponent where it is large."""
    text = number_text(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=6e-4, abs=0.5)
    assert "e" not in text or abs(value) < 1e-4


def test_only_columns_of_numbers_are_set_as_numbers():
    """A column with one text is text; none counts as a number."""
    table = table_of("x", ("a", "b"), [(1, "x"), (None, 2)])
    assert table.numbers == {0}
    assert table.rows == (("1", "x"), ("–", "2"))


def test_without_the_extra_the_report_says_how_to_get_it(reported, monkeypatch):
    """scikit-learn is not installed: a note with the command in place of curves."""
    import sys

    from fauxpay.report.difficulty import detectors, difficulty

    monkeypatch.setitem(sys.modules, "sklearn", None)
    section = difficulty(detectors(reported))
    assert not section.figures
    assert "pip install 'fauxpay[difficulty]'" in section.notes[0]

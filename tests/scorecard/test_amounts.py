"""Measures of amounts, channels, posting and fraud against tables whose answers are known."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from card_tables import FIRST, instants, prepared, write
from fauxpay.foundations.reference import rates_on
from fauxpay.scorecard.measures.amounts import amounts, median_of
from fauxpay.scorecard.measures.channels import channels
from fauxpay.scorecard.measures.fraud import bursts, fraud, knowledge, typologies
from fauxpay.scorecard.measures.posting import posting
from fauxpay.scorecard.mixtures import component_count

DAYS = 14


def table(rows: int, **columns):
    """Rows over two weeks, with some columns."""
    return {
        "card": np.arange(rows) % 10,
        "at": instants(np.arange(rows) / rows * DAYS),
        "amount": 10.0,
        **columns,
    }


def test_tickets_by_product_and_contactless(tmp_path):
    """Known answers: credit 30 against debit 20; contactless 15 of a mean of 25."""
    path = write(
        tmp_path / "t.parquet",
        table(
            400,
            amount=[20.0, 30.0, 10.0, 30.0] * 100,
            card_product=["debit", "credit", "debit", "credit"] * 100,
            entry_mode=["chip", "contactless", "contactless", "chip"] * 100,
        ),
    )
    with prepared(path) as ready:
        found = amounts(ready)
    assert found["credit_debit_ticket"].value == pytest.approx(2)
    assert found["contactless_ticket"].value == pytest.approx(20 / 22.5)


def test_shape_of_a_lognormal(tmp_path):
    """Distribution: mean over median is exp(sd^2 / 2), the sd of logs is the sd."""
    rng = np.random.default_rng(1)
    path = write(tmp_path / "t.parquet", table(60_000, amount=np.exp(rng.normal(3, 1.1, 60_000))))
    with prepared(path) as ready:
        found = amounts(ready)
    assert found["mean_over_median"].value == pytest.approx(np.exp(1.1**2 / 2), rel=0.03)
    assert found["amount_log_sd"].value == pytest.approx(1.1, rel=0.02)
    assert found["amount_components"].value == 1


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40).filter(any), st.integers(-300, 300))
def test_a_median_lies_in_the_bin_that_holds_the_middle(counts, lowest):
    """Property: as many amounts on either side."""
    array = np.array(counts, np.float64)
    place = np.log(median_of(array, lowest)) * 100 - lowest
    below = np.interp(place, np.arange(array.size + 1), np.concatenate(([0], np.cumsum(array))))
    assert below == pytest.approx(array.sum() / 2, abs=1e-6 * array.sum() + 1e-6)


def histogram(amount: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bins of log amounts, twenty in a factor of e."""
    place, count = np.unique(np.floor(np.log(amount[amount > 0]) * 20), return_counts=True)
    return (place + 0.5) / 20, count.astype(np.float64)


def test_components_are_seen_and_price_endings_are_none():
    """Known answers: one lognormal is one, in prices that end in .99 too; two far apart are two."""
    rng = np.random.default_rng(2)
    one = np.exp(rng.normal(2.5, 1.1, 400_000))
    priced = np.where(rng.random(one.size) < 0.3, np.maximum(np.floor(one) - 0.01, 0.99), one)
    two = np.concatenate((np.exp(rng.normal(1, 0.4, 200_000)), np.exp(rng.normal(4, 0.7, 200_000))))
    three = np.concatenate((two, np.exp(rng.normal(8, 0.5, 200_000))))
    assert component_count(*histogram(one)) == 1
    assert component_count(*histogram(np.round(priced, 2))) == 1
    assert component_count(*histogram(two)) == 2
    assert component_count(*histogram(three)) == 3


def test_endings_count_where_there_are_two_digits(tmp_path):
    """Known answers: .00 on 2 of 4, .99 on 1 of 4 pounds; yen have no cents to end in."""
    path = write(
        tmp_path / "t.parquet",
        table(
            500,
            amount=[12.00, 7.00, 4.99, 3.21, 300.0] * 100,
            currency=["GBP", "GBP", "GBP", "GBP", "JPY"] * 100,
        ),
    )
    with prepared(path) as ready:
        found = amounts(ready)
    assert found["endings_00"].value == pytest.approx(0.5)
    assert found["endings_99"].value == pytest.approx(0.25)


def test_notes_are_those_of_the_currency(tmp_path):
    """Known answers: 70 pounds and 3,000 yen are notes, 75 pounds and 3,500 yen are not."""
    path = write(
        tmp_path / "t.parquet",
        table(
            400,
            amount=[70.0, 75.0, 3000.0, 3500.0] * 100,
            currency=["GBP", "GBP", "JPY", "JPY"] * 100,
            kind="withdrawal",
        ),
    )
    with prepared(path) as ready:
        assert amounts(ready)["withdrawal_notes"].value == pytest.approx(0.5)


def test_values_are_compared_in_one_currency(tmp_path):
    """Known answer: dollars and yen by the reference rates of the first day; of others none."""
    path = write(
        tmp_path / "t.parquet",
        table(
            300,
            amount=[100.0, 5000.0, 1.0] * 100,
            currency=["USD", "JPY", "XXX"] * 100,
            channel=["ecom", "pos", "pos"] * 100,
        ),
    )
    dollar, yen = rates_on(FIRST, ["USD", "JPY"])
    with prepared(path) as ready:
        assert ready.currency == "EUR"
        share = channels(ready)["remote_value"].value
    assert share == pytest.approx((100 / dollar) / (100 / dollar + 5000 / yen))


def test_channels_by_hand(tmp_path):
    """Known answers: remote by count, home, refunds of all rows, contactless in shops only."""
    path = write(
        tmp_path / "t.parquet",
        table(
            800,
            channel=["pos", "pos", "pos", "ecom"] * 200,
            entry_mode=["contactless", "chip", "contactless", "ecommerce"] * 200,
            card_product="debit",
            merchant_country=["GB", "GB", "FR", "GB"] * 200,
            card_country="GB",
            kind=(["purchase"] * 39 + ["refund"]) * 20,
        ),
    )
    with prepared(path) as ready:
        found = channels(ready)
    purchases = [n for n in range(800) if n % 40 != 39]
    assert found["refunds"].value == pytest.approx(1 / 40)
    assert found["remote_count"].value == pytest.approx(
        sum(n % 4 == 3 for n in purchases) / len(purchases)
    )
    assert found["home_share"].value == pytest.approx(
        sum(n % 4 != 2 for n in purchases) / len(purchases)
    )
    assert found["contactless_debit"].value == pytest.approx(2 / 3)
    assert found["contactless_credit"].value is None


def test_posting_lags_are_counted_from_the_utc_day(tmp_path):
    """Known answer: lags of 0, 1, 3 and 4 days are 3 of 4 within three; nulls are not posted."""
    rows = 500
    at = np.arange(rows) / rows * DAYS
    lags = [0, 1, 3, 4, None] * 100
    posted = [
        None if lag is None else FIRST + timedelta(days=int(day) + lag)
        for day, lag in zip(at, lags, strict=True)
    ]
    path = write(
        tmp_path / "t.parquet", {"card": [1] * rows, "at": instants(at), "posted_on": posted}
    )
    with prepared(path) as ready:
        assert posting(ready)["posting_lag"].value == pytest.approx(0.75, abs=0.01)


@pytest.fixture
def frauds(tmp_path):
    """1,000 payments of two kinds; four frauds of one card, two of another."""
    rows = 1000
    label = np.zeros(rows, int)
    day = np.arange(rows) / rows * DAYS
    card = np.arange(rows) % 50 + 100
    channel = np.where(np.arange(rows) % 5 == 0, "ecom", "pos")
    amount = np.full(rows, 10.0)
    typology = np.array([None] * rows, object)
    known = np.array([None] * rows, object)
    chosen = [10, 15, 20, 25, 400, 900]
    label[chosen] = 1
    card[chosen] = [1, 1, 1, 1, 2, 2]
    day[chosen] = [3.01, 3.02, 3.03, 3.04, 5.6, 12.6]
    amount[chosen] = [1.0, 40.0, 30.0, 29.0, 50.0, 50.0]
    typology[chosen] = ["card_testing"] * 4 + ["lost_stolen"] * 2
    channel[chosen] = ["ecom"] * 4 + ["pos"] * 2
    for n, delay in zip(chosen, [1, 2, 3, 4, 5, 90], strict=True):
        known[n] = np.datetime64(FIRST, "us").astype(object) + timedelta(days=day[n] + delay)
    return write(
        tmp_path / "fraud.parquet",
        {
            "card": card,
            "at": instants(day),
            "amount": amount,
            "label": label,
            "channel": list(channel),
            "typology": list(typology),
            "known_at": list(known),
        },
    )


def test_fraud_by_hand(frauds):
    """Known answers: rates, remote share of the value, tickets, small ones, typologies."""
    with prepared(frauds) as ready:
        found = fraud(ready) | typologies(ready) | bursts(ready) | knowledge(ready)
        assert ready.frauds == 6
    assert found["fraud_rate_count"].value == pytest.approx(6 / 1000)
    assert found["fraud_rate_value"].value == pytest.approx(200 / (9940 + 200))
    assert found["fraud_remote_value"].value == pytest.approx(0.5)
    assert found["fraud_ticket"].value == pytest.approx((200 / 6) / 10)
    assert found["fraud_small"].value == pytest.approx(1 / 4)
    assert found["typology_cnp"].value == pytest.approx(0.5)
    assert found["typology_lost_stolen"].value == pytest.approx(0.5)
    assert found["typology_counterfeit"].value == 0
    assert found["frauds_per_card_day"].value == pytest.approx(6 / 3)
    assert found["bursts_in_a_day"].value == pytest.approx(1 / 2)
    assert found["known_median"].value == pytest.approx(3.5)
    assert found["known_max"].value == pytest.approx(90)
    assert found["fraud_cross_border"].value is None
    assert found["night_ratio"].value > 4


def test_a_table_without_fraud_has_no_values_of_it(tmp_path):
    """Negative: rates are 0, ratios are nothing, none is a number that is none."""
    path = write(tmp_path / "t.parquet", table(100, label=0, channel="pos"))
    with prepared(path) as ready:
        found = fraud(ready) | bursts(ready) | knowledge(ready)
    assert found["fraud_rate_count"].value == 0
    assert {found[key].value for key in ("fraud_ticket", "bursts_in_a_day", "known_median")} == {
        None
    }

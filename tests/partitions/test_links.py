"""Order and links: every card's rows form one chain over files and days."""

from __future__ import annotations

import polars as pl
import pytest

from worlds import DAY, config, maker_of, tables, until

BUSY = {"card_testing_per_card_year": 3.0, "lost_stolen_per_card_year": 3.0}


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Three weeks of a world with much fraud, with truth joined."""
    maker = maker_of(config(fraud=BUSY, activity={"refund_share": 0.05, "reversal_share": 0.02}))
    days = [tables(maker, day) for day in range(DAY, DAY + 21)]
    rows = pl.concat([pl.from_arrow(day["transactions"]) for day in days])
    truth = pl.concat([pl.from_arrow(day["truth"]) for day in days])
    return rows.join(truth, on="transaction_id", how="left", maintain_order="left")


def test_rows_are_in_time_order(rows):
    """Files come out sorted by event time and days follow each other."""
    assert rows["event_time"].is_sorted()
    assert rows["transaction_id"].n_unique() == rows.height


def test_previous_is_the_row_before_of_the_same_card(rows):
    """previous_transaction_id is exact: the chain of each card has no gap, also past a fraud."""
    chained = rows.with_columns(
        expected=pl.col("transaction_id").shift(1).over("card_id", order_by=pl.int_range(pl.len()))
    )
    inner = chained.filter(pl.col("expected").is_not_null())
    wrong = inner.filter(pl.col("previous_transaction_id") != pl.col("expected"))
    assert inner.height > 10_000
    assert wrong.height == 0


def test_first_rows_look_back_beyond_the_window(rows):
    """A card's first row of the window points to a row before it, unless the card is new."""
    first = rows.group_by("card_id", maintain_order=True).first()
    known = set(rows["transaction_id"].to_list())
    earlier = first["previous_transaction_id"].drop_nulls().to_list()
    assert len(earlier) > 0.7 * first.height
    assert not known & set(earlier)


def test_earlier_days_hold_what_first_rows_point_to(rows):
    """The look-back by counts finds the very row that the day before would have written."""
    maker = maker_of(config(fraud=BUSY, activity={"refund_share": 0.05, "reversal_share": 0.02}))
    before = pl.concat(
        [pl.from_arrow(tables(maker, day)["transactions"]) for day in range(DAY - 12, DAY)]
    )
    first = rows.group_by("card_id", maintain_order=True).first()
    last = (
        before.group_by("card_id", maintain_order=True)
        .last()
        .select("card_id", last_id="transaction_id")
    )
    joined = first.join(last, on="card_id")
    assert joined.height > 500
    assert (joined["previous_transaction_id"] == joined["last_id"]).all()


def test_returns_point_to_approved_purchases(rows):
    """A refund or reversal repeats its purchase: card, merchant, amount and a later time."""
    returns = rows.filter(pl.col("original_transaction_id").is_not_null())
    assert set(returns["transaction_type"].unique()) == {"refund", "reversal"}
    joined = returns.join(
        rows, left_on="original_transaction_id", right_on="transaction_id", suffix="_source"
    )
    assert joined.height > 0.7 * returns.height > 100
    for column in ("account_id", "merchant_id", "terminal_id", "amount_minor", "currency"):
        assert (joined[column] == joined[f"{column}_source"]).all(), column
    assert (joined["event_time"] > joined["event_time_source"]).all()
    assert joined["is_approved_source"].all()
    assert (joined["transaction_type_source"] != "refund").all()


def test_only_returns_point_back(rows):
    """Every refund and reversal has an original, nothing else has."""
    is_return = pl.col("transaction_type").is_in(["refund", "reversal"])
    assert rows.filter(is_return != pl.col("original_transaction_id").is_not_null()).height == 0
    assert rows["original_transaction_id"].drop_nulls().n_unique() == rows.filter(is_return).height


def test_subscriptions_come_back_alike():
    """Most subscriptions have the same merchant and price a month later, on the same day."""
    maker = maker_of(config(run=until(DAY + 35)))
    first, second = (
        pl.from_arrow(tables(maker, day)["transactions"]).filter("is_recurring")
        for day in (DAY + 3, DAY + 34)
    )
    key = ["account_id", "merchant_id", "amount_minor", "currency"]
    assert first.height > 20
    alike = first.select(key).join(second.select(key), on=key, how="inner")
    # The rest ended, began, changed its price, is billed once a year or is an attempt again.
    assert alike.height > 0.75 * max(first.height, second.height)

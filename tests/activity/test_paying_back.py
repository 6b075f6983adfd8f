"""Paying back: what comes back to shops, by trade."""

from __future__ import annotations

import polars as pl
import pytest

from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker
from worlds import DAY, config, days_tables, maker_of, parameters

WORN = ("5311", "5621", "5651", "5661", "5691", "5699", "5399")
EATEN = ("5812", "5813", "5814", "5499", "5462", "5541", "5542", "4111", "4121")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Three weeks of rows of a world in which much is taken back."""
    maker = maker_of(config(activity={"refund_share": 0.08}, fraud={"enabled": False}))
    made = [
        pl.from_arrow(table["transactions"])
        for day in range(DAY, DAY + 21, 7)
        for table in days_tables(maker, range(day, day + 7))
    ]
    return pl.concat(made)


def test_clothes_come_back_and_dinners_do_not(rows):
    """Refunds are many times as frequent among clothes as among meals, fuel and fares."""
    bought = rows.filter(pl.col("transaction_type") == "purchase")
    back = rows.filter(pl.col("transaction_type") == "refund")
    share = {}
    for name, trades in (("worn", WORN), ("eaten", EATEN)):
        of = pl.col("mcc").is_in(trades)
        share[name] = back.filter(of).height / bought.filter(of).height
    assert back.height > 500
    assert share["worn"] > 4 * share["eaten"] > 0
    assert 0.03 < back.height / bought.height < 0.08


def test_a_trade_that_pays_nothing_back_has_no_refunds():
    """The share of a category is a chance: at nought nothing comes back."""
    shares = dict.fromkeys(parameters().value("activity.returns.category_share"), 0.0)
    facts = load_parameters({"activity.returns.category_share": {**shares, "5411": 1.0}})
    settings = config(activity={"refund_share": 0.08})
    maker = PartitionMaker(maker_of(config()).world, settings, facts)
    made = [pl.from_arrow(day["transactions"]) for day in days_tables(maker, range(DAY, DAY + 7))]
    back = pl.concat(made).filter(pl.col("transaction_type") == "refund")
    assert back.height > 50
    assert set(back["mcc"]) == {"5411"}

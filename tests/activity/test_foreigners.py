"""Customers in other countries: there they swipe and telephone as thieves do."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.outcomes import outcome_tables
from fauxpay.activity.rows import CONTACTLESS, MAGSTRIPE
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker
from worlds import DAY, config, days_tables, maker_of, parameters

SETTINGS = config(
    catalog={"cards": 3000, "merchants": 2000, "places": 40},
    activity={"travel_share": 0.15},
    fraud={"enabled": False},
)
SHARE = "activity.entry.foreign_magstripe_share"


@pytest.fixture(scope="module")
def maker() -> PartitionMaker:
    """Customers who travel much, and no thieves."""
    return maker_of(SETTINGS)


def rows_of(maker: PartitionMaker) -> pl.DataFrame:
    """Rows of two weeks and whether the merchant is abroad."""
    made = [pl.from_arrow(one["transactions"]) for one in days_tables(maker, range(DAY, DAY + 14))]
    names = np.array(maker.world.countries)
    cards = pl.DataFrame(
        {"card_id": maker.world.cards.id, "home": names[maker.world.cards.country]}
    )
    return (
        pl.concat(made)
        .filter(pl.col("transaction_type").is_in(["purchase", "withdrawal"]))
        .join(cards, on="card_id")
        .with_columns(abroad=pl.col("home") != pl.col("merchant_country").cast(pl.String))
    )


def test_the_stripe_is_read_more_often_abroad(maker):
    """In shops and at machines, of foreign cards, about as often as the parameter says."""
    rows = rows_of(maker).filter(pl.col("channel").cast(pl.String).is_in(["pos", "atm"]))
    swiped = pl.col("entry_mode").cast(pl.String) == "magstripe"
    share = rows.group_by("abroad").agg(swiped.mean().alias("share"), pl.len())
    found = {one["abroad"]: one["share"] for one in share.to_dicts()}
    assert rows["abroad"].sum() > 500
    assert found[False] < 0.03
    assert abs(found[True] - parameters().value(SHARE)) < 0.035


def test_some_orders_by_telephone_go_abroad(maker):
    """About as many as the parameter says; the others stay in the card's country."""
    rows = rows_of(maker).filter(pl.col("channel").cast(pl.String) == "moto")
    wanted = parameters().of_country("GB")["abroad"]["telephone_share"]
    assert rows.height > 250
    assert 0.3 * wanted < rows["abroad"].mean() < 3 * wanted


def test_at_home_entries_hang_on_their_own_country_alone(maker):
    """Known answers: the tables of cards from elsewhere change with the parameter, others not."""
    world = maker.world
    codes = maker.transactions.column("response_code").enum
    more = outcome_tables(world, SETTINGS, codes, load_parameters({SHARE: 0.5})).entry
    none = outcome_tables(world, SETTINGS, codes, load_parameters({SHARE: 0.0})).entry
    shape = (len(world.countries), 2, -1, 256)
    more, none = more.reshape(shape), none.reshape(shape)
    assert np.array_equal(more[:, 0], none[:, 0])
    assert np.array_equal(none[:, 0], none[:, 1])
    tills = (none[:, 1] == MAGSTRIPE).any(axis=-1)
    assert tills.any()
    assert np.allclose((more[:, 1] == MAGSTRIPE).mean(axis=-1)[tills], 0.5, atol=0.005)
    # Who swipes is drawn from taps and chips alike.
    taps = (none[:, 0] == CONTACTLESS).mean(axis=-1)
    left = 1 - (none[:, 0] == MAGSTRIPE).mean(axis=-1)
    wanted = np.where(tills, taps / np.where(tills, left, 1.0) / 2, taps)
    assert np.allclose((more[:, 1] == CONTACTLESS).mean(axis=-1), wanted, atol=0.01)
    assert np.array_equal(more[:, 1][~tills], none[:, 1][~tills])

"""Cards are tried where small orders are nothing strange."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.rows import ONLINE
from fauxpay.activity.tickets import shares_below
from fauxpay.foundations.quantiles import MANTISSA_BITS, OCTAVES
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.plan import demands_of
from fauxpay.fraud.shops import Choice, popularity_shares, remote_shops
from fauxpay.fraud.typology import TYPOLOGIES, typologies_of
from worlds import DAY, config, maker_of, parameters

TRIED_BY = ("card_testing", "bin_attack")


@pytest.fixture(scope="module")
def maker():
    """A small world in which many cards are tried."""
    return maker_of(config(fraud={f"{name}_per_card_year": 4.0 for name in TRIED_BY}))


def test_shares_below_are_those_of_the_tickets_that_are_drawn(maker):
    """Of the tickets of a class at price level 1, by the table they are drawn from."""
    world, tickets = maker.world, maker.tables.tickets
    median = tickets.quantiles[tickets.class_of, (OCTAVES - 1) << MANTISSA_BITS]
    level = world.merchants.price_level
    for factor, share in ((1.0, 0.5), (1e-9, 0.0), (1e9, 1.0)):
        for merchant in range(0, level.size, 40):
            cents = float(median[merchant] * level[merchant] * factor)
            assert shares_below(tickets, world, cents)[merchant] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("name", TRIED_BY)
def test_cards_are_tried_where_customers_have_small_orders(maker, name):
    """A shop's part of the tests is its part of the small orders, not of all orders."""
    world, plan = maker.world, maker.shard(0).plan
    attacks, merchants = plan.attacks, world.merchants
    its = plan.compromises.typology[attacks.compromise] == TYPOLOGIES.index(name)
    cents = attacks.amount / (maker.tables.tickets.scale / merchants.price_level)[attacks.merchant]
    law = parameters().value("fraud.hotspots.small_cents")
    tests = np.flatnonzero(its & (attacks.kind == ONLINE) & (cents < law))
    share = shares_below(maker.tables.tickets, world, float(law))
    assert tests.size > 300
    sells = merchants.presence != 0
    weight = merchants.popularity * share * sells
    usual = np.average(share[sells], weights=merchants.popularity[sells])
    small = np.average(share, weights=weight)
    found = share[attacks.merchant[tests]].mean()
    assert abs(found - small) < abs(found - usual), (found, small, usual)
    hardly = share < usual / 4
    assert hardly[attacks.merchant[tests]].mean() < 0.06


def ground_of(maker, **hotspots: float) -> Ground:
    """What card testing stands on, with some other facts about shops."""
    common, named = maker.parameters.section("fraud"), typologies_of(maker.config)[0]
    assert named.typology.name == "card_testing"
    return Ground(
        activity=maker.shard(0).activity,
        name=named.typology.name,
        code=named.code,
        facts=common[named.typology.name],
        common={**common, "hotspots": {**common["hotspots"], **hotspots}},
        demand=demands_of(maker.config, named)[0],
        end_day=DAY + 1,
    )


def tried_at(ground: Ground, count: int):
    """Shops of so many tests of cards, in all countries."""
    key = np.arange(count, dtype=np.uint64)
    country = np.arange(count) % len(ground.activity.world.countries)
    choice = Choice(key, np.zeros(count, dtype=np.int64), np.full(count, DAY * DAY_MS))
    return country, remote_shops(ground, country, choice, is_test=np.ones(count, dtype=np.bool_))


def test_shops_of_tests_last_sell_online_and_are_no_tiny_ones(maker):
    """A stranger is one of many there, on whatever day."""
    ground = ground_of(maker, online_least=0.004)
    country, where = tried_at(ground, 4000)
    world, tables = maker.world, maker.tables.where
    merchants = world.merchants
    assert (merchants.country[where.merchant] == country).all()
    assert (merchants.presence[where.merchant] != 0).all()
    assert (popularity_shares(ground, where.merchant) >= 0.004).all()
    # Chances of merchants that come and go stand below nought.
    chance = tables.open[tables.hours[where.merchant][:, None] + np.arange(672)]
    assert (chance >= 0).all()
    assert (where.kind == ONLINE).all()


def test_where_nothing_is_cheap_cards_are_tried_anyhow(maker):
    """A country without small orders has shops, and no test waits for one that has."""
    _, where = tried_at(ground_of(maker, small_cents=1e-6), 4000)
    assert (maker.world.merchants.presence[where.merchant] != 0).all()
    assert np.unique(where.merchant).size > 20

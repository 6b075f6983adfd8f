"""Cards are tried where small orders are nothing strange."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.activity.rows import ONLINE
from fauxpay.activity.tickets import shares_below
from fauxpay.foundations.quantiles import MANTISSA_BITS, OCTAVES
from fauxpay.fraud.typology import TYPOLOGIES
from worlds import config, maker_of, parameters

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

"""Thieves with a card in hand find doors shut like everybody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.opening import ALWAYS_OPEN
from fauxpay.activity.rows import CASH, LOCAL
from fauxpay.fraud.plan import grounds_of
from fauxpay.fraud.shops import Choice, local_shops
from fauxpay.fraud.typology import TYPOLOGIES
from worlds import DAY, config, maker_of

PRESENT = ("lost_stolen", "skimming", "card_not_received", "application_fraud")


@pytest.fixture(scope="module")
def maker():
    """A small world with much fraud in shops."""
    return maker_of(config(fraud={f"{name}_per_card_year": 4.0 for name in PRESENT}))


def chances(tables, merchant, quarter):
    """Chances of 256 that merchants are open at quarters of the week."""
    chance = tables.open[tables.hours[merchant] + quarter].astype(np.int64)
    return np.where(chance < 0, chance + 2 * ALWAYS_OPEN, chance)


def test_nobody_buys_behind_a_closed_door(maker):
    """No purchase with the card present at an hour when its shop is never open."""
    shard, world = maker.shard(0), maker.world
    attacks, code = shard.plan.attacks, shard.plan.compromises.typology
    for name in PRESENT:
        row = np.flatnonzero(
            (code[attacks.compromise] == TYPOLOGIES.index(name)) & (attacks.kind == LOCAL)
        )
        merchant, at_ms = attacks.merchant[row], attacks.at_ms[row]
        place, day = world.merchants.place[merchant], at_ms // DAY_MS
        quarter = shard.activity.local_quarters(place, day, at_ms % DAY_MS)
        assert row.size > 500
        assert (quarter % 96 < 24).sum() > 20, "some come at night"
        assert (chances(maker.tables.where, merchant, quarter) > 0).all(), name


def test_where_all_is_shut_a_cash_machine_is_left(maker):
    """Without a shop that is never shut, who comes at night goes to a machine of the place."""
    activity = maker.shard(0).activity
    where = activity.tables.where
    night = replace(where, open=np.where(where.open < 0, -2 * ALWAYS_OPEN, 0).astype(np.int16))
    activity = replace(activity, tables=replace(activity.tables, where=night))
    _, ground = next(grounds_of(activity, maker.config, maker.parameters, DAY + 1))
    place = np.arange(maker.world.places.city.size)
    choice = Choice(
        place.astype(np.uint64), np.zeros_like(place), np.full_like(place, DAY * DAY_MS)
    )
    found = local_shops(ground, place, np.zeros_like(place), choice, np.zeros(place.size, np.bool_))
    merchants = maker.world.merchants
    assert (found.kind == CASH).all()
    assert {maker.world.mccs[mcc] for mcc in merchants.mcc[found.merchant]} == {"6011"}
    assert np.array_equal(merchants.country[found.merchant], maker.world.places.country)

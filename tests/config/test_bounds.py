"""Bounds: what a parameter may be, and that the engine can use all of it."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.activity.addresses import RECURRING, cell_addresses, code
from fauxpay.activity.streams import Keys
from fauxpay.activity.terms import term_tables, terms_of
from fauxpay.catalog.build import build_catalog
from fauxpay.errors import ConfigError
from fauxpay.foundations.bounds import BOUNDS, bound_fault
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker, world_of
from worlds import DAY, config, maker_of, parameters, tables

LAG = {"median": 6, "log_sd": 0.8, "max": 30}
REFUSED: list[tuple[str, object, str]] = [
    ("activity.recurring.churn_per_year", -0.1, "allowed is 0 to 12: once a month"),
    ("activity.recurring.price_changes_per_year", 13.0, "allowed is 0 to 12"),
    ("activity.recurring.idle_share", 1.0, "allowed is 0 to 0.9"),
    ("activity.recurring.subscriptions_max", 9, "allowed is 0 to 8: addresses have room"),
    ("activity.returns.found_share", 0.0, "allowed is 0.01 to 1"),
    ("activity.returns.refund_lag_days", {**LAG, "median": 0}, "at [median]: allowed is 1 to 30"),
    ("activity.returns.refund_lag_days", {**LAG, "log_sd": 0.0}, "at [log_sd]: allowed is 0.3"),
    ("activity.returns.refund_lag_days", {**LAG, "max": 400}, "at [max]: allowed is 7 to 30"),
    ("activity.countries.default.abroad.online_share", 1.0, "allowed is 0 to 0.99"),
    ("activity.countries.GB.abroad.online_share", 1.0, "allowed is 0 to 0.99"),
    ("activity.countries.IT.abroad.online_share", 1.0, "allowed is 0 to 0.99"),
    ("activity.speed.kmh_max", 0, "allowed is 300 to 100000"),
    ("activity.speed.near_seconds_max", 400, "allowed is 0 to 345"),
    ("activity.travel.days_min", 0, "allowed is 2 to 7"),
    ("activity.moving.told_years", -1.0, "allowed is 0 to 20"),
    ("activity.speed.kmh_max", 10**400, "allowed is a whole number"),
    ("catalog.merchants.chains.count_max", 0, "catalog.chain_share 0 means no chains"),
    ("catalog.merchants.lifetimes.age_years_mean", 0, "allowed is 1 to 1000"),
    ("catalog.terminals.count_max", -1, "allowed is 1 to 250"),
    ("catalog.cards.count_max", 0, "allowed is 1 to 16"),
    ("activity.travel.days_max", 60, "allowed is 7 to 32"),
]


@pytest.mark.parametrize(("name", "value", "told"), REFUSED)
def test_what_the_engine_cannot_use_is_refused(name, value, told):
    """The refusal names the parameter, what is allowed and why."""
    with pytest.raises(ConfigError) as caught:
        load_parameters({name: value})
    assert f"* parameters.{name}: " in str(caught.value)
    assert told in str(caught.value)


def _member(bound: str) -> tuple[str, str]:
    """Name of a bound's parameter, and which of its members it is about."""
    name, _, member = bound.removesuffix("]").partition("[")
    return name, member


@pytest.mark.parametrize("bound", BOUNDS)
def test_shipped_values_are_within_their_bounds(bound):
    """A bound names a parameter that there is, and what is shipped is allowed."""
    name, member = _member(bound)
    value = parameters().value(name)
    assert not member or member in value
    assert bound_fault(name, value) is None


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("bound", BOUNDS)
def test_a_world_can_be_made_at_either_end(bound, end):
    """What is allowed works: a day is made at the lowest and at the highest value."""
    name, member = _member(bound)
    shipped = parameters().value(name)
    kind = type(shipped[member] if member else shipped)
    value = kind(BOUNDS[bound][end])
    override = {name: {**shipped, member: value} if member else value}
    settings, known = config(parameters=override), load_parameters(override)
    world = maker_of(config()).world
    if name.startswith("catalog."):
        world = world_of(build_catalog(settings, known))
    maker = PartitionMaker(world, settings, known)
    assert tables(maker, DAY)["transactions"].num_rows > 500


@pytest.mark.parametrize("log_sd", [0.3, 5.0])
@pytest.mark.parametrize("longest", [7, 30])
@pytest.mark.parametrize("median", [1, 30])
def test_every_law_of_refunds_within_the_bounds_has_days(median, log_sd, longest):
    """Bounds of one law together: its corners can be used."""
    law = {"median": median, "log_sd": log_sd, "max": longest}
    override = {"activity.returns.refund_lag_days": law}
    maker = PartitionMaker(maker_of(config()).world, config(), load_parameters(override))
    lag = maker.tables.returns.lag_days
    assert 1 <= lag.min() <= lag.max() <= longest


def _terms(**recurring: float):
    """(addresses, factors) of 2,000 cards' first subscription in each month of three years."""
    facts = load_parameters({f"activity.recurring.{name}": v for name, v in recurring.items()})
    card = np.arange(2000)
    months = [
        terms_of(
            term_tables(facts),
            Keys.of(7),
            cell_addresses(card, DAY + 31 * nth)
            | code(RECURRING, np.zeros(card.size, dtype=np.int64)).view(np.uint64),
        )
        for nth in range(36)
    ]
    return np.stack([m.address for m in months]), np.stack([m.factor for m in months])


def test_a_rate_of_nothing_means_never():
    """No subscription ends at a churn of 0; no price changes at a rate of 0 of changes."""
    address, _ = _terms(churn_per_year=0.0)
    assert (address == address[0]).all()
    address, factor = _terms(price_changes_per_year=0.0)
    assert not (address == address[0]).all(), "others end as before"
    same_term = address[1:] == address[:-1]
    assert (factor[1:] == factor[:-1])[same_term].all()
    _, usual = _terms()
    assert (usual[1:] != usual[:-1]).any()

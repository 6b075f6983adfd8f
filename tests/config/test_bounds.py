"""Bounds: what a parameter may be, and that the engine can use all of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from fauxpay.activity.addresses import RECURRING, cell_addresses, code
from fauxpay.activity.streams import Keys
from fauxpay.activity.terms import term_tables, terms_of
from fauxpay.catalog.build import build_catalog
from fauxpay.catalog.integrity import check_catalog
from fauxpay.config.typologies import OURS as TYPOLOGIES
from fauxpay.contracts.tables import table
from fauxpay.errors import ConfigError
from fauxpay.foundations.bounds import BOUNDS, CHOICES, bound_fault, choice_fault
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker, world_of
from worlds import DAY, config, maker_of, parameters, tables

LABELS = "labels.yaml#/$defs/labels"
LAG = {"median": 6, "log_sd": 0.8, "max": 30}
STEP = {"median": 6, "log_sd": 0.9, "min": 0.2, "max": 90}
STEPS = parameters().value("labels.stage_days")
BANDS = parameters().value("catalog.cards.rate_by_age")
NAMES = parameters().value("catalog.households.third_adult_age")
FLOOR = parameters().value("catalog.merchants.floor_opening")
CODES = parameters().value("labels.reason_codes.visa")
LISTS = parameters().value("activity.favourites.rank_shift")
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
    ("activity.countries.default.abroad.telephone_share", 1.0, "allowed is 0 to 0.99"),
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
    ("catalog.places.radius_km_max", 0, "allowed is 0.1 to 1000: a city has an area"),
    ("fraud.data_breach.ranks", 5_000_000, "allowed is 1 to 100: all of them are looked at"),
    ("fraud.data_breach.window_days", 10**9, "allowed is 1 to 365"),
    ("fraud.mule_ring.campaign_days", 0, "allowed is 1 to 3650: an era has a day at least"),
    ("fraud.bin_attack.merchants", {"guess": 0, "cash_out": 7}, "at [guess]: allowed is 1 to"),
    ("catalog.devices.ip_network", 10**9, "allowed is 4026531840 to 4026531840"),
    ("catalog.cards.rate_by_age", {**BANDS, "65+": 0}, "at [65+]: allowed is 1e-06 to"),
    ("catalog.countries.price_level", {"US": 0}, "at [US]: allowed is 1e-06 to"),
    ("catalog.households.third_adult_age", {**NAMES, "65+": "zzz"}, "at [65+]: allowed is one of"),
    ("catalog.merchants.floor_opening", {**FLOOR, "cash": "never"}, "at [cash]: allowed is one of"),
    ("labels.reason_codes.visa", {**CODES, "lost": "10.9"}, "allowed is one of 10.1, 10.2"),
    (
        "activity.countries.US.endings.menu",
        [0.62, 0.22, 0.05, 0.11, -1, 1, 0, 0, 0],
        "at [4]: allowed",
    ),
    ("activity.countries.IT.endings.menu", [0.5, 0.6, 0, 0, 0, 0, 0, 0, 0], "that sum to 1"),
    ("activity.travel.population_exponent", 1e300, "allowed is -10 to 10"),
    ("activity.rhythm.day_log_sd", 1000.0, "allowed is 0 to 5"),
    ("activity.recurring.retry_days", [1, 3, 5_000_000], "at [2]: allowed is 0 to 36525"),
    ("activity.favourites.rank_shift", {**LISTS, "cash": -1}, "at [cash]: allowed is 0 to 1e+09"),
    ("activity.amounts.ticket_bounds", [500, 20], "500 is above 20"),
    ("fraud.fashion.period_days", [260, 220], "260 is above 220"),
    ("fraud.phishing.hours", [0] * 24, "allowed are weights of which one at least is above 0"),
    ("labels.stage_days", {**STEPS, "verdict": {**STEP, "max": 0}}, "at [verdict][max]: allowed"),
    ("labels.stage_days", {**STEPS, "verdict": {**STEP, "min": 91}}, "at [verdict][min]: allowed"),
    ("fraud.phishing.detection_hours", {**STEP, "log_sd": 1000}, "at [log_sd]: allowed is 0 to 5"),
    ("fraud.phishing.detection_hours", {**STEP, "median": 0}, "at [median]: allowed is 2.7"),
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


def _at_bound(shipped: object, member: str, end: float) -> object:
    """The value with every number, or the member of that name, at one end of a bound."""
    if isinstance(shipped, dict):
        chosen = {key: _at_bound(value, "", end) for key, value in shipped.items()}
        return {**shipped, member: chosen[member]} if member else chosen
    if isinstance(shipped, list):
        return [_at_bound(value, "", end) for value in shipped]
    return type(shipped)(end)


ELSEWHERE = ("catalog.cards.bin_range", *(one for one in BOUNDS if one.startswith("fraud.")))
"""One BIN is too little for all issuers; fraud has a test for all of it at once."""


@pytest.mark.parametrize("bound", BOUNDS)
def test_shipped_values_are_within_their_bounds(bound):
    """A bound names a parameter that there is, and what is shipped is allowed."""
    name, member = _member(bound)
    value = parameters().value(name)
    assert not member or member in value
    assert bound_fault(name, value) is None


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("bound", [bound for bound in BOUNDS if bound not in ELSEWHERE])
def test_a_world_can_be_made_at_either_end(bound, end):
    """What is allowed works: a day is made at the lowest and at the highest value."""
    name, member = _member(bound)
    override = {name: _at_bound(parameters().value(name), member, BOUNDS[bound][end])}
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


@pytest.mark.parametrize("end", [0, 1])
def test_fraud_can_be_made_at_either_end(end):
    """All bounds of fraud at one end at once, with much of every kind: plans and a day are made."""
    override = {
        name: _at_bound(parameters().value(name), "", BOUNDS[name][end])
        for name in BOUNDS
        if name.startswith("fraud.")
    }
    much = {f"{name}_per_card_year": 0.4 for name in TYPOLOGIES}
    settings = config(parameters=override, fraud=much, run={"to": date(2026, 3, 4)})
    maker = PartitionMaker(maker_of(config()).world, settings, load_parameters(override))
    assert maker.plan_tables(0)["compromises"].num_rows > 500
    assert tables(maker, DAY)["transactions"].num_rows > 500


def test_choices_name_what_there_is():
    """Every text that names something else does as shipped; codes of disputes are the contract's."""
    known = {name: parameters().value(name) for name in parameters().names()}
    for source in CHOICES:
        assert (
            choice_fault(source.partition("[")[0], known[source.partition("[")[0]], known) is None
        )
    codes = table(LABELS).column("reason_code").enum
    told = {
        code
        for name in known
        if name.startswith("labels.reason_codes.")
        for code in known[name].values()
    }
    assert told == {code for code in codes or () if code}


def test_cards_told_for_long_are_good_for_a_month():
    """Where openings are told for longer than cards are good, no card runs out before it opens."""
    override = {"catalog.cards.lifetimes.told_years": 20.0}
    made = build_catalog(config(parameters=override), load_parameters(override))
    assert not check_catalog(made)


@pytest.mark.parametrize("median", [0.001, 1e6])
def test_a_median_beyond_its_bounds_makes_a_world(median):
    """A law whose median is outside of min and max is at one of them: a day can be made."""
    override = {
        "fraud.phishing.use_gap_minutes": {"median": median, "log_sd": 5, "min": 1, "max": 5}
    }
    maker = PartitionMaker(maker_of(config()).world, config(), load_parameters(override))
    assert tables(maker, DAY)["transactions"].num_rows > 500

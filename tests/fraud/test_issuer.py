"""The bank answers a thief by the table that answers the card's own customer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.outcomes import APPROVED
from fauxpay.activity.rows import (
    CASH,
    CHIP,
    CONTACTLESS,
    DEVICE,
    ECOMMERCE,
    LOCAL,
    MAGSTRIPE,
    ONLINE,
    PIN,
)
from fauxpay.foundations.parameters import load_parameters
from fauxpay.fraud.ground import HOUR_MS
from fauxpay.fraud.issuer import _alarmed, _pace, _points, _usual_answers, code_of
from fauxpay.fraud.manner import within_limits
from fauxpay.fraud.plan import grounds_of
from fauxpay.fraud.story import NOT_BLOCKED, Compromises, chosen
from fauxpay.fraud.typology import typologies_of
from fauxpay.partitions.compose import PartitionMaker
from worlds import DAY, config, maker_of, tables

FACTORS = {"US": 12.0, "GB": 0.1}
RATES = {"phishing_per_card_year": 3.0, "skimming_per_card_year": 3.0}


def test_each_country_has_its_own_declines():
    """Attacks on cards of two countries are declined as customers there are, not as the first."""
    facts = {
        f"activity.countries.{name}.payment.decline_factor": factor
        for name, factor in FACTORS.items()
    }
    settings = config(fraud=RATES, parameters=facts)
    world, parameters = maker_of(settings).world, load_parameters(facts)
    shard = PartitionMaker(world, settings, parameters).shard(0)
    attacks, end_day = shard.plan.attacks, shard.activity.epoch_day + 1
    _, ground = next(grounds_of(shard.activity, settings, parameters, end_day))
    declined = _usual_answers(ground, attacks) != 0
    response = shard.activity.tables.outcomes.response
    share = (response.reshape(len(world.countries), 5, 2, -1, 4096) != 0).mean(axis=-1)
    country = world.cards.country[attacks.card]
    crosses = (world.merchants.country[attacks.merchant] != country).astype(np.int64)
    expected = share[country, attacks.kind, crosses, attacks.tail_octave]
    found = {}
    for name in FACTORS:
        its = country == world.countries.index(name)
        found[name] = declined[its].mean()
        assert its.sum() > 400
        assert abs(found[name] - expected[its].mean()) < 0.05, name
    assert found["US"] > 5 * found["GB"]


def test_a_wrong_pin_is_told_to_thieves_where_one_was_asked():
    """55 and 75 stand beside a PIN alone, as they do for customers."""
    settings = config(fraud={"skimming_per_card_year": 3.0, "lost_stolen_per_card_year": 5.0})
    world, parameters = maker_of(settings).world, load_parameters({})
    attacks = PartitionMaker(world, settings, parameters).shard(0).plan.attacks
    wrong = np.isin(attacks.response, [code_of("55"), code_of("75")])
    assert wrong.sum() > 20
    assert (attacks.authentication[wrong] == PIN).all()
    assert (attacks.authentication != PIN).sum() > 100


PIN_FACTS = {
    "activity.countries.US.payment.chip_pin_share": 0.1,
    "activity.countries.GB.payment.chip_pin_share": 0.9,
}
IN_HAND = {"skimming_per_card_year": 3.0, "lost_stolen_per_card_year": 5.0}


@pytest.fixture(scope="module")
def in_hand():
    """Much fraud with cards in hand, in a country of PINs and one of signatures: maker, shard."""
    settings = config(fraud=IN_HAND, parameters=PIN_FACTS)
    world = maker_of(settings).world
    maker = PartitionMaker(world, settings, load_parameters(PIN_FACTS))
    return maker, maker.shard(0)


def test_pins_are_asked_at_machines_and_at_some_tills(in_hand):
    """Always for cash, at tills with a chip as often as of the country's customers, not online."""
    maker, shard = in_hand
    attacks, cards = shard.plan.attacks, maker.world.cards
    asked = attacks.authentication == PIN
    till = (attacks.kind == LOCAL) & (attacks.entry_mode == CHIP)
    tapped = (attacks.kind == LOCAL) & (attacks.entry_mode == CONTACTLESS)
    assert min((attacks.kind == CASH).sum(), till.sum(), tapped.sum()) > 100
    assert asked[attacks.kind == CASH].all()
    for name, share in (("US", 0.1), ("GB", 0.9)):
        its = till & (cards.country[attacks.card] == maker.world.countries.index(name))
        assert its.sum() > 100
        assert abs(asked[its].mean() - share) < 0.1, name
    assert not asked[attacks.kind == ONLINE].any()
    # Whoever was not asked is not refused for what they do not know.
    assert (attacks.response[tapped] == APPROVED).mean() > 0.5
    assert (attacks.response[till & asked] == code_of("55")).mean() > 0.2


def test_a_thief_knows_a_pin_or_does_not(in_hand):
    """Who was approved with a PIN mistypes no other; who is wrong is wrong until tries are over."""
    _, shard = in_hand
    attacks = shard.plan.attacks
    asked = attacks.authentication == PIN
    wrong = asked & np.isin(attacks.response, [code_of("55"), code_of("75")])
    knows = np.zeros(shard.plan.compromises.card.size, dtype=np.bool_)
    knows[attacks.compromise[asked & (attacks.response == APPROVED)]] = True
    again = asked & knows[attacks.compromise]
    assert again.sum() > 200
    # As few as of customers: the bank's own table has wrong PINs, too.
    assert wrong[again].mean() < 0.02
    tried = np.bincount(attacks.compromise[attacks.response == code_of("55")])
    assert tried.max() <= 3 + 1, "three of one's own, one by the table of customers"
    over = attacks.response == code_of("75")
    lost = typology_codes(shard, "lost_stolen")
    assert (over & lost).sum() > 5


def test_copies_without_a_pin_do_not_go_to_machines(in_hand):
    """Cash by a copied stripe is not refused for a wrong PIN, but as rarely as a customer's."""
    _, shard = in_hand
    attacks = shard.plan.attacks
    cash = (attacks.kind == CASH) & typology_codes(shard, "skimming")
    assert cash.sum() > 200
    assert (attacks.response[cash] == code_of("55")).mean() < 0.03


def test_a_found_card_is_tapped_below_the_limit_and_by_nobodys_phone(in_hand):
    """What the bank answered is what stands in the rows: no tap turned into an approved PIN."""
    maker, _ = in_hand
    parts = [tables(maker, day) for day in range(DAY, DAY + 24)]
    joined = pl.concat(
        pl.from_arrow(made["transactions"]).join(
            pl.from_arrow(made["truth"]).select("transaction_id", "typology"), on="transaction_id"
        )
        for made in parts
    )
    found = joined.filter((pl.col("typology") == "lost_stolen") & (pl.col("channel") == "pos"))
    taps = found.filter(pl.col("entry_mode") == "contactless")
    assert taps.height > 200
    assert set(taps["authentication"]) == {"none"}
    limit = {"GBP": 10_000, "USD": 25_000}
    for currency, most in limit.items():
        assert (
            taps.filter(pl.col("billing_currency") == currency)["billing_amount_minor"].max()
            <= most
        )
    pins = found.filter(pl.col("authentication") == "pin")
    assert pins.height > 50
    law = load_parameters().section("fraud")["lost_stolen"]
    assert pins["is_approved"].mean() < 2.5 * law["pin_share"]


def test_who_has_a_phone_of_their_own_taps_with_it():
    """An invented customer's wallet is as good as anybody's."""
    own = maker_of(config(fraud={"application_fraud_per_card_year": 5.0})).shard(0)
    taps = own.plan.attacks.entry_mode == CONTACTLESS
    taps &= typology_codes(own, "application_fraud")
    assert taps.sum() > 50
    assert 0.1 < (own.plan.attacks.authentication[taps] == DEVICE).mean() < 0.6


def test_limits_of_taps_are_those_of_the_account_and_of_purchases(in_hand):
    """Judged in the account's money; what is given back was judged when it was bought."""
    maker, shard = in_hand
    world = maker.world
    _, ground = next(grounds_of(shard.activity, maker.config, maker.parameters, DAY + 1))
    dollars, yen = world.currencies.index("USD"), world.currencies.index("JPY")
    taps = chosen(shard.plan.attacks, np.arange(400))
    taps = replace(
        taps,
        card=np.full(400, np.flatnonzero(world.cards.currency == dollars)[0]),
        merchant=np.full(400, np.flatnonzero(world.merchants.currency == yen)[0]),
        at_ms=np.full(400, DAY * DAY_MS),
        address=np.arange(400, dtype=np.uint64),
        entry_mode=np.full(400, CONTACTLESS),
        original=np.zeros(400, dtype=np.uint64),
    )

    def inserted(amount: float, **more: object) -> float:
        of = replace(taps, amount=np.full(400, amount), **more)
        return float((within_limits(ground, of).entry_mode == CHIP).mean())

    # The limit is 250 dollars, of which a buyer dares a third to all: 11,000 yen are under 80.
    assert inserted(11_000.0) == 0
    assert 0.2 < inserted(28_000.0) < 0.8
    assert inserted(60_000.0) == 1
    assert inserted(60_000.0, original=np.ones(400, dtype=np.uint64)) == 0


def typology_codes(shard, name: str):
    """Which attacks of a shard's plan are of a typology."""
    code = next(one.code for one in typologies_of(config()) if one.typology.name == name)
    plan = shard.plan
    return plan.compromises.typology[plan.attacks.compromise] == code


def test_pace_counts_the_attacks_of_a_day_before_each():
    """On the same card by the same thief, the one a day ago to the millisecond included."""
    hour = DAY_MS // 24
    attacks = SimpleNamespace(
        compromise=np.array([0, 0, 0, 0, 3, 3, 5]),
        at_ms=np.array([5, 5 + hour, 5 + 24 * hour, 6 + 25 * hour, 1, 2, 2]) + 20_000 * DAY_MS,
    )
    assert _pace(attacks).tolist() == [0, 1, 2, 1, 0, 1, 0]


def test_an_alarm_brings_the_block_forward_but_makes_none():
    """The earliest alarm of a compromise, with its lag; a card that is never blocked stays so."""
    told = np.array([100, 100, 100, NOT_BLOCKED]) * np.array([HOUR_MS, HOUR_MS, HOUR_MS, 1])
    none = np.zeros(4, dtype=np.int64)
    compromises = Compromises(none.astype(np.uint64), none, none, none, none, told)
    attacks = SimpleNamespace(
        compromise=np.array([0, 0, 1, 2, 3]),
        at_ms=np.array([5, 3, 99, 7, 7]) * HOUR_MS,
        address=np.arange(5, dtype=np.uint64),
    )
    ground = SimpleNamespace(
        common={"issuer": {"alarm_share": 1.0, "alarm_minutes": {}}},
        chance=lambda name, address, share: np.ones(address.size, dtype=np.bool_),
        span_ms=lambda name, address, law, unit: np.full(address.size, 2 * HOUR_MS),
    )
    alarm = np.array([True, True, True, False, True])
    blocked = _alarmed(ground, compromises, attacks, alarm).blocked_ms
    assert blocked.tolist() == [5 * HOUR_MS, 100 * HOUR_MS, 100 * HOUR_MS, NOT_BLOCKED]
    assert _alarmed(ground, compromises, attacks, alarm & False).blocked_ms is told


@pytest.mark.parametrize("channel", ["pos", "ecom", "atm"])
def test_no_refusal_is_a_thiefs_alone(channel):
    """What thieves are refused with, customers are told as well where thieves come to."""
    parameters = load_parameters()
    refusals = parameters.value("fraud.issuer.refusal_codes")
    told = parameters.value("activity.outcome.code_mix")[channel]
    assert {code for code in refusals if told.get(code, 0) <= 0} == set()


def test_each_sign_of_a_thief_has_its_points():
    """Pace up to its limit, a border, size, a strange machine online, the stripe, and cash."""
    points = {"pace": 2, "pace_max": 3, "border": 5, "octave": 7, "machine": 11, "stripe": 13}
    signs = [  # (pace, merchant, octave, kind, device, entry mode), and what they add up to
        ((0, 0, 0, LOCAL, 9, CHIP), 0),
        ((2, 0, 0, LOCAL, 9, CHIP), 4),
        ((8, 0, 0, LOCAL, 9, CHIP), 6),
        ((0, 1, 0, LOCAL, 9, CHIP), 5),
        ((0, 0, 3, LOCAL, 9, CHIP), 21),
        ((0, 0, 0, ONLINE, 4, ECOMMERCE), 0),
        ((0, 0, 0, ONLINE, 9, ECOMMERCE), 11),
        ((0, 0, 0, LOCAL, 9, MAGSTRIPE), 13),
        ((0, 0, 0, CASH, 9, CHIP), 17),
        ((8, 1, 1, CASH, 9, MAGSTRIPE), 6 + 5 + 7 + 13 + 17),
    ]
    pace, merchant, octave, kind, device, entry = (
        np.array(one) for one in zip(*dict(signs), strict=True)
    )
    attacks = SimpleNamespace(
        card=np.zeros(len(signs), dtype=np.int64),
        merchant=merchant,
        tail_octave=octave,
        kind=kind,
        device=device,
        entry_mode=entry,
    )
    world = SimpleNamespace(
        cards=SimpleNamespace(country=np.array([0])),
        merchants=SimpleNamespace(country=np.array([0, 1])),
    )
    sessions = SimpleNamespace(own_device=np.array([4]))
    tables = SimpleNamespace(sessions=sessions)
    ground = SimpleNamespace(activity=SimpleNamespace(world=world, tables=tables))
    found = _points(ground, attacks, pace, {**points, "cash": 17})
    assert found.tolist() == [total for _, total in signs]

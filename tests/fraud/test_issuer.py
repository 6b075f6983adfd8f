"""The bank answers a thief by the table that answers the card's own customer."""

from __future__ import annotations

import numpy as np

from fauxpay.activity.rows import PIN
from fauxpay.foundations.parameters import load_parameters
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.issuer import _usual_answers, code_of
from fauxpay.fraud.plan import demands_of
from fauxpay.fraud.typology import typologies_of
from fauxpay.partitions.compose import PartitionMaker
from worlds import config, maker_of

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
    common, attacks = parameters.section("fraud"), shard.plan.attacks
    named = typologies_of(settings)[0]
    ground = Ground(
        activity=shard.activity,
        name=named.typology.name,
        code=named.code,
        facts=common[named.typology.name],
        common=common,
        demand=demands_of(settings, named)[0],
        end_day=shard.activity.epoch_day + 1,
    )
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

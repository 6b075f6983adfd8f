"""Shops that are taken: liked trades, countries, fresh and popular ones; and what the bank says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.outcomes import APPROVED
from fauxpay.activity.rows import ECOMMERCE, ONLINE, OTP, TELEPHONE
from fauxpay.fraud.ground import Ground
from fauxpay.fraud.issuer import answered
from fauxpay.fraud.plan import grounds_of
from fauxpay.fraud.shops import (
    Choice,
    _home_picks,
    _liked_of,
    countries,
    fresh_shop,
    listed,
    popular_shop,
    popularity_shares,
    remote_shops,
    tastes,
)
from fauxpay.fraud.story import AS_USUAL, NO_ORIGINAL, Attacks, Story
from fauxpay.fraud.typology import Named
from fauxpay.fraud.uses import Uses
from worlds import DAY, config, maker_of

KEYS = np.arange(1, 4001, dtype=np.uint64)
NEVER: dict[str, Any] = {"challenge_from": 10**6, "decline_from": 10**6, "alarm_from": 10**6}


@pytest.fixture(scope="module")
def scene() -> tuple[Named, Ground]:
    """A typology of remote fraud, and what it stands on in a small world."""
    rates = {"phishing_per_card_year": 2.0}
    maker = maker_of(config(fraud=rates))
    shard = maker.shard(0)
    end = shard.activity.epoch_day + shard.activity.calendar.days
    told = grounds_of(shard.activity, maker.config, maker.parameters, end)
    return next(pair for pair in told if pair[0].typology.name == "phishing")


@pytest.fixture(scope="module")
def ground(scene) -> Ground:
    """What it stands on."""
    return scene[1]


def own_law(ground: Ground, section: str, **changed: Any) -> Ground:
    """The same with other parameters of a section."""
    common = {**ground.common, section: {**ground.common[section], **changed}}
    return replace(ground, common=common, memory={})


def test_what_is_liked_is_as_a_campaign_says_over_the_typology_over_all(ground):
    """The nearer of three stands; what nobody names is one."""
    mccs = ground.activity.world.mccs
    own = own_law(ground, "hotspots", mcc={"5411": 2.0, "5732": 3.0})
    own = replace(own, facts={"mcc": {"5732": 4.0, "5812": 5.0}})
    own = replace(own, demand=replace(own.demand, mcc={"5812": 6.0}))
    found = dict(zip(mccs, tastes(own).tolist(), strict=True))
    named = {"5411": 2.0, "5732": 4.0, "5812": 6.0}
    assert found == {mcc: named.get(mcc, 1.0) for mcc in mccs}


@pytest.mark.parametrize("is_online", [False, True])
def test_liked_trades_get_what_they_are_liked_more(is_online, ground):
    """Popularity times what is over one; no cash machine, no shop of the other kind."""
    world = ground.activity.world
    merchants, weight = world.merchants, np.ones(len(world.mccs))
    weight[world.mccs.index("5812")], weight[world.mccs.index("6011")] = 3.0, 9.0
    weight[world.mccs.index("5411")] = 0.5
    found = _liked_of(world, is_online, weight)
    unlike = 0 if is_online else 1
    names = ("physical", "online")
    from fauxpay.catalog.world import PRESENCES

    sells = merchants.presence != PRESENCES.index(names[unlike])
    its = sells & (np.array(world.mccs)[merchants.mcc] == "5812")
    assert set(found.member.tolist()) == set(np.flatnonzero(its).tolist())
    total = 2.0 * merchants.popularity[its].sum()
    assert found.cumulative[-1] == pytest.approx(total)
    segment = merchants.country if is_online else merchants.place
    sells &= np.array(world.mccs)[merchants.mcc] != "6011"
    one = int(segment[its][0])
    extra = 2.0 * merchants.popularity[its & (segment == one)].sum()
    whole = merchants.popularity[sells & (segment == one)].sum()
    assert found.share[one] == pytest.approx(extra / (whole + extra), abs=1e-8)


def test_abroad_is_another_country_and_home_is_home(ground):
    """By what is liked, never the card's own; a world of one country has no abroad."""
    world = ground.activity.world
    card = np.arange(KEYS.size) % world.cards.id.size
    own = world.cards.country[card]
    assert (countries(ground, card, KEYS, 0.0) == own).all()
    away = countries(ground, card, KEYS, 1.0)
    assert (away != own).all()
    assert len(set(away.tolist())) == len(world.countries)
    name = world.countries[1]
    fond = replace(ground, demand=replace(ground.demand, country={name: 1e6}))
    liked = countries(fond, card, KEYS, 1.0)
    assert (liked[own != 1] == 1).all()
    alone = replace(world, countries=world.countries[:1])
    single = replace(ground, activity=replace(ground.activity, world=alone))
    assert (countries(single, card, KEYS, 1.0) == own).all()
    use = np.zeros_like(KEYS)
    assert len(set((countries(ground, card, KEYS, 0.5, use) == own).tolist())) == 1


def test_fresh_shops_are_the_latest_that_are_there(ground):
    """Of some picks that are in business on both days; where none is, the least of lasting ones."""
    where, merchants = ground.activity.tables.where, ground.activity.world.merchants
    keys = KEYS[:600]
    picks = np.stack(_home_picks(ground, where.pool, keys, 5))
    lasting = np.stack(_home_picks(ground, where.lasting, keys, 5))
    middle = np.sort(where.opened_day[picks].reshape(-1))[picks.size // 2]
    closed = where.closed_day.astype(np.int64)
    closed[picks[0, ::3]] = middle + 50  # Some shut on the last day, which is too soon.
    gone = replace(where, closed_day=closed.astype(where.closed_day.dtype))
    tables = replace(ground.activity.tables, where=gone)
    own = replace(ground, activity=replace(ground.activity, tables=tables))
    first, last = np.full(600, middle), np.full(600, middle + 50)
    found = fresh_shop(own, keys, 5, (first, last))
    fresh = 0
    for nth in range(600):
        there = [
            m for m in picks[:, nth] if where.opened_day[m] <= middle and closed[m] > middle + 50
        ]
        if there:
            latest = max(int(where.opened_day[m]) for m in there)
            assert where.opened_day[found[nth]] == latest
            assert found[nth] in there
            fresh += 1
        else:
            least = merchants.popularity[lasting[:, nth]].min()
            assert merchants.popularity[found[nth]] == least
    assert fresh > 50
    some = popular_shop(ground, keys, 5)
    most = merchants.popularity[lasting].max(axis=0)
    assert (merchants.popularity[some] == most).all()


def test_crowds_are_sought_online_and_not_by_telephone(ground):
    """After a few tries even a small shop is taken; the kind is as the order is made."""
    country = np.zeros(KEYS.size, dtype=np.int64)
    choice = Choice(KEYS, country, np.full(KEYS.size, DAY * DAY_MS))
    free = own_law(ground, "hotspots", online_least=0.0, mcc={})
    free = replace(free, demand=replace(free.demand, is_drifting=False))
    taken = popularity_shares(free, remote_shops(free, country, choice).merchant)
    least = float(np.quantile(taken, 0.6))
    shy = own_law(free, "hotspots", online_least=least)
    found = remote_shops(shy, country, choice)
    assert (found.kind == ONLINE).all()
    small = (popularity_shares(shy, found.merchant) < least).mean()
    assert 0 < small < (taken < least).mean() / 3
    assert (remote_shops(ground, country, choice, True).kind == TELEPHONE).all()


def test_short_lists_are_as_long_as_is_in_fashion(ground, monkeypatch):
    """So many shops of a campaign, twice as many in a time of many; at least one."""
    count = 3000
    nothing = np.zeros(count, dtype=np.int64)
    uses = Uses(nothing, nothing, KEYS[:count], np.full(count, DAY * DAY_MS), nothing)
    for factor, lengths in ((1.0, {4}), (2.0, {8}), (0.01, {1})):
        monkeypatch.setattr(Ground, "fashion", lambda self, what, at, f=factor: np.full(at.size, f))
        keys = listed(ground, nothing + 7, uses, np.full(count, 4.0))
        assert len(set(keys.tolist())) in lengths
        assert {key >> 10 for key in keys.tolist()} == {7}


@pytest.fixture(scope="module")
def story(scene) -> Story:
    """What the typology tells before the bank has answered."""
    named, ground = scene
    told: Story = named.typology.plan(ground)
    assert told.attacks.card.size > 500
    # Who phishes has the code at times; here nobody has said anything yet.
    open_ = np.full(told.attacks.card.size, AS_USUAL)
    return replace(told, attacks=replace(told.attacks, authentication=open_))


def judged(ground: Ground, story: Story, otp: float, **law: Any) -> Attacks:
    """The attacks as a bank answers that loses no patience and raises no alarm."""
    own = own_law(ground, "issuer", **{**NEVER, "patience": 10**6, "pin_tries": 10**6, **law})
    return answered(replace(own, facts={**own.facts, "otp_share": otp}), story).attacks


def test_a_challenge_is_passed_or_the_purchase_refused(ground, story):
    """On pages alone: who has the code is approved as customers are, who has not is refused."""
    plain = judged(ground, story, 0.0)
    assert not (plain.authentication == OTP).any()
    assert 0.01 < (plain.response != APPROVED).mean() < 0.5
    asked = (plain.kind == ONLINE) & (plain.entry_mode == ECOMMERCE)
    assert asked.sum() > 100
    passed = judged(ground, story, 1.0, challenge_from=-1)
    assert (passed.authentication[asked] == OTP).all()
    assert (passed.authentication[~asked] == plain.authentication[~asked]).all()
    assert (passed.response == plain.response).all()
    failed = judged(ground, story, 0.0, challenge_from=-1)
    assert (failed.response[asked] != APPROVED).all()
    assert (failed.response[~asked] == plain.response[~asked]).all()
    kept = asked & (plain.response != APPROVED)
    assert (failed.response[kept] == plain.response[kept]).all(), "a customer's refusal stands"


def test_above_a_score_all_is_refused_and_nothing_asked(ground, story):
    """At the score itself, too; an answer that is given already, and money back, stay."""
    refused = judged(ground, story, 1.0, challenge_from=-1, decline_from=-1)
    assert (refused.response != APPROVED).all()
    assert (refused.authentication == judged(ground, story, 1.0).authentication).all()
    quiet = dict.fromkeys(ground.common["issuer"]["points"], 0) | {"pace_max": 0}
    edge = judged(ground, story, 1.0, points=quiet, noise_points=0, decline_from=0)
    assert (edge.response != APPROVED).all()
    over = judged(ground, story, 1.0, points=quiet, noise_points=0, decline_from=1)
    assert (over.response == APPROVED).mean() > 0.5
    some = np.arange(story.attacks.card.size) % 2 == 0
    original = np.where(some, NO_ORIGINAL, np.uint64(5))
    back = replace(story, attacks=replace(story.attacks, original=original))
    found = judged(ground, back, 1.0, decline_from=-1)
    assert (found.response[~some] == back.attacks.response[~some]).all()
    assert (found.response[some] != APPROVED).all()

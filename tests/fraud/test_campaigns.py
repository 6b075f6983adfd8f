"""How much fraud there is, when and of what kind follows the config, and nothing else moves."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import day_number
from fauxpay.fraud.counts import quota_of
from fauxpay.fraud.plan import build_plan
from fauxpay.fraud.quota import ALL
from fauxpay.fraud.rates import Pilot, pilot_of, total_rate
from fauxpay.fraud.typology import OURS, TYPOLOGIES
from worlds import DAY, config, maker_of, parameters, same, tables

BUSY = {f"{name}_per_card_year": 0.8 for name in OURS}
PHISHING = TYPOLOGIES.index("phishing")


def plan_of(fraud, cards=(0, 900), until=None, **sections):
    """The plan of some cards of the small world."""
    own = maker_of(config(fraud=fraud, **sections))
    from fauxpay.activity.setting import activity_of

    activity = activity_of(own.world, own.tables, own.config, own.parameters, cards)
    end = until or day_number(own.config.run.end_day)
    return build_plan(activity, own.config, own.parameters, end)


def rows_of(plan, world=None) -> set[tuple[int, ...]]:
    """Everything of an attack that stands in its row; a world names devices by their ids."""
    a = plan.attacks
    if world is not None:
        a = replace(a, device=np.where(a.device < 0, -1, world.devices.id[a.device]))
    columns = (a.card, a.at_ms, plan.slot, a.merchant, a.terminal, a.entry_mode, a.device)
    more = (a.ip_address, a.response, a.authentication, a.amount.astype(np.int64), a.original)
    return set(zip(*(c.tolist() for c in (*columns, *more)), strict=True))


def test_shards_together_are_the_whole():
    """Cut anywhere: the same attacks, disputes and replacement cards."""
    whole = plan_of(BUSY)
    parts = [plan_of(BUSY, cards) for cards in ((0, 123), (123, 600), (600, 900))]
    assert len(rows_of(whole)) == whole.attacks.card.size > 3000
    assert set.union(*(rows_of(part) for part in parts)) == rows_of(whole)
    disputes = np.concatenate([part.disputes.address for part in parts])
    assert np.array_equal(np.sort(disputes), np.sort(whole.disputes.address))
    assert sorted(i for p in parts for i in p.reissues.id.tolist()) == sorted(
        whole.reissues.id.tolist()
    )


def test_a_later_end_only_adds():
    """What happened before the end of a window is the same in a longer one."""
    short = plan_of(BUSY, run={"from": "2026-03-01", "to": "2026-03-10"})
    long = plan_of(BUSY, run={"from": "2026-03-01", "to": "2026-06-10"})
    end = day_number(config(run={"from": "2026-03-01", "to": "2026-03-10"}).run.end_day)
    assert short.attacks.card.size > 2500
    early = {row for row in rows_of(long) if row[1] < end * DAY_MS}
    assert early == rows_of(short)
    disputed = long.disputes.address[long.disputes.day < end]
    assert np.array_equal(disputed, short.disputes.address)
    replaced = [
        set(zip(plan.reissues.id.tolist(), plan.reissues.reissued_ms.tolist(), strict=True))
        for plan in (short, long)
    ]
    assert {card for card in replaced[1] if card[1] < end * DAY_MS} == replaced[0]


def test_fraud_off_leaves_genuine_rows_alone():
    """All kinds at once change card ids and links of genuine rows, and nothing else of them."""
    busy, quiet = (maker_of(config(fraud=f)) for f in (BUSY, {"enabled": False}))
    for day in range(DAY, DAY + 3):
        made = tables(busy, day)
        truth = pl.from_arrow(made["truth"])["transaction_id"]
        rows = pl.from_arrow(made["transactions"])
        rows = rows.filter(~pl.col("transaction_id").is_in(truth.to_list()))
        links = ["card_id", "previous_transaction_id"]
        assert rows.drop(links).equals(
            pl.from_arrow(tables(quiet, day)["transactions"]).drop(links)
        )


def test_a_card_more_leaves_the_others_alone():
    """Customers come and go alone: the attacks on all others stay, even in shared campaigns."""
    few = plan_of(BUSY, (0, 900))
    more = plan_of(BUSY, (0, 950), catalog={"cards": 950})
    worlds = [maker_of(config(catalog={"cards": count})).world for count in (900, 950)]
    old = {row for row in rows_of(more, worlds[1]) if row[0] < 900}
    assert old == rows_of(few, worlds[0])


def test_one_kind_leaves_the_others_alone():
    """Another rate of one typology moves no victim of another."""
    once, twice = (plan_of({**BUSY, "phishing_per_card_year": rate}) for rate in (0.2, 0.9))

    def victims(plan):
        others = plan.compromises.typology != PHISHING
        told = plan.compromises
        return set(zip(told.address[others].tolist(), told.typology[others].tolist(), strict=True))

    assert victims(once) == victims(twice)
    names = [
        set(p.compromises.address[p.compromises.typology == PHISHING].tolist())
        for p in (once, twice)
    ]
    assert names[0] < names[1], "a greater rate only adds"
    assert 3 < len(names[1]) / len(names[0]) < 6


CAMPAIGN = {
    "typology": "phishing",
    "from": "2026-03-05",
    "to": "2026-03-12",
    "per_card_year": 20.0,
    "mcc": {"5732": 100.0},
    "countries": {"JP": 50.0},
}


def test_a_scheduled_campaign_adds_its_own_and_nothing_else():
    """Its thefts lie in its days; what goes on without it stays as it is."""
    none = {f"{name}_per_card_year": 0.0 for name in OURS}
    quiet = plan_of({**none, "lost_stolen_per_card_year": 1.0})
    with_one = plan_of({**none, "lost_stolen_per_card_year": 1.0, "campaigns": [CAMPAIGN]})
    own = with_one.compromises.typology == PHISHING
    when = with_one.compromises.compromised_ms[own]
    first, last = (day_number(d) * DAY_MS for d in _days(CAMPAIGN))
    assert 900 * 20 * 7 / 365 * 0.5 < own.sum() < 900 * 20 * 7 / 365 * 1.3
    assert (when >= first).all()
    assert (when < last).all()
    others = set(with_one.compromises.address[~own].tolist())
    assert others == set(quiet.compromises.address.tolist())
    code = with_one.compromises.typology[with_one.attacks.compromise]
    merchants = with_one.attacks.merchant[code == PHISHING]
    world = maker_of(config()).world
    liked = np.array(world.mccs)[world.merchants.mcc[merchants]] == "5732"
    assert liked.mean() > 0.15


def _days(campaign):
    return [datetime.date.fromisoformat(campaign[key]) for key in ("from", "to")]


def test_drift_moves_the_mix_and_no_drift_keeps_it():
    """With drift the rate of a typology changes over the months; without it does not."""
    spread = {}
    for drifts in (True, False):
        rates = {f"{name}_per_card_year": 0.0 for name in OURS}
        rates |= {"phishing_per_card_year": 5.0, "drift": drifts}
        plan = plan_of(rates, run={"from": "2026-03-01", "to": "2026-12-31"})
        month = plan.compromises.compromised_ms // (60 * DAY_MS)
        counts = np.unique(month, return_counts=True)[1][1:-1]
        spread[drifts] = counts.max() / counts.min()
    assert spread[True] > 1.35
    assert spread[False] < 1.25


def test_campaigns_change_shops_with_drift_only():
    """Without drift the favourite shops of a year ago are still those of today."""
    overlap = {}
    for drifts in (True, False):
        rates = {f"{name}_per_card_year": 0.0 for name in OURS}
        plan = plan_of({**rates, "card_testing_per_card_year": 3.0, "drift": drifts})
        day = plan.day - plan.day.min()
        early = set(plan.attacks.merchant[day < 90].tolist())
        late = set(plan.attacks.merchant[day > 250].tolist())
        overlap[drifts] = len(early & late) / len(late)
    assert overlap[False] > overlap[True] + 0.1


def test_a_rate_of_nothing_is_no_fraud():
    """Asked for no fraud, none is planned; without a rate the config's rates stand."""
    own = maker_of(config(fraud={"rate": 0.0}))
    assert own.shard(0).plan.attacks.card.size == 0
    plain = config()
    assert quota_of(own.world, own.tables, plain, parameters()) is ALL


ASKED = {"rate": 0.03, "drift": True}


def test_a_share_is_met_by_the_same_thieves_however_cards_are_cut():
    """Thresholds are those of the world: its shards together are the whole."""
    whole = maker_of(config(fraud=ASKED)).shard(0).plan
    parts = maker_of(config(fraud=ASKED, output={"cards_per_shard": 300}))
    rows = [rows_of(parts.shard(number).plan) for number in range(3)]
    assert whole.attacks.card.size > 3000
    assert set.union(*rows) == rows_of(whole)


@pytest.mark.slow
def test_a_later_end_leaves_the_thresholds_alone():
    """Each week is judged by what was told up to its end: a month later nothing of it changed."""
    found, plans = [], []
    for end in ("2026-03-10", "2026-06-03"):
        own = maker_of(config(fraud=ASKED, run={"from": "2026-03-01", "to": end}))
        found.append(quota_of(own.world, own.tables, own.config, own.parameters))
        plans.append(own.shard(0).plan)
    end_ms = day_number(datetime.date(2026, 3, 10)) * DAY_MS
    early, late = ({row for row in rows_of(plan) if row[1] < end_ms} for plan in plans)
    assert len(early) > 2000
    assert early == late
    early, late = (set(p.reissues.id[p.reissues.reissued_ms < end_ms].tolist()) for p in plans)
    assert early == late, "the same cards are replaced"
    short, long = found
    assert short.below.shape[1] < long.below.shape[1]
    assert np.array_equal(short.below, long.below[:, : short.below.shape[1]])
    assert np.array_equal(short.scale, long.scale)
    assert 0.2 < np.median(short.below[PHISHING]) < 1.0, "thresholds choose"


def test_disputes_grow_with_the_share_alone():
    """More is told than is kept, but friendly fraud goes by the factor on all rates."""
    plain = maker_of(config(catalog={"cards": 3000})).shard(0).plan
    own = maker_of(config(catalog={"cards": 3000}, fraud={"rate": 0.005, "drift": True}))
    scale = pilot_of(own.world, own.tables, own.config, own.parameters).scale_for(0.005)
    counts = [plan.disputes.day.size for plan in (own.shard(0).plan, plain)]
    assert scale > 4
    assert 0.7 < counts[0] / (scale * counts[1]) < 1.3, counts


def test_a_world_of_three_cards_ends():
    """Where the pilot finds no fraud it cannot say what more would bring; the rate is not met."""
    few = {"cards": 3, "merchants": 300, "places": 20}
    window = {"from": "2026-03-20", "to": "2026-03-24"}
    own = maker_of(config(catalog=few, fraud={"rate": 0.05}, run=window))
    pilot = pilot_of(own.world, own.tables, own.config, own.parameters)
    assert not pilot.fraud.any()
    assert pilot.scale_for(0.05) == pilot.scale
    assert pilot.scale * total_rate(own.config) == pytest.approx(0.3)
    made = tables(own, day_number(datetime.date(2026, 3, 20)))
    assert made["truth"].num_rows < 3 < made["transactions"].num_rows < 99


def test_a_card_is_stolen_once_a_day_at_most():
    """A pilot that saw hardly any fraud asks for no more thefts than cards can suffer."""
    fraud = np.array([1e-6])
    pilot = Pilot(scale=5.0, most=6000.0, genuine=400.0, fraud=fraud, passed=np.ones(1))
    assert pilot.scale_for(0.05) == pilot.most
    assert replace(pilot, fraud=fraud * 1e6).scale_for(0.05) == pytest.approx(5 * 400 / 19, 1e-5)


def share_of(own, days) -> tuple[float, np.ndarray]:
    """(fraudulent share of rows, rows by code) of some days as they are made."""
    rows = frauds = 0
    by_code = np.zeros(len(TYPOLOGIES))
    for day in days:
        made = tables(own, day)
        rows += made["transactions"].num_rows
        names = made["truth"]["typology"].to_pylist()
        frauds += len(names)
        for name in names:
            by_code[TYPOLOGIES.index(name)] += 1
    return frauds / rows, by_code


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_rate_that_is_asked_for_is_met(rate):
    """Counted on rows: within a tenth, or what chance allows in a small world."""
    own = maker_of(config(catalog={"cards": 3000}, fraud={"rate": rate, "drift": False}))
    share, by_code = share_of(own, range(DAY, DAY + 25, 2))
    compromises = by_code.sum() / 3.5
    assert abs(share / rate - 1) < max(0.1, 1.5 / compromises**0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "seed", "drifts"),
    [(0.0005, 1, False), (0.005, 1, False), (0.005, 2, True), (0.02, 2, False), (0.05, 3, False)],
)
def test_rates_and_shares_are_met_on_a_million_rows(rate, seed, drifts):
    """The share of fraud within a tenth, and each typology's part of it where it has 350 rows.

    Below that single compromises of some rows each are what is left of chance.
    """
    settings = config(
        catalog={"cards": 25_000, "merchants": 20_000, "places": 200},
        fraud={"rate": rate, "drift": drifts},
        run={"seed": seed, "from": "2026-03-02", "to": "2026-04-01"},
    )
    own = maker_of(settings)
    share, by_code = share_of(own, range(DAY, DAY + 30))
    assert abs(share / rate - 1) < 0.1
    promised = pilot_of(own.world, own.tables, settings, own.parameters).fraud
    promised = promised / promised.sum() * by_code.sum()
    judged = np.flatnonzero(promised > 350)
    assert judged.size >= {0.0005: 0, 0.005: 4, 0.02: 6, 0.05: 9}[rate]
    for code in np.flatnonzero(promised > 50) if not drifts else []:
        off = abs(by_code[code] / promised[code] - 1)
        chance = 0.0 if code in judged else 1.5 / (promised[code] / 3.5) ** 0.5
        assert off < max(0.1, chance), TYPOLOGIES[code]


def test_planning_is_repeatable():
    """Asked twice, the same days."""
    first, second = (maker_of(config(fraud={**BUSY, "rate": 0.02})) for _ in range(2))
    for name, made in tables(first, DAY).items():
        assert same(made, tables(second, DAY)[name]), name

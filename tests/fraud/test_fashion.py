"""Manners of remote thieves go round together, slowly, around the laws of parameters.yaml."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.setting import activity_of
from fauxpay.foundations.parameters import load_parameters
from fauxpay.fraud.fashion import factors, leanings, shifts
from fauxpay.fraud.ground import Demand, Ground
from fauxpay.fraud.plan import build_plan
from fauxpay.fraud.typology import TYPOLOGIES
from worlds import config, maker_of

LAW = load_parameters().section("fraud")["fashion"]
MEASURES = sorted(LAW["lag"])
YEARS = 40
MOMENTS = np.arange(0, YEARS * 365, dtype=np.int64) * DAY_MS
START_MS = 20_000 * DAY_MS


def manners(seed, at_ms):
    """How every measure leans at moments: f64[measures, n]."""
    return np.array([leanings(LAW, seed, what, at_ms) for what in MEASURES])


def ground_of(name, is_drifting):
    """What a typology of the small world stands on."""
    own = maker_of(config())
    return Ground(
        activity=activity_of(own.world, own.tables, own.config, own.parameters, (0, 900)),
        name=name,
        code=0,
        facts={},
        common=own.parameters.section("fraud"),
        demand=Demand(1.0, is_drifting=is_drifting),
        end_day=20_000,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_over_the_years_the_laws_are_kept(seed):
    """Shifts, and logarithms of factors, cancel, and none is greater than the law allows."""
    for what, octaves in LAW["octaves"].items():
        found = np.log2(factors(LAW, seed, what, MOMENTS))
        assert abs(found.mean()) < 0.02 * abs(octaves)
        assert np.abs(found).max() == pytest.approx(abs(octaves), rel=0.01)
    for what, share in LAW["shares"].items():
        found = shifts(LAW, seed, what, MOMENTS)
        assert abs(found.mean()) < 0.02 * abs(share)
        assert np.abs(found).max() == pytest.approx(abs(share), rel=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_quarter_little_is_as_it_was(seed):
    """Whenever one learns, manners are much farther away thirteen weeks later than five."""
    now = manners(seed, MOMENTS)
    near, far = (
        np.linalg.norm(manners(seed, MOMENTS + days * DAY_MS) - now, axis=0) for days in (35, 91)
    )
    assert (far > 1.5 * near).all()
    assert far.min() > 1.5


def test_seeds_do_not_agree():
    """Two seeds are not at the same point of the round."""
    one, other = (manners(seed, MOMENTS) for seed in (1, 2))
    assert not np.allclose(one, other, atol=0.2)


def test_manners_of_a_moment_hang_on_that_moment_alone():
    """Metamorphic: moments cut anywhere, in any order, have the same factors."""
    at_ms = START_MS + MOMENTS[:400]
    whole = factors(LAW, 5, "gap", at_ms)
    parts = [factors(LAW, 5, "gap", at_ms[part]) for part in (slice(0, 7), slice(7, None))]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(factors(LAW, 5, "gap", at_ms[::-1]), whole[::-1])


@pytest.mark.parametrize(
    ("name", "is_drifting", "follows"),
    [("phishing", True, True), ("phishing", False, False), ("lost_stolen", True, False)],
)
def test_who_follows_the_fashion(name, is_drifting, follows):
    """Remote crews do where fraud drifts; without drift, and in the street, the law stays."""
    ground, at_ms = ground_of(name, is_drifting), START_MS + MOMENTS[:400]
    for what in LAW["octaves"]:
        assert (ground.fashion(what, at_ms) != 1.0).any() == follows
    for what in LAW["shares"]:
        assert (ground.shift(what, at_ms) != 0.0).any() == follows


def test_crews_hurry_when_haste_is_in_fashion():
    """With drift gaps between card testers' uses swing by months; without they do not."""
    spread = {}
    for drifts in (True, False):
        fraud = {"card_testing_per_card_year": 5.0, "drift": drifts}
        own = maker_of(config(fraud=fraud, run={"from": "2026-03-01", "to": "2026-12-01"}))
        activity = activity_of(own.world, own.tables, own.config, own.parameters, (0, 900))
        end = activity.epoch_day + activity.calendar.days
        plan = build_plan(activity, own.config, own.parameters, end)
        attacks = plan.attacks
        its = plan.compromises.typology[attacks.compromise] == TYPOLOGIES.index("card_testing")
        order = np.lexsort((attacks.at_ms, np.where(its, attacks.compromise, -1)))
        order = order[its[order]]
        compromise, at_ms = attacks.compromise[order], attacks.at_ms[order]
        same = compromise[1:] == compromise[:-1]
        gap, month = np.diff(at_ms)[same], at_ms[1:][same] // (30 * DAY_MS)
        months = [gap[month == one] for one in np.unique(month).tolist()]
        medians = [float(np.median(one)) for one in months if one.size > 100]
        assert len(medians) >= 6
        spread[drifts] = max(medians) / min(medians)
    assert spread[True] > 3.0
    assert spread[False] < 2.0

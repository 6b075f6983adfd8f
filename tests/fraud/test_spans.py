"""How long things take: laws between bounds, and uses of a card one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from fauxpay.foundations.draws import draw, stream_key
from fauxpay.fraud.laws import spans_ms
from worlds import config, maker_of, parameters

TRIED_BY = ("card_testing", "bin_attack", "phishing", "data_breach")


@pytest.fixture(scope="module")
def maker():
    """A small world with much remote fraud."""
    return maker_of(config(fraud={f"{name}_per_card_year": 4.0 for name in TRIED_BY}))


def words(count: int):
    """Some words."""
    return draw(stream_key(1, "test/spans"), np.arange(count, dtype=np.uint64))


@pytest.mark.parametrize(
    ("low", "high"), [(1, 10080), (0.1, 12), (9, 11), (20, 30), (1, 3), (10, 10)]
)
def test_spans_lie_between_their_bounds_and_never_pile_up_there(low, high):
    """What a law has beyond its bounds is spread over what is between them."""
    law = {"median": 10.0, "log_sd": 2.4, "min": low, "max": high}
    spans = spans_ms(words(40_000), law, 60_000.0)
    assert spans.min() >= low * 60_000
    assert spans.max() <= high * 60_000
    if low < high:
        assert np.unique(spans, return_counts=True)[1].max() < 40
        middle = np.sqrt(low * high) * 60_000
        assert spans.min() < middle < spans.max()


def test_spans_inside_wide_bounds_keep_their_law():
    """Bounds that cut nothing off change nothing; a law without spread is its median."""
    law = {"median": 10.0, "log_sd": 1.0, "min": 1e-6, "max": 1e9}
    minutes = spans_ms(words(40_000), law, 60_000.0) / 60_000.0
    assert np.median(minutes) == pytest.approx(10.0, rel=0.03)
    assert np.log(minutes).std() == pytest.approx(1.0, rel=0.03)
    assert (spans_ms(words(100), {**law, "log_sd": 0.0}, 60_000.0) == 600_000).all()


def test_every_law_of_spans_has_a_middle():
    """No law of the parameters is cut off by more than half: its median is between its bounds."""
    found = 0
    for kind, facts in parameters().section("fraud").items():
        for name, law in facts.items() if isinstance(facts, dict) else ():
            if isinstance(law, dict) and {"median", "log_sd", "min", "max"} == set(law):
                assert law["min"] < law["median"] < law["max"], (kind, name)
                found += 1
    assert found > 30


def test_thieves_pay_no_sooner_again_than_customers(maker):
    """Two uses of one card are as far apart as two purchases of a cardholder are at least."""
    attacks = maker.shard(0).plan.attacks
    order = np.lexsort((attacks.at_ms, attacks.compromise))
    same = np.diff(attacks.compromise[order]) == 0
    gap = np.diff(attacks.at_ms[order])[same]
    assert gap.size > 2000
    assert gap.min() >= maker.tables.visits.apart_ms == 20_000
    assert (gap < 60_000).mean() > 0.05, "they are quick all the same"
    most = np.unique(gap, return_counts=True)[1].max()
    assert most < 0.005 * gap.size, "and not all at the same moment"

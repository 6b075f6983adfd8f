"""Judging: what counts, what it adds up to, and which facts there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fauxpay.foundations.parameters import load_citations
from fauxpay.gates.verdicts import Verdict
from fauxpay.scorecard.blocks import Measured, without
from fauxpay.scorecard.facts import rules_of, shipped_rules
from fauxpay.scorecard.findings import Finding, Standing, Tag
from fauxpay.scorecard.judging import (
    finding,
    group_shares,
    is_inside,
    rows_of,
    share_inside,
    verdict_of,
)
from fauxpay.scorecard.pages import renewed

RULES = shipped_rules()
LAWS = {law.fact.key: law for law in RULES.laws}


def table(**changes):
    """What judging asks of a staged table: big and long, with all columns."""
    columns = {need for law in RULES.laws for need in law.needs}
    ready = {
        "table": SimpleNamespace(columns=frozenset(columns), run=None),
        "cards": 50_000,
        "span_days": 120,
        "frauds": 500,
        "cards_of": {"US": 20_000},
        "rules": RULES,
        **changes,
    }
    ready["is_focused"] = lambda name: ready["cards_of"].get(name, 0) >= RULES.country_cards_min
    return SimpleNamespace(**ready)


def judged(key, value, **changes):
    """A fact with a value on a table."""
    return finding(LAWS[key], table(**changes), {key: Measured(value)})


def test_every_row_of_the_facts_is_there_with_a_known_source():
    """Rows 1-33, each with a citation that exists, a corridor in order, and what counts."""
    assert {law.fact.row for law in RULES.laws} == set(range(1, 34))
    citations = load_citations()
    for law in RULES.laws:
        fact = law.fact
        assert fact.source in citations, fact.key
        assert law.counts, fact.key
        if fact.low is not None and fact.high is not None:
            assert fact.low < fact.high, fact.key


def test_weights_fall_from_verified_to_assumed():
    """Read and computed figures weigh most, assumptions nothing."""
    weights = RULES.weights
    assert weights[Tag.VERIFIED] == weights[Tag.COMPUTED] == 1
    assert 0 < weights[Tag.RECALLED] < 1
    assert weights[Tag.ASSUMED] == 0


@given(st.floats(-1, 2, allow_nan=False))
def test_a_value_is_inside_between_the_ends_and_on_them(value):
    """Property: the corridor is closed; an open end holds everything."""
    fact = LAWS["gini"].fact
    assert is_inside(fact, value) == (0.40 <= value <= 0.65)
    assert is_inside(replace(fact, high=None), value) == (value >= 0.40)
    assert is_inside(fact, fact.low)
    assert is_inside(fact, fact.high)


def test_standings():
    """Inside, outside, shown for want of cards, days or country, skipped for want of columns."""
    assert judged("gini", 0.5).standing is Standing.INSIDE
    assert judged("gini", 0.1).standing is Standing.OUTSIDE
    few = judged("gini", 0.1, cards=400)
    assert (few.standing, few.reason) == (Standing.SHOWN, "needs >= 20,000 cards, has 400")
    short = judged("gini", 0.1, span_days=31)
    assert (short.standing, short.reason) == (Standing.SHOWN, "needs >= 90 days, has 31")
    abroad = judged("friday", 2.0, cards_of={"FR": 50_000})
    assert abroad.standing is Standing.SHOWN
    assert "a figure of US" in abroad.reason
    assert judged("known_max", 90.0).standing is Standing.SHOWN
    lacking = judged("gini", 0.5, table=SimpleNamespace(columns=frozenset(("card",)), run=None))
    assert (lacking.standing, lacking.value) == (Standing.SKIPPED, None)
    assert lacking.reason == "no column for at: --map at=THEIRS"


def test_what_could_not_be_measured_is_skipped_with_its_reason():
    """A measure without a value says why."""
    found = finding(LAWS["december"], table(), {"december": without("no December")})
    assert (found.standing, found.reason) == (Standing.SKIPPED, "no December")


def test_a_fraud_table_is_judged_where_it_has_frauds():
    """A rate far off is outside; of seven frauds it is shown."""
    key = "fraud_rate_count"
    assert judged(key, 0.5).standing is Standing.OUTSIDE
    assert judged(key, 0.5, frauds=7).reason == "needs >= 100 frauds, has 7"


def with_standing(key, standing):
    """A finding of a fact."""
    return Finding(LAWS[key].fact, 1.0, None, standing)


def test_a_row_counts_once_and_recalled_figures_half():
    """Known answer: row 2 half inside (1 of 2 facts), row 6 recalled and outside: .5 of 1.5."""
    findings = [
        with_standing("fano", Standing.INSIDE),
        with_standing("card_rate_log_sd", Standing.OUTSIDE),
        with_standing("card_zipf", Standing.OUTSIDE),
        with_standing("friday", Standing.SHOWN),
        with_standing("december", Standing.SKIPPED),
    ]
    assert share_inside(findings, RULES) == pytest.approx(0.5 / 1.5)
    assert group_shares(findings, RULES) == {"activity": pytest.approx(1 / 3), "time": None}
    assert rows_of(findings) == {
        2: Standing.OUTSIDE,
        6: Standing.OUTSIDE,
        9: Standing.SHOWN,
        11: Standing.SKIPPED,
    }


def test_verdicts():
    """All inside passes; nothing counted is UNKNOWN; a group that is wrong as a whole fails."""
    inside = [with_standing(law.fact.key, Standing.INSIDE) for law in RULES.laws]
    assert verdict_of(inside, RULES) is Verdict.PASS
    assert verdict_of([], RULES) is Verdict.UNKNOWN
    shown = [with_standing("fano", Standing.SHOWN)]
    assert verdict_of(shown, RULES) is Verdict.UNKNOWN
    no_home = [
        replace(each, standing=Standing.OUTSIDE) if each.fact.group == "geography" else each
        for each in inside
    ]
    assert share_inside(no_home, RULES) > RULES.total_min
    assert verdict_of(no_home, RULES) is Verdict.FAIL
    many = [replace(each, standing=Standing.OUTSIDE) for each in inside[:12]] + inside[12:]
    assert verdict_of(many, RULES) is Verdict.FAIL


FACT = (
    "facts: {a: {row: 1, group: time, title: t, unit: u, corridor: [1, 2], real: '1', "
    "source: ecb, tag: V, counts: c%s}}\n"
    "weights: {V: 1.0}\nverdict: {total_min: 0.9, group_min: 0.5}\ncountry_cards_min: 1\n"
    "notes: {}\ntypologies: {}\n"
)


def test_a_fact_without_a_corridor_or_with_a_strange_key_is_our_mistake():
    """Negative: facts.yaml is held to its own shape."""
    assert rules_of(FACT % "").laws[0].fact.high == 2
    with pytest.raises(AssertionError, match="a: has"):
        rules_of(FACT % ", dream: 1")
    with pytest.raises(AssertionError, match="judges nothing"):
        rules_of((FACT % "").replace("[1, 2]", "[null, null]"))


def test_the_page_of_facts_is_current():
    """docs/scorecard.md holds every fact and column; tools/scorecard_page.py renews it."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "scorecard.md").read_text("utf-8")
    assert renewed(page, RULES) == page
    stale = page.replace("| 0.4..0.65 |", "| 0.4..0.66 |")
    assert stale != page
    assert renewed(stale, RULES) == page


@pytest.mark.parametrize(
    "key", [law.fact.key for law in RULES.laws if law.fact.tag is not Tag.ASSUMED]
)
def test_every_fact_can_fail_at_either_end(key):
    """Negative: beyond each end of its corridor a fact is outside, within it inside."""
    british = {"US": 20_000, "GB": 20_000}
    fact = LAWS[key].fact
    low = fact.low if fact.low is not None else fact.high - 1
    high = fact.high if fact.high is not None else fact.low + 1
    cases = {(low + high) / 2: Standing.INSIDE}
    if fact.low is not None:
        cases[fact.low - 1e-6] = Standing.OUTSIDE
    if fact.high is not None:
        cases[fact.high + 1e-6] = Standing.OUTSIDE
    assert len(cases) >= 2
    for value, standing in cases.items():
        assert judged(key, value, cards_of=british).standing is standing

"""Corridors: where marks stand, and what a scorecard's section says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fauxpay.report.corridors import CORRIDOR_LEFT, CORRIDOR_RIGHT, bar, corridor_text, corridors
from fauxpay.scorecard.findings import Fact, Finding, Scorecard, Standing, Tag

real = st.floats(-1e6, 1e6, allow_nan=False)


def finding(value, low, high, interval=None, standing=Standing.INSIDE) -> Finding:
    """A finding of an invented fact."""
    fact = Fact("a_fact", 1, "activity", "a fact", "", low, high, "1", "a_source", Tag.VERIFIED)
    return Finding(fact, value, interval, standing)


@given(real, real, real)
def test_a_mark_is_in_the_band_where_the_value_is_in_the_corridor(value, one, other):
    """Property: inside is inside, below is left of the band, above is right of it."""
    low, high = sorted((one, other))
    found = bar(finding(value, low, high))
    assert found.mark is not None
    assert 0 < found.mark < 100
    if low <= value <= high:
        assert CORRIDOR_LEFT - 0.01 <= found.mark <= CORRIDOR_RIGHT + 0.01
    elif value < low:
        assert found.mark <= CORRIDOR_LEFT
    else:
        assert found.mark >= CORRIDOR_RIGHT


@given(real, real)
def test_open_corridors_reach_to_the_edge(value, edge):
    """Property: with one end open the band does, and the mark keeps to its side of the other."""
    up = bar(finding(value, edge, None))
    assert up.band == (CORRIDOR_LEFT, 100.0)
    gap = up.mark - CORRIDOR_LEFT
    assert gap >= -0.01 if value >= edge else gap <= 0.01
    down = bar(finding(value, None, edge))
    assert down.band == (0.0, CORRIDOR_RIGHT)
    assert (
        down.mark <= CORRIDOR_RIGHT + 0.01 if value <= edge else down.mark >= CORRIDOR_RIGHT - 0.01
    )


def test_what_was_not_measured_has_no_mark():
    """No value, no mark and no whisker; the corridor is told all the same."""
    found = bar(finding(None, 1.0, 2.0, standing=Standing.SKIPPED))
    assert (found.mark, found.whisker, found.value) == (None, None, "–")
    assert found.corridor == "1 to 2"
    assert [corridor_text(*ends) for ends in ((None, 3), (0.5, None), (None, None))] == [
        "up to 3",
        "from 0.5",
        "open",
    ]


def test_far_values_stand_at_the_edge_and_say_so():
    """A value ten corridors away is clipped, marked as beyond, with its whisker in the bar."""
    found = bar(finding(20.0, 1.0, 2.0, (15.0, 25.0), Standing.OUTSIDE))
    assert found.is_beyond
    assert found.mark == 99.0
    assert found.whisker == (99.0, 99.0)


def test_the_section_counts_what_became_of_facts():
    """Groups in the order of the scorecard, and a sentence with the counts and the total."""
    found = (
        finding(1.5, 1.0, 2.0),
        finding(9.0, 1.0, 2.0, standing=Standing.OUTSIDE),
        finding(None, 1.0, 2.0, standing=Standing.SKIPPED),
    )
    section = corridors(Scorecard("a run", {}, found, 0.5))
    assert "1 facts are inside and 1 outside; 0 are shown" in section.lead
    assert "50%" in section.lead
    assert [(name, len(bars)) for name, bars in section.groups] == [("activity", 3)]

"""Maps and axes: names have room, numbers are whole, dates tell their year, counts their noun."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import combinations
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.report import geography as maps
from fauxpay.report.drawing import drawn, plain_logarithm
from fauxpay.report.frauds import _campaigns, _timeline
from fauxpay.report.geography import Place, labels_of, part_names
from fauxpay.report.page import headlines
from fauxpay.report.parts import many

EPOCH = date(1970, 1, 1)
TABLES = ("transactions", "cards", "customers", "merchants", "places", "truth")


def texts(svg):
    """All texts of a drawing."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def place(city, x, y, euros=1.0, country="US"):
    """A city with one payment."""
    return Place(city, country, 1, euros, round(100 * x), round(100 * y))


def named(*found):
    """Names that stand on a map of 200 by 100 points, (city, x, y, radius) each."""
    cities = [place(city, 0, 0) for city, *_ in found]
    return {one.city: at for one, at in labels_of(cities, [one[1:] for one in found], 200, 100)}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.text("abc", min_size=1, max_size=14), st.floats(0, 200), st.floats(0, 100)),
        max_size=12,
    )
)
def test_no_name_is_printed_over_another(found):
    """Property: the boxes that are drawn lie apart, and inside of the map."""
    cities = [place(city, x, y) for city, x, y in found]
    spots = {id(city): (x, y) for city, (_, x, y) in zip(cities, found, strict=True)}
    boxes = [
        maps._box_of(
            one.city, spots[id(one)][0] + at[0], spots[id(one)][1] + at[1], is_left=at[0] < 0
        )
        for one, at in labels_of(cities, [(x, y, 1.0) for _, x, y in found], 200, 100)
    ]
    assert all(box[0] >= 0 and box[2] <= 212 for box in boxes)
    for one, other in combinations(boxes, 2):
        assert not maps._overlaps(one, [other])


def test_a_name_at_the_eastern_edge_goes_left_and_makes_way():
    """New York stands at the edge, and Chicago's name leaves it room."""
    found = named(("New York City", 190, 60, 8), ("Chicago", 110, 64, 1))
    assert found["New York City"][0] < 0
    assert found["Chicago"][0] < 0


def test_a_name_does_not_begin_at_another_circle():
    """New York's name, to the left of it, reaches to Chicago: it is put where it does not."""
    assert named(("New York City", 190, 60, 3), ("Chicago", 125, 70, 3))["New York City"] == (
        -4,
        -9,
    )


def test_a_larger_city_without_a_name_keeps_its_surroundings():
    """A suburb's name in the circle of an unnamed city would be read as that city's."""
    long = "A city whose name is wider than the whole of this small map"
    assert set(named((long, 100, 50, 9), ("Suburb", 103, 50, 1))) == set()
    assert set(named((long, 100, 50, 9), ("Far", 20, 50, 1))) == {"Far"}


def test_parts_with_the_same_countries_have_a_city_beside_them():
    """Two maps of one country are told apart; one alone is called by its country."""
    parts = [[place("Boston", -71, 42)], [place("Seattle", -122, 47)], [place("Rome", 12, 41)]]
    parts[2][0].country = "IT"
    assert part_names(parts) == ["US around Boston", "US around Seattle", "IT"]


def test_degrees_of_a_small_map_have_room():
    """A map of some minutes has few ticks: not a name of 35.75 each eighth of an inch."""
    found = [place("Tokyo", 139.65, 35.68, 9, "JP"), place("Osaka", 135.5, 34.69, 2, "JP")]
    degrees = [text for text in texts(maps._drawing([], found)) if "°" in text]
    assert 4 <= len(degrees) <= 10
    assert max(len(text) for text in degrees) <= 8


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ((0.7, 45), ["1", "2", "5", "10", "20"]),
        ((1, 5000), ["1", "10", "100", "1,000"]),
        ((400, 30_000), ["1,000", "3,000", "10,000", "30,000"]),
    ],
)
def test_a_logarithmic_axis_has_a_scale(limits, wanted):
    """One tick alone tells no scale; many long ones run together."""
    with drawn(2.0, (1.98, 0.24, 0.3, 0.1)) as (axes, made):
        axes.set_xscale("log")
        axes.set_xlim(*limits)
        axes.set_yticks([])
        plain_logarithm(axes.xaxis, lambda value: f"{value:,g}")
    assert texts(made[0]) == wanted


@pytest.mark.parametrize(
    ("days", "wanted"), [(365, "Jan 2026"), (20, "15 Dec"), (1100, "Jan 2026")]
)
def test_dates_of_long_windows_tell_their_year(days, wanted):
    """Where a window crosses a year, and its ticks are months apart."""
    first = date(2025, 12, 15) if days == 20 else date(2025, 6, 1)
    found = [((first - EPOCH).days, "skimming", 2)]
    figure = _timeline(found, ["skimming"], {"skimming": "#050001"}, first,
                       first + timedelta(days=days))  # fmt: skip
    shown = [text for text in texts(figure.svg) if re.search(r"[A-Z][a-z]{2}( |$)", text)]
    assert any(wanted in text for text in shown)
    assert all(bool(re.search(r"20\d\d", text)) == (days > 20) for text in shown)


def test_a_campaign_that_began_earlier_has_a_whole_dot():
    """Its dot stands on the axis and is not cut; the caption says what it means there."""
    first = date(2026, 3, 1)
    base = (first - EPOCH).days
    found = [("skimming", base - 9.5, base + 3.5, 4, 2)]
    figure = _campaigns(found, {"skimming": "#050001"}, first, date(2026, 3, 15))
    assert re.search(r"<use [^>]*series-1", figure.svg)
    assert not re.search(r'<g clip-path="[^"]*">\s*<use [^>]*series-1', figure.svg)
    assert "began before the window" in figure.note


def test_one_is_not_many():
    """1 city, 2 cities, 0 days."""
    counts = many(1, "city", "cities"), many(2, "city", "cities"), many(0, "day")
    assert counts == ("1 city", "2 cities", "0 days")
    first = date(2026, 3, 1)
    found = [((first - EPOCH).days, "skimming", 1)]
    colours = {"skimming": "#050001"}
    figure = _timeline(found, ["skimming"], colours, first, date(2026, 3, 2))
    assert figure.note == "1 fraud in 1 day."


def test_headlines_count_in_words():
    """A run of one day, one card and one merchant says so."""
    run = Mock(fraud_rate=1.0, rows=dict.fromkeys(TABLES, 1))
    run.receipt = {"window": {"from": "2026-03-01"}, "partitions": [{"event_day": "2026-03-01"}]}
    assert headlines(run, None) == [
        ("1", "transaction", "1 day from 2026-03-01"),
        ("1", "card", "of 1 customer"),
        ("1", "merchant", "in 1 place"),
        ("100.000%", "fraud", "1 transaction"),
    ]

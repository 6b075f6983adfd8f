"""Drawing: rectangles as one path, numbers that stay what they are, colours that tell apart."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.report.drawing import MUTED, SERIES, areas, drawn, share_text, svg_of
from fauxpay.report.frauds import KINDS_COLOURED, OTHER, _colours, _timeline


def path_of(sides, edge=0.0):
    """What `d` says of rectangles drawn on axes of 10 by 10, and how often a path is drawn."""
    with drawn(2.0, (0.0, 0.0, 0.0, 0.0)) as (axes, made):
        axes.set_axis_off()
        axes.set_xlim(0, 10)
        axes.set_ylim(0, 10)
        areas(axes, sides, SERIES[0], edge)
    return re.findall(r'<path d="([^"]*)"[^>]*style="fill: #050001', made[0])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 8)] * 2), min_size=1, max_size=20))
def test_rectangles_are_one_path(corners):
    """Each has its four corners where it should, all in a single element."""
    left, bottom = (np.array(side) for side in zip(*corners, strict=True))
    (path,) = path_of((left, left + 1, bottom, bottom + 2))
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)]
    assert len(points) == 4 * len(corners)
    width, height = 4.5 * 72 / 10, 2.0 * 72 / 10
    firsts = sorted((round(x / width), round(10 - y / height)) for x, y in points[::4])
    assert firsts == sorted(corners)


def test_no_rectangle_draws_nothing():
    """Nor does it fail."""
    nothing = np.array([])
    assert path_of((nothing, nothing, nothing, nothing)) == []


def test_places_are_rounded_and_texts_are_not():
    """Half a hundredth of a pixel is nothing; a share of .0001 % is what it says."""
    drawing = '<?xml?><svg viewBox="0 0 9 9"><text x="1.23456">0.0001 %</text></svg>'
    svg = svg_of(drawing, "k", "name")
    assert 'x="1.23"' in svg
    assert ">0.0001 %<" in svg
    assert share_text(1e-6) == "0.0001 %"


def test_no_two_kinds_share_a_colour():
    """The rarer ones are one series, muted; all of their frauds are drawn and listed."""
    kinds = [f"kind_{number}" for number in range(9)]
    colours = _colours(kinds)
    assert len(set(colours.values())) == len(colours) == KINDS_COLOURED + 1
    assert colours[OTHER] == MUTED
    assert list(_colours(kinds[:KINDS_COLOURED])) == kinds[:KINDS_COLOURED]
    first = date(2026, 3, 1)
    days = [((first - date(1970, 1, 1)).days, kind, 2) for kind in kinds]
    figure = _timeline(days, kinds, colours, first, date(2026, 3, 3))
    assert figure.data.rows[0] == ("2026-03-01", *["2"] * 9)
    assert "18 frauds" in figure.note
    names = re.findall(r">([^<>]*kind[^<>]*)</text>", figure.svg)
    assert names == [*(f"kind {number}" for number in range(KINDS_COLOURED)), OTHER]

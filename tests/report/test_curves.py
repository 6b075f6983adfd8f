"""Curves of labels and detectors: none is cut at an edge, covered, or called what it is not."""

from __future__ import annotations

import re

from fauxpay.report.difficulty import difficulty
from fauxpay.report.knowledge import _delays
from fauxpay.scorecard.difficulty import Curve, Difficulty


def strokes(svg, colour):
    """Points of each line of a colour."""
    found = re.findall(rf'<path d="([^"]*)"[^>]*style="fill: none; stroke: {colour}', svg)
    return [
        [tuple(map(float, p)) for p in re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", d)] for d in found
    ]


def test_the_last_step_of_a_delay_is_seen():
    """The curve goes on level where all is known that ever will be, and does not end rising."""
    figure = _delays([("analyst", 3, 2), ("chargeback", 41, 3)], 10)
    for colour in (r"var\(--ink\); stroke-width: 2", r"var\(--series-4\)"):
        line = max(strokes(figure.svg, colour), key=len)
        end, level = line[-1]
        assert end - min(x for x, y in line if y == level) > 1


def test_a_source_keeps_its_colour():
    """Where analysts tell nothing, chargebacks are drawn as they are beside them."""
    both = _delays([("analyst", 3, 2), ("chargeback", 41, 3)], 10)
    one = _delays([("chargeback", 41, 3)], 10)
    for figure in (both, one):
        assert strokes(figure.svg, r"var\(--series-4\)")
    assert not strokes(one.svg, r"var\(--series-1\)")


def test_the_legend_of_the_lift_stands_above_its_curves():
    """Which are the best at a recall or beyond, while the legend has averages: both are said."""
    line = ((0.02, 30.0), (0.5, 12.0), (1.0, 1.0))
    names = {"a": "column", "b": "column", "tree": "tree", "boosting": "boosting"}
    curves = tuple(
        Curve(name, kind, 0.9, 0.1, 7.3, 0.5, line, line) for name, kind in names.items()
    )
    _, lift = difficulty(Difficulty(curves, 0.001, 9, 9, 1.0)).figures
    texts = re.findall(r'<text[^>]*?y="([\d.]+)"[^>]*>([^<]*)<', lift.svg)
    legend = [float(y) for y, text in texts if "7.3×" in text or "average" in text]
    highest = min(y for x, y in max(strokes(lift.svg, r"var\(--series-1\)"), key=len))
    assert len(legend) == 1 + len(curves)
    assert max(legend) < highest
    assert "best precision / prevalence" in [text for _, text in texts]
    assert "or beyond" in lift.note

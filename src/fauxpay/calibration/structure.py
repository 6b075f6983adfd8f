"""Structure: three knobs that no ratio finds, by the slope of what they move.

Reads    statistics of the table and of two mirrors
Writes   knobs
Draws    nothing
Sources  nothing

A statistic such as "two purchases of a card are at one merchant" answers to its exponent smoothly
but by no simple law, so one mirror is made with the knobs as they are and one with them turned.
"""

from __future__ import annotations

from collections.abc import Mapping

from fauxpay.calibration.knobs import Knobs, Note, significant
from fauxpay.calibration.statistics import Statistics

# setting: (statistic, turn of the knob, least, largest, how)
TURNED = {
    "activity.trip_share": (
        ("short_gaps",),
        0.25,
        0.0,
        1.0,
        "purchases soon after another of the same card",
    ),
    "activity.favourite_zipf_exponent": (
        ("same_merchant",),
        0.3,
        0.0,
        3.0,
        "two purchases of one card at one merchant",
    ),
    "catalog.merchant_zipf_exponent": (
        ("shared_merchant",),
        0.3,
        0.0,
        3.0,
        "online purchases of two cards at one merchant",
    ),
}
# A slope that is hardly there would send the knob anywhere.
SLOPE_MIN = 0.05


def turned(knobs: Knobs) -> Knobs:
    """The same knobs, those of the structure turned towards the middle of their range."""
    other = knobs.copy()
    for key, (_, turn, _, largest, _) in TURNED.items():
        now = float(knobs.setting(key))
        other.values[key] = now + turn if now + turn <= largest else now - turn
    return other


def slopes(plain: Statistics, other: Statistics, pair: tuple[Knobs, Knobs]) -> dict[str, float]:
    """Change of each statistic by one of its knob; those too flat to use are not in it."""
    found = {}
    for key, (statistic, *_) in TURNED.items():
        before, after = plain.value(*statistic), other.value(*statistic)
        step = float(pair[1].setting(key)) - float(pair[0].setting(key))
        if before is not None and after is not None and abs((after - before) / step) >= SLOPE_MIN:
            found[key] = (after - before) / step
    return found


def correct_structure(
    knobs: Knobs,
    seen: Statistics,
    made: Statistics,
    slope: Mapping[str, float],
    before: tuple[Knobs, Statistics] | None = None,
) -> None:
    """One step for each knob: between the two last mirrors, or Newton's where they do not bracket.

    before  the mirror before this one, and the knobs that it was made with
    """
    for key, (statistic, _, least, largest, how) in TURNED.items():
        cell, mirror = seen.cells.get(statistic), made.value(*statistic)
        if cell is None or mirror is None:
            knobs.leave(key, "its columns are not there, or too few cards")
            continue
        if key not in slope:
            knobs.leave(key, "the mirror does not answer to it, so that it cannot be told")
            continue
        here = (float(knobs.setting(key)), mirror)
        there = before and (float(before[0].setting(key)), before[1].value(*statistic))
        value = _step(cell.value, here, there or None, slope[key])
        value = significant(min(max(value, least), largest), 3)
        knobs.put_setting(key, value, Note(how, cell.rows, cell.cards))


def _step(
    wanted: float, here: tuple[float, float], there: tuple[float, float | None] | None, slope: float
) -> float:
    """The knob at which the statistic is as wanted, by points (knob, statistic)."""
    if (
        there
        and there[1] is not None
        and min(here[1], there[1]) <= wanted <= max(here[1], there[1])
    ):
        part = (wanted - here[1]) / (there[1] - here[1]) if there[1] != here[1] else 0.0
        return here[0] + part * (there[0] - here[0])
    return here[0] + (wanted - here[1]) / slope

"""Statistics and knobs as a test tells them, without a table or a mirror."""

from __future__ import annotations

from datetime import date

from fauxpay.calibration.knobs import Knobs, Note
from fauxpay.calibration.shapes import put_countries
from fauxpay.calibration.statistics import Cell, Statistics
from fauxpay.drift.windows import Window

WINDOW = Window(date(2026, 3, 2), date(2026, 5, 4))
OWN = {"GB": 0.5, "US": 0.5}
NOTE = Note("as a test", 100, 50)


def told(values: dict[tuple[str, ...], float | Cell], *suppressed: tuple[str, ...]) -> Statistics:
    """Statistics of some cells, each of 1,000 rows of 500 cards unless it says otherwise."""
    cells = {
        key: one if isinstance(one, Cell) else Cell(one, 1000, 500) for key, one in values.items()
    }
    return Statistics(WINDOW, cells, set(suppressed))


def knobs_of(countries: dict[str, float] = OWN) -> Knobs:
    """Knobs as they are before anything is fitted, of a world of some countries."""
    knobs = Knobs()
    put_countries(knobs, countries, NOTE)
    return knobs

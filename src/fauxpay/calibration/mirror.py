"""Mirror: a small world of the engine's own, made by the config as fitted so far, and measured.

Reads    a config
Writes   a run in a temporary folder, removed afterwards
Draws    those of the engine
Sources  Gourieroux, Monfort and Renault 1993, Indirect inference

What a knob does to a table is not asked of a formula but of the engine: the same statistics are
taken of a world made with the knob, so whatever stands between the two is in both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from fauxpay.calibration.measuring import measure
from fauxpay.calibration.statistics import Statistics, open_source
from fauxpay.config.model import FIRST_DAY, LAST_DAY, Config
from fauxpay.delivery.run import make_run
from fauxpay.drift.windows import Window
from fauxpay.foundations.parameters import load_parameters
from fauxpay.readers.run import as_run
from fauxpay.scorecard.card_table import open_card_table

# Seeds that nobody is likely to have made the table with: else its chance would be the mirror's.
SEED_CATALOG = 771_032_115_207
SEED_RUN = 530_118_947_261
WARM_DAYS = 60  # before the window: refunds and frauds of the first day began earlier


def mirrored(
    values: Mapping[str, Any],
    overrides: Mapping[str, Any],
    own: Window,
    cards: int,
    nth: int = 0,
) -> Statistics:
    """Statistics of the world that values and overrides make, in the window, nothing suppressed.

    values     dotted key of the config -> value
    overrides  dotted name of a parameter -> value
    nth        mirrors of another number have other seeds, so that their chance evens out
    """
    placed = place_window(own)
    sizes = {
        "catalog.cards": cards,
        "catalog.seed": SEED_CATALOG + nth,
        "activity.epoch": epoch_of(placed),
        "run.seed": SEED_RUN + nth,
        "run.from": placed.start,
        "run.to": placed.end,
        "run.executor": "serial",
    }
    with tempfile.TemporaryDirectory(prefix="fauxpay-fit-") as folder:
        chosen = {**values, **sizes, "run.out": str(Path(folder) / "root")}
        config = Config().with_values({**chosen, "parameters": dict(overrides)})
        parameters = load_parameters(overrides)
        run = as_run(make_run(config, parameters).sealed)
        table = open_card_table(run)
        source = open_source(table, table.connect(), placed, parameters, (1, cards))
        return measure(source)


def epoch_of(placed: Window) -> date:
    """The first of January of the year before: prices are those of the epoch's exchange rates."""
    return max(date(placed.start.year - 1, 1, 1), FIRST_DAY)


def place_window(own: Window) -> Window:
    """The window itself, or one of alike weekdays and season in the years that the engine knows."""
    length = own.end - own.start
    first, last = FIRST_DAY + timedelta(WARM_DAYS), LAST_DAY
    if own.start >= first and own.end <= last:
        return own
    length = min(length, timedelta(364))
    # A year is 52 weeks and a day or two: whole weeks near to whole years keep both.
    target = date(2024, own.start.month, min(own.start.day, 28))
    weeks = round((target - own.start).days / 7)
    start = own.start + timedelta(7 * weeks)
    return Window(start, start + length)

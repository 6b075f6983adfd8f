"""Returns: refunds and reversals, each decided in its own cell and pointing back.

Reads    cells, visits, the purchases that they take back
Writes   events of class REFUND and REVERSAL, with the rows that they repeat
Draws    CELL_REFUND*, VISIT_REVERSED, VISIT_REVERSAL_GAP, REFUND_*
Sources  parameters.yaml [returns]
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from fauxpay.activity import streams
from fauxpay.activity.addresses import CLASS_SHIFT, REFUND, REVERSAL, code
from fauxpay.activity.calendar import DAY_MS, Calendar
from fauxpay.activity.cells import Cells
from fauxpay.activity.streams import Keys
from fauxpay.activity.visits import Visits, curve_rows, lognormal_table, time_in_curve
from fauxpay.catalog.world import Bool
from fauxpay.config.model import Config
from fauxpay.foundations.alias import slots
from fauxpay.foundations.counts import grid_rates
from fauxpay.foundations.draws import F64, I64, U64, draw, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import look_up, tail_index

_LAG_SLOTS = 1 << streams.CELL_REFUND_LAG.width


@dataclass(frozen=True, slots=True)
class ReturnTables:
    """refund_chance i64[grid steps], of 65,536; lag_days i64[4096]; reversal chance and gap."""

    refund_chance: I64
    lag_days: I64
    reversal_chance: int
    reversal_gap: F64


@dataclass(frozen=True, slots=True)
class Returns:
    """Events that take a purchase back, and the context of that purchase.

    card, at_ms, code  i64[n]   the event
    source             u64[n]   address of the purchase
    place, transit, source_day, source_ms      where and when it was made
    """

    card: I64
    at_ms: I64
    code: I64
    source: U64
    place: I64
    in_transit: Bool
    source_day: I64
    source_ms: I64


def return_tables(config: Config, parameters: Parameters) -> ReturnTables:
    """Tables of a world."""
    returns = parameters.section("activity.returns")
    lag = returns["refund_lag_days"]
    gap = returns["reversal_gap_seconds"]
    chance = np.minimum(grid_rates() * config.activity.refund_share, 1.0)
    return ReturnTables(
        refund_chance=np.rint(np.round(chance * 65536, 6)).astype(np.int64),
        lag_days=_lag_slots(lag["median"], lag["log_sd"], int(lag["max"])),
        reversal_chance=threshold(config.activity.reversal_share, 16),
        reversal_gap=lognormal_table(gap["median"] * 1e3, gap["log_sd"], 1e3, gap["max"] * 1e3),
    )


def _lag_slots(median: float, log_sd: float, longest: int) -> I64:
    """Whole days 1..longest in proportion to a lognormal law, as 4096 slots."""
    day = np.arange(1, longest + 1)
    weight = np.exp(-0.5 * (np.log(day / median) / log_sd) ** 2) / day
    return slots(np.round(weight, 9), _LAG_SLOTS).astype(np.int64) + 1


def refund_candidates(tables: ReturnTables, cells: Cells) -> tuple[I64, I64]:
    """(positions of cells that want a refund, days back to the purchase)."""
    wants = streams.CELL_REFUND.of(cells.word) < tables.refund_chance.take(
        cells.rate_index, mode="clip"
    )
    row = np.flatnonzero(wants)
    return row, tables.lag_days[streams.CELL_REFUND_LAG.of(cells.word[row])]


def refunds(
    calendar: Calendar, keys: Keys, cells: Cells, candidates: tuple[I64, Visits, Cells]
) -> Returns:
    """Refunds of cells; candidates are (rows in cells, the visits chosen, their cells).

    The i-th visit is what the cell at row i takes back; its cell is visits.cell[i] of source cells.
    """
    row, chosen, sources = candidates
    address = cells.address[row] | np.uint64(REFUND << CLASS_SHIFT)
    word = draw(keys["refund"], address)
    at_ms = time_in_curve(
        calendar,
        curve_rows(calendar, cells)[row],
        streams.REFUND_QUARTER.of(word),
        streams.REFUND_WITHIN.of(word),
    )
    return Returns(
        card=cells.card[row],
        at_ms=at_ms,
        code=np.full(row.size, REFUND << CLASS_SHIFT, dtype=np.int64),
        source=chosen.address,
        place=sources.place[chosen.cell],
        in_transit=sources.in_transit[chosen.cell],
        source_day=np.broadcast_to(np.asarray(sources.day), sources.card.shape)[chosen.cell],
        source_ms=chosen.at_ms,
    )


def reversals(
    tables: ReturnTables, keys: Keys, cells: Cells, visits: Visits
) -> tuple[Returns, I64]:
    """Reversals that follow visits of the same cells within the day, and their cells."""
    row = np.flatnonzero(streams.VISIT_REVERSED.of(visits.word) < tables.reversal_chance)
    address, source_ms, cell = visits.address[row], visits.at_ms[row], visits.cell[row]
    gap_bits = streams.VISIT_REVERSAL_GAP.of(draw(keys["gap"], address)).view(np.uint64)
    index, fraction = tail_index(gap_bits)
    gap = look_up(tables.reversal_gap, np.zeros(row.size, dtype=np.int64), index, fraction)
    at_ms = source_ms + np.rint(gap).astype(np.int64)
    # A reversal belongs to its purchase's day: near midnight it comes half-way to the day's end.
    at_ms = np.where(at_ms < DAY_MS, at_ms, source_ms + (DAY_MS - source_ms) // 2)
    undone = Returns(
        card=visits.card[row],
        at_ms=at_ms,
        code=code(REVERSAL, visits.slot[row]),
        source=address,
        place=cells.place[cell],
        in_transit=cells.in_transit[cell],
        source_day=np.broadcast_to(np.asarray(cells.day), cells.card.shape)[cell],
        source_ms=source_ms,
    )
    return undone, cell


def keep(returns: Returns, kept: Bool) -> Returns:
    """The returns whose purchase was approved and can be taken back."""
    return Returns(*(getattr(returns, field.name)[kept] for field in fields(Returns)))


def joined(first: Returns, second: Returns) -> Returns:
    """Both, one after the other."""
    pairs = ((getattr(first, f.name), getattr(second, f.name)) for f in fields(Returns))
    return Returns(*(np.concatenate(pair) for pair in pairs))

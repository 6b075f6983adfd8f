"""Returns: refunds and reversals, each decided in its own cell and pointing back.

Reads    cells, visits, the purchases that they take back
Writes   events of class REFUND and REVERSAL, with the rows that they repeat
Draws    CELL_REFUND*, VISIT_REVERSED, VISIT_REVERSAL_GAP, REFUND_*
Sources  parameters.yaml [returns]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fauxpay.activity import streams
from fauxpay.activity.addresses import CLASS_SHIFT, REFUND, REVERSAL, code
from fauxpay.activity.calendar import DAY_MS, Calendar
from fauxpay.activity.cells import Cells
from fauxpay.activity.outcomes import APPROVED
from fauxpay.activity.repeats import Repeats, Sources
from fauxpay.activity.streams import Keys
from fauxpay.activity.visits import Visits, curve_rows, time_in_curve
from fauxpay.catalog.world import Bool, World
from fauxpay.config.model import Config
from fauxpay.foundations.alias import slots
from fauxpay.foundations.counts import grid_rates
from fauxpay.foundations.draws import F64, I64, U64, draw, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.quantiles import lognormal_table, look_up, tail_index

_LAG_SLOTS = 1 << streams.CELL_REFUND_LAG.width
_PAID_BITS = streams.REFUND_PAID.width


@dataclass(frozen=True, slots=True)
class ReturnTables:
    """refund_chance i64[grid steps], of 65,536; lag_days i64[4096]; reversal chance and gap.

    paid_back  i64[merchants], chance of 4,096 that a merchant takes back what it sold
    """

    refund_chance: I64
    lag_days: I64
    reversal_chance: int
    reversal_gap: F64
    paid_back: I64


def return_tables(world: World, config: Config, parameters: Parameters) -> ReturnTables:
    """Tables of a world."""
    returns = parameters.section("activity.returns")
    lag = returns["refund_lag_days"]
    gap = returns["reversal_gap_seconds"]
    wanted = config.activity.refund_share / float(returns["found_share"])
    chance = np.minimum(grid_rates() * wanted, 1.0)
    shares = returns["category_share"]
    by_mcc = [threshold(shares.get(mcc, shares["default"]), _PAID_BITS) for mcc in world.mccs]
    return ReturnTables(
        refund_chance=np.rint(np.round(chance * 65536, 6)).astype(np.int64),
        lag_days=_lag_slots(lag["median"], lag["log_sd"], int(lag["max"])),
        reversal_chance=threshold(config.activity.reversal_share, 16),
        reversal_gap=lognormal_table(gap["median"] * 1e3, gap["log_sd"], 1e3, gap["max"] * 1e3),
        paid_back=np.array(by_mcc, dtype=np.int64)[world.merchants.mcc],
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
    wants[cells.unused] = False
    row = np.flatnonzero(wants)
    return row, tables.lag_days[streams.CELL_REFUND_LAG.of(cells.word[row])]


def refunds(
    calendar: Calendar, keys: Keys, cells: Cells, candidates: tuple[I64, Sources]
) -> Repeats:
    """Refunds of cells; candidates are (rows in cells, what each takes back)."""
    row, source = candidates
    word = draw(keys["refund"], refund_addresses(cells, row))
    return Repeats(
        card=cells.card[row],
        at_ms=refund_ms(calendar, cells, row, word),
        code=np.full(row.size, REFUND << CLASS_SHIFT, dtype=np.int64),
        source=source.address,
        where=source.where,
        place=source.place,
        in_transit=source.in_transit,
        quarter=source.quarter,
        response=np.full(row.size, APPROVED),
    )


def refund_addresses(cells: Cells, row: I64) -> U64:
    """Own addresses of the refunds of some cells."""
    address: U64 = cells.address[row] | np.uint64(REFUND << CLASS_SHIFT)
    return address


def refund_ms(calendar: Calendar, cells: Cells, row: I64, word: U64) -> I64:
    """When in the UTC day of some cells one comes for a refund, from a drawn word."""
    day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[row]
    return time_in_curve(
        calendar,
        curve_rows(calendar, cells.group[row], day),
        streams.REFUND_QUARTER.of(word),
        streams.REFUND_WITHIN.of(word),
    )


def is_paid_back(tables: ReturnTables, merchant: I64, word: U64) -> Bool:
    """Whether merchants take back what they sold, by words of the stream `refund`."""
    return np.asarray(streams.REFUND_PAID.of(word) < tables.paid_back.take(merchant))


def reversed_visits(tables: ReturnTables, visits: Visits) -> I64:
    """Positions of the visits that are taken back within the day."""
    return np.flatnonzero(streams.VISIT_REVERSED.of(visits.word) < tables.reversal_chance)


def reversed_at(tables: ReturnTables, visits: Visits, row: I64) -> Bool:
    """Whether some visits are taken back within the day, bool[n] by their positions."""
    own = streams.VISIT_REVERSED.of(visits.word.take(row))
    return np.asarray(own < tables.reversal_chance)


def reversals(
    tables: ReturnTables, keys: Keys, visits: Visits, candidates: tuple[I64, Sources]
) -> Repeats:
    """Reversals of visits; candidates are (rows in visits, the same as what is taken back)."""
    row, source = candidates
    address, source_ms = visits.address[row], visits.at_ms[row]
    gap_bits = streams.VISIT_REVERSAL_GAP.of(draw(keys["gap"], address)).view(np.uint64)
    index, fraction = tail_index(gap_bits)
    gap = look_up(tables.reversal_gap, np.zeros(row.size, dtype=np.int64), index, fraction)
    at_ms = source_ms + np.rint(gap).astype(np.int64)
    # A reversal belongs to its purchase's day: near midnight it comes half-way to the day's end.
    at_ms = np.where(at_ms < DAY_MS, at_ms, source_ms + (DAY_MS - source_ms) // 2)
    return Repeats(
        card=visits.card[row],
        at_ms=at_ms,
        code=code(REVERSAL, visits.slot[row]),
        source=address,
        where=source.where,
        place=source.place,
        in_transit=source.in_transit,
        quarter=source.quarter,
        response=np.full(row.size, APPROVED),
    )

"""Repeats: events that take place, price and manner from an earlier purchase of their card.

Reads    visits of cells, their leaders
Writes   repeats(card, at_ms, code, source, ...)
Draws    nothing of its own
Sources  nothing

A refund or a reversal repeats what it takes back, a retry what was refused. Each asks by the
address of that purchase, in the context that it was made in, so nothing is looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from fauxpay.activity.cells import Cells
from fauxpay.activity.rows import Rows
from fauxpay.activity.tills import Leaders, entries_of
from fauxpay.activity.visits import Visits
from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import I64, U64

if TYPE_CHECKING:
    from fauxpay.activity.engine import Activity


@dataclass(frozen=True, slots=True)
class Repeats:
    """Events that repeat a purchase, and the context of that purchase.

    card, at_ms, code  i64[n]   the event
    source             u64[n]   address that price and manner are asked by: that of the purchase
    where              u64[n]   what its merchant is asked by
    place, in_transit, quarter  where the card was and in which quarter-hour of the local week
    response           i64[n]   what is answered, as code of the contract
    """

    card: I64
    at_ms: I64
    code: I64
    source: U64
    where: U64
    place: I64
    in_transit: Bool
    quarter: I64
    response: I64


@dataclass(frozen=True, slots=True)
class Sources:
    """Purchases that are repeated, with the context that they were made in; fields as above."""

    address: U64
    where: U64
    place: I64
    in_transit: Bool
    quarter: I64


def sources_of(
    activity: Activity, cells: Cells, made: Visits, leaders: Leaders, row: I64
) -> Sources:
    """The visits at `row` of cells, as what is repeated."""
    cell = made.cell[row]
    day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[cell]
    where = made.address[row]
    quarter = activity.local_quarters(cells.place[cell], day, made.at_ms[row])
    position, entry = entries_of(leaders.row, row)
    where[position], quarter[position] = leaders.address[entry], leaders.quarter[entry]
    return Sources(made.address[row], where, cells.place[cell], cells.in_transit[cell], quarter)


def source_rows(activity: Activity, repeats: Repeats) -> Rows:
    """The context of the purchases that are repeated."""
    address = (repeats.where, repeats.source, repeats.source)
    place = (repeats.place, repeats.in_transit)
    return activity.rows(repeats.card, address, place, repeats.quarter)


def keep(repeats: Repeats, kept: Bool) -> Repeats:
    """Some of them."""
    return Repeats(*(getattr(repeats, field.name)[kept] for field in fields(Repeats)))


def joined(*parts: Repeats) -> Repeats:
    """All, one after the other."""
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Repeats))
    return Repeats(*(np.concatenate(column) for column in columns))

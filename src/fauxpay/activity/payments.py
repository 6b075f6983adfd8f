"""Payments: what cells pay for subscriptions, and what they try again after a decline.

Reads    subscriptions, the answers to earlier attempts
Writes   events(card, at_ms, code) of class RECURRING
Draws    OUTCOME_CODE, as the attempts themselves do
Sources  parameters.yaml [recurring.retry_days]

The cell of the later day asks: it looks at what was due on the earlier ones and makes an attempt
where every attempt before was declined. The one draw of the answer tells, whatever was bought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fauxpay.activity.addresses import RECURRING, cell_addresses, code
from fauxpay.activity.cells import Cells
from fauxpay.activity.outcomes import is_declined
from fauxpay.activity.recurring import due_payments
from fauxpay.activity.terms import attempt_slots, terms_of
from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import I64

if TYPE_CHECKING:
    from fauxpay.activity.engine import Activity


def payments(
    activity: Activity, cells: Cells, due: list[tuple[I64, I64]]
) -> tuple[I64, tuple[I64, I64, I64]]:
    """(cells, (card, at_ms, code)) of the payments of subscriptions in cells.

    due  (cell, subscription) of what is due, then of what was due before each retry
    """
    all_days = np.broadcast_to(np.asarray(cells.day), cells.card.shape)
    cell, paid = [], []
    for attempt, (due_cell, position) in enumerate(due):
        is_used = cells.keep(due_cell)
        due_cell, position = due_cell[is_used], position[is_used]
        day = all_days[due_cell]
        due_day = day - activity.tables.terms.retry_days[attempt]
        kept = retried(activity, position, due_day, attempt)
        due_cell, position, day = due_cell[kept], position[kept], day[kept]
        if attempt == 0:
            kept = np.flatnonzero(_is_due(activity, position, day))
            due_cell, position, day = due_cell[kept], position[kept], day[kept]
        told = (position, day, attempt)
        cell.append(due_cell)
        paid.append(
            due_payments(activity.world, activity.calendar, activity.keys, activity.plan, told)
        )
    card, at_ms, name = (np.concatenate(parts) for parts in zip(*paid, strict=True))
    return np.concatenate(cell), (card, at_ms, name)


def retried(activity: Activity, position: I64, day: I64, attempt: int) -> I64:
    """Which payments are tried for the nth time: rows of those whose attempts before all failed.

    position  i64[n] of the subscriptions due; day i64[n] on which they were due
    """
    plan, offsets = activity.plan, activity.tables.terms.retry_days
    left = np.arange(position.size)
    for earlier in range(attempt):
        card, slot = plan.card[position[left]], plan.slot[position[left]]
        at = cell_addresses(card, day[left] + offsets[earlier])
        own = at | code(RECURRING, attempt_slots(slot, earlier)).view(np.uint64)
        left = left[is_declined(activity.tables.outcomes, activity.keys, own)]
    if attempt and left.size:
        made = _is_due(activity, position[left], day[left])
        card = plan.card[position[left]]
        made &= (day[left] >= activity.epoch_day) & activity.in_use(card, day[left])
        left = left[made]
    return left


def _is_due(activity: Activity, position: I64, day: I64) -> Bool:
    """Whether the terms of subscriptions bill anything in the month of their due days."""
    card, slot = activity.plan.card[position], activity.plan.slot[position]
    own = cell_addresses(card, day) | code(RECURRING, slot).view(np.uint64)
    return terms_of(activity.tables.terms, activity.keys, own).is_due

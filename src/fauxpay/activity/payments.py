"""Payments: what cells pay for subscriptions, and what they try again after a decline.

Reads    subscriptions, the answers to earlier attempts
Writes   events(card, at_ms, code) of class RECURRING
Draws    OUTCOME_CODE, as the attempts themselves do
Sources  parameters.yaml [recurring.retry_days]

The cell of the later day asks: it looks at what was due on the earlier ones and makes an attempt
where every attempt before was declined. Nearly all are settled by the one draw of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fauxpay.activity import outcomes, streams
from fauxpay.activity.addresses import RECURRING, cell_addresses, code
from fauxpay.activity.cells import Cells
from fauxpay.activity.recurring import due_payments
from fauxpay.activity.rows import SUBSCRIBED
from fauxpay.activity.terms import attempt_slots, terms_of
from fauxpay.foundations.draws import I64, U64, draw

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
        kept = _retried(activity, position, due_day, attempt)
        due_cell, position, day = due_cell[kept], position[kept], day[kept]
        card, at_ms, name = due_payments(
            activity.world, activity.calendar, activity.plan, position, day
        )
        name = attempt_slots(name, attempt)
        if attempt == 0:
            own = cell_addresses(card, day) | name.view(np.uint64)
            kept = np.flatnonzero(terms_of(activity.tables.terms, activity.keys, own).is_due)
            due_cell, card, at_ms, name = due_cell[kept], card[kept], at_ms[kept], name[kept]
        cell.append(due_cell)
        paid.append((card, at_ms, name))
    card, at_ms, name = (np.concatenate(parts) for parts in zip(*paid, strict=True))
    return np.concatenate(cell), (card, at_ms, name)


def _retried(activity: Activity, position: I64, day: I64, attempt: int) -> I64:
    """Which payments are tried for the nth time: rows of those whose attempts before all failed.

    position  i64[n] of the subscriptions due; day i64[n] on which they were due
    """
    plan, offsets = activity.plan, activity.tables.terms.retry_days
    card, slot = plan.card[position], plan.slot[position]
    left = np.flatnonzero((day >= activity.epoch_day) & activity.in_use(card, day))
    for earlier in range(attempt):
        at = cell_addresses(card[left], day[left] + offsets[earlier])
        own = at | code(RECURRING, attempt_slots(slot[left], earlier)).view(np.uint64)
        left = left[_may_fail(activity, own)]
        at = cell_addresses(card[left], day[left] + offsets[earlier])
        own = at | code(RECURRING, attempt_slots(slot[left], earlier)).view(np.uint64)
        left = left[_fails(activity, card[left], own)]
    return left


def _may_fail(activity: Activity, own: U64) -> I64:
    """Attempts that the draw of the answer does not approve for certain."""
    table = activity.tables.outcomes.response.reshape(outcomes.CASES, -1)
    cases = slice(SUBSCRIBED * outcomes.CASES_OF_KIND, (SUBSCRIBED + 1) * outcomes.CASES_OF_KIND)
    surely = (table[cases] == outcomes.APPROVED).all(axis=0)
    drawn = streams.OUTCOME_CODE.of(draw(activity.keys["outcome"], own))
    return np.flatnonzero(~surely[drawn])


def _fails(activity: Activity, card: I64, own: U64) -> I64:
    """Attempts that were made and declined."""
    terms = terms_of(activity.tables.terms, activity.keys, own)
    made = np.flatnonzero(terms.is_due)
    card, own = card[made], own[made]
    # Neither place nor hour bears on a payment that nobody is present at.
    place = (activity.world.cards.place[card], np.zeros(card.size, dtype=np.bool_))
    asked = (own, own, own)
    rows = activity.rows(card, asked, place, np.zeros(card.size, dtype=np.int64))
    _, manner = activity.describe(activity.billed(rows, np.arange(card.size)), None)
    failed: I64 = made[manner.response != outcomes.APPROVED]
    return failed

"""Subscriptions: payments that come back on their day of the month.

Reads    cards, calendar offsets
Writes   events(card, at_ms, code) of class RECURRING
Draws    SUBSCRIPTION_*, PAYMENT_TIME
Sources  parameters.yaml [recurring]

A subscription's merchant and price are asked by an address without a day, so they stay the same
for its term (activity.terms).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fauxpay.activity import streams
from fauxpay.activity.addresses import CARD_SHIFT, RECURRING, cell_addresses, code
from fauxpay.activity.calendar import DAY_MS, Calendar
from fauxpay.activity.cells import CellTables
from fauxpay.activity.streams import Keys
from fauxpay.activity.terms import attempt_slots
from fauxpay.activity.visits import spread_out
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.foundations.counts import GRID_STEPS, grid_position
from fauxpay.foundations.draws import I64, U64, draw
from fauxpay.foundations.parameters import Parameters

BILLING_DAYS = 28  # days 1..28 exist in every month
HOUR_MS, MINUTE_MS = 3_600_000, 60_000


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Subscriptions of a range of cards from first_card on, sorted by billing day.

    card i64[n], slot i64[n], word u64[n], day i64[n]; those of day d stand at
    first[d] .. first[d + 1].
    by_card i64[n] orders them by card; those of the card first_card + c stand there at
    first_of_card[c] .. first_of_card[c + 1].
    batch_ms   local milliseconds between which payments are made
    spread_ms  by how much a subscription's own time moves from payment to payment
    """

    first_card: int
    card: I64
    slot: I64
    word: U64
    day: I64
    first: I64
    by_card: I64
    first_of_card: I64
    batch_ms: tuple[int, int]
    spread_ms: int


def subscription_addresses(card: I64, slot: I64) -> U64:
    """Addresses without a day: card and the code of a subscription."""
    return ((card << np.int64(CARD_SHIFT)) | code(RECURRING, slot)).view(np.uint64)


def subscriptions(
    tables: CellTables,
    keys: Keys,
    cards: tuple[int, int],
    config: Config,
    parameters: Parameters,
) -> Subscriptions:
    """Subscriptions of cards first..last-1."""
    slots_max = int(parameters.value("activity.recurring.subscriptions_max"))
    # Some slots are between two subscriptions.
    idle = float(parameters.value("activity.recurring.idle_share"))
    mean = config.activity.recurring_per_card / (1.0 - idle)
    card = np.arange(*cards)
    if mean <= 0:
        count = np.zeros(card.size, dtype=np.int64)
    else:
        step = int(np.rint(grid_position(np.array([mean]))[0]))
        row = np.full(card.size, min(max(step, 0), GRID_STEPS - 1))
        word = draw(keys["subscriber"], card.astype(np.uint64))
        count = np.minimum(tables.counts.draw(row, word), slots_max)
    position, slot = spread_out(count)
    owner = card[position]
    word = draw(keys["subscription"], subscription_addresses(owner, slot))
    day = 1 + ((streams.SUBSCRIPTION_DAY.of(word) * BILLING_DAYS) >> 16)
    order = np.argsort(day, kind="stable")
    first = np.searchsorted(day[order], np.arange(BILLING_DAYS + 2))
    low, high = parameters.value("activity.recurring.batch_hours")
    spread = parameters.value("activity.recurring.batch_spread_minutes")
    return Subscriptions(
        first_card=cards[0],
        card=owner[order],
        slot=slot[order],
        word=word[order],
        day=day[order],
        first=first,
        by_card=np.argsort(owner[order], kind="stable"),
        first_of_card=np.concatenate([[0], np.cumsum(count)]),
        batch_ms=(int(low * HOUR_MS), int(high * HOUR_MS)),
        spread_ms=int(min(spread * MINUTE_MS, (high - low) * HOUR_MS)),
    )


def due_on_day(plan: Subscriptions, day_of_month: int) -> I64:
    """Positions in the plan of the payments due on a day of the month."""
    if day_of_month > BILLING_DAYS:
        return np.zeros(0, dtype=np.int64)
    return np.arange(plan.first[day_of_month], plan.first[day_of_month + 1])


def due_in_cells(
    plan: Subscriptions, card: I64, days_of_month: Sequence[I64]
) -> list[tuple[I64, I64]]:
    """(position of the cell, position in the plan) of all payments due in cells.

    days_of_month  several times the day of each cell, an answer for each
    """
    own = card - plan.first_card
    first = plan.first_of_card.take(own)
    cell, nth = spread_out(plan.first_of_card.take(own + 1) - first)
    position = plan.by_card.take(first.take(cell) + nth)
    billed = plan.day.take(position)
    due = [np.flatnonzero(billed == day.take(cell)) for day in days_of_month]
    return [(cell.take(one), position.take(one)) for one in due]


def due_payments(
    world: World, calendar: Calendar, keys: Keys, plan: Subscriptions, due: tuple[I64, I64, int]
) -> tuple[I64, I64, I64]:
    """(card, at_ms, code) of payments; due is (position i64[n], day i64[n], number of attempt)."""
    position, day, attempt = due
    card, name = plan.card[position], attempt_slots(plan.slot[position], attempt)
    low, high = plan.batch_ms[0], plan.batch_ms[1] - plan.spread_ms
    local = low + ((streams.SUBSCRIPTION_TIME.of(plan.word[position]) * (high - low)) >> 32)
    # A batch is not run to the millisecond of the last one.
    own = cell_addresses(card, day) | code(RECURRING, name).view(np.uint64)
    local += (streams.PAYMENT_TIME.of(draw(keys["payment"], own)) * plan.spread_ms) >> 24
    region = world.places.region[world.cards.place[card]]
    noon = np.full(card.size, DAY_MS // 2)
    offset = calendar.offset_minutes(region, day, noon)
    return card, (local - offset * MINUTE_MS) % DAY_MS, code(RECURRING, name)

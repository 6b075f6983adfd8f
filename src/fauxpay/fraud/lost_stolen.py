"""Lost or stolen card: used nearby by whoever found it, until the customer calls.

Reads    cards, places, merchants near the card's place of that day
Writes   compromises, attacks
Draws    fraud/lost_stolen/*
Sources  parameters.yaml [lost_stolen]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxpay.activity import outcomes, tickets
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity
from fauxpay.activity.rows import CASH, LOCAL, Where
from fauxpay.activity.shops import standing, terminals_of
from fauxpay.activity.visits import spread_out
from fauxpay.foundations.draws import I64, below
from fauxpay.fraud.story import (
    BLOCK_DAYS,
    LOST_STOLEN,
    Attacks,
    Compromises,
    attack_rows,
    choice,
    exposed,
    nth_addresses,
    running_ms,
    span_ms,
)
from fauxpay.fraud.streams import word

NAME = "lost_stolen"
_HOUR, _MINUTE = 3_600_000.0, 60_000.0


def lost_stolen(
    activity: Activity, per_card_year: float, facts: dict[str, Any], end_day: int
) -> tuple[Compromises, Attacks]:
    """Compromises and attacks of the range's cards from the epoch to end_day."""
    count = activity.last_card - activity.first_card
    chance = np.full(count, per_card_year * BLOCK_DAYS / 365.25)
    address, card, moment = exposed(activity, NAME, chance, end_day)
    seed = activity.keys.seed
    reported = span_ms(seed, f"{NAME}/report", address, (facts["report_hours"], _HOUR))
    compromises = Compromises(
        address=address,
        card=card,
        typology=np.full(card.size, LOST_STOLEN),
        campaign=address.view(np.int64),
        compromised_ms=moment,
        blocked_ms=moment + reported,
    )
    owner, nth = spread_out(1 + choice(seed, f"{NAME}/uses", address, facts["uses"]))
    use_address = nth_addresses(address[owner], nth)
    first = span_ms(seed, f"{NAME}/first_use", address, (facts["first_use_minutes"], _MINUTE))
    gap = span_ms(seed, f"{NAME}/use_gap", use_address, (facts["use_gap_minutes"], _MINUTE))
    at_ms = (moment + first)[owner] + running_ms(owner, np.where(nth == 0, 0, gap))
    rows = attack_rows(activity, card[owner], at_ms, use_address)
    where = _where(activity, facts, rows, at_ms)
    tables = activity.tables
    amount, octave = tickets.price(tables.tickets, tables.traits, rows, where)
    entry = outcomes.entry_modes(tables.outcomes, rows, where)
    return compromises, Attacks(
        compromise=owner,
        card=card[owner],
        at_ms=at_ms,
        kind=where.kind,
        merchant=where.merchant,
        terminal=where.terminal,
        entry_mode=entry,
        amount=amount,
        tail_octave=octave,
        device=np.full(owner.size, -1),
        ip_address=np.zeros(owner.size, dtype=np.int64),
    )


def _where(activity: Activity, facts: dict[str, Any], rows: Any, at_ms: I64) -> Where:
    """Any shop of the place, not the customer's favourites."""
    tables, seed = activity.tables.where, activity.keys.seed
    cash = facts["cash_share"]
    wants_cash = choice(seed, f"{NAME}/cash", rows.address, [1 - cash, cash])
    kind = np.where(wants_cash == 1, CASH, LOCAL).astype(np.int64)
    segment, drawn = tables.segment[kind] + rows.place, word(seed, f"{NAME}/shop", rows.address)
    merchant = tables.pool.pick(segment, drawn)
    merchant = standing(tables, merchant, (segment, drawn), at_ms // DAY_MS)
    traits, present = activity.tables.traits, np.zeros(kind.size, dtype=np.bool_)
    till = below(word(seed, f"{NAME}/till", rows.address), 256)
    terminal = terminals_of(traits, merchant, present, till)
    return Where(kind, merchant, terminal, traits.merchant[merchant])

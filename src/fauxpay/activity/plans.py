"""Plans: what payments of subscriptions cost: a price of one's own, or that of a plan.

Reads    rows, where(merchant), merchants
Writes   rows(address, where_address, ticket_word, traits, price_*) of payments of subscriptions
Draws    PLAN_*
Sources  parameters.yaml [recurring]

A streaming service has a few prices, alike for rich and poor, and raises each for all who pay it.
What is metered or insured, and gifts, has a price of the customer's own, which its terms raise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fauxpay.activity import streams
from fauxpay.activity.rows import Rows, Where
from fauxpay.activity.streams import Keys
from fauxpay.activity.terms import RISES_MAX, TermTables, due_months, terms_of
from fauxpay.activity.traits import FACTOR, FACTOR_ONE
from fauxpay.catalog.world import Bool, World
from fauxpay.config.model import Config
from fauxpay.foundations.draws import F64, I64, U64, draw
from fauxpay.foundations.parameters import Parameters

_PLAN_BITS = 4
_PRICE_MASK = np.uint64((1 << streams.PLAN_TICKET.width) - 1)
_FACTOR_MASK = np.int64(((1 << FACTOR[1]) - 1) << FACTOR[0])


@dataclass(frozen=True, slots=True)
class PlanTables:
    """has_plans bool[merchants]; address u64[merchants]; how many plans; month of first prices."""

    has_plans: Bool
    address: U64
    plans: int
    epoch_month: int


def plan_tables(world: World, config: Config, parameters: Parameters) -> PlanTables:
    """Tables of a world."""
    law = parameters.section("activity.recurring")
    epoch = config.activity.epoch
    return PlanTables(
        has_plans=np.isin(np.array(world.mccs), law["plan_categories"])[world.merchants.mcc],
        address=world.merchants.id.view(np.uint64) << np.uint64(_PLAN_BITS),
        plans=int(law["plans"]),
        epoch_month=(epoch.year - 1970) * 12 + epoch.month - 1,
    )


def with_terms(terms: TermTables, keys: Keys, rows: Rows, billed: I64) -> Rows:
    """The rows, of which some are payments of subscriptions, asked by their terms."""
    if not billed.size:
        return rows
    found = terms_of(terms, keys, rows.own_address[billed])
    address, where, word = rows.address.copy(), rows.where_address.copy(), rows.ticket_word
    address[billed] = where[billed] = found.address
    word[billed] = draw(keys["ticket"], found.address)
    return replace(
        rows,
        address=address,
        where_address=where,
        billed=billed,
        price_factor=found.factor,
        price_times=found.times,
    )


def with_plans(tables: PlanTables, terms: TermTables, keys: Keys, rows: Rows, where: Where) -> Rows:
    """The rows, of which payments for a plan ask for its price."""
    if not rows.billed.size:
        return rows
    merchant = where.merchant[rows.billed]
    nth = np.flatnonzero(tables.has_plans[merchant])
    row, seller = rows.billed[nth], tables.address[merchant[nth]]
    own = rows.ticket_word[row]
    plan = (streams.TICKET_AMOUNT.of(own) * tables.plans) >> streams.TICKET_AMOUNT.width
    price = draw(keys["plan"], seller | plan.view(np.uint64))
    word, traits, factor = rows.ticket_word.copy(), rows.traits.copy(), rows.price_factor.copy()
    # How it is entered and answered stays the payment's own.
    word[row] = (own & ~_PRICE_MASK) | (price & _PRICE_MASK)
    traits[row] = (traits[row] & ~_FACTOR_MASK) | np.int64(FACTOR_ONE << FACTOR[0])
    month = due_months(terms, rows.own_address[row])
    factor[nth] = _risen(tables, terms, draw(keys["plans"], seller), month) * rows.price_times[nth]
    return replace(rows, ticket_word=word, traits=traits, price_factor=factor)


def _risen(tables: PlanTables, terms: TermTables, word: U64, month: I64) -> F64:
    """Price of sellers in months over that of the first month."""
    every = terms.price_months[streams.PLAN_PRICE_MONTHS.of(word)]
    since = month - tables.epoch_month + ((streams.PLAN_PRICE_PHASE.of(word) * every) >> 8)
    step = streams.PLAN_RISE.of(word) * (RISES_MAX + 1) + np.minimum(since // every, RISES_MAX)
    return np.asarray(terms.factor.take(step))

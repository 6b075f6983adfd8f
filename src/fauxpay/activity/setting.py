"""Setting: the tables and calendar of a world, in the realism that its config asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fauxpay.activity.calendar import CURVE_SLOTS, Calendar
from fauxpay.activity.commute import nobody_commutes
from fauxpay.activity.engine import Activity, Tables, activity_tables
from fauxpay.activity.homes import nobody_moves
from fauxpay.activity.local_days import QUARTERS
from fauxpay.activity.merchants import WhereTables
from fauxpay.activity.opening import ALWAYS_OPEN
from fauxpay.activity.retry_tables import no_retries
from fauxpay.activity.sales import BLOCKS
from fauxpay.activity.streams import WHERE_RANK
from fauxpay.activity.tickets import TicketTables
from fauxpay.activity.traits import traits_of
from fauxpay.catalog.world import PRESENCES, Bool, World
from fauxpay.config.model import Config
from fauxpay.foundations.alias import AliasPool, alias_pool, slots
from fauxpay.foundations.counts import grid_position
from fauxpay.foundations.parameters import Parameters

CONTROL = "v1"
_SPREAD = 1 << WHERE_RANK.width


def tables_of(
    world: World, config: Config, parameters: Parameters, response_codes: tuple[str, ...]
) -> Tables:
    """Tables of a world; for realism v1 the control group's: same engine, flat tables."""
    if config.activity.realism != CONTROL:
        return activity_tables(world, config, parameters, response_codes)
    none = {"travel_share": 0.0, "trip_share": 0.0, "refund_share": 0.0, "reversal_share": 0.0}
    flat = config.model_copy(update={"activity": config.activity.model_copy(update=none)})
    tables = activity_tables(world, flat, parameters, response_codes)
    rate = np.full(world.cards.id.size, config.activity.purchases_per_card_day)
    cells = replace(
        tables.cells,
        rate_step=np.rint(np.round(grid_position(rate), 6)).astype(np.int64),
        week_step=np.zeros(256, dtype=np.int64),
        day_step=np.zeros(256, dtype=np.int64),
        moves=nobody_moves(world),
    )
    ticket = _tickets(world, tables.tickets)
    return replace(
        tables,
        traits=traits_of(world, (ticket.class_of, ticket.scale, ticket.card_factor)),
        cells=cells,
        where=_where(world, tables.where),
        tickets=ticket,
        near_ms=0,
        retries=no_retries(tables.retries),
    )


def activity_of(
    world: World,
    tables: Tables,
    config: Config,
    parameters: Parameters,
    cards: tuple[int, int],
    calendar: Calendar | None = None,
) -> Activity:
    """Activity of a range of cards; the control group has no calendar and no subscriptions.

    calendar  that of another range of the same run, to be shared
    """
    if config.activity.realism != CONTROL:
        return Activity.of(world, tables, config, parameters, cards, calendar)
    none = {"recurring_per_card": 0.0}
    flat = config.model_copy(update={"activity": config.activity.model_copy(update=none)})
    activity = Activity.of(world, tables, flat, parameters, cards, calendar)
    return replace(activity, calendar=_flat(activity.calendar))


def _flat(calendar: Calendar) -> Calendar:
    """Every quarter-hour of every day alike."""
    return replace(
        calendar,
        rate_steps=np.zeros_like(calendar.rate_steps),
        curve_row=np.zeros_like(calendar.curve_row),
        curves=slots(np.ones(QUARTERS), CURVE_SLOTS),
    )


def _where(world: World, tables: WhereTables) -> WhereTables:
    """Any merchant that can take the payment, anywhere, for any card at any hour."""
    merchants, place_count = world.merchants, world.places.city.size
    is_cash = np.array(world.mccs)[merchants.mcc] == "6011"
    present = merchants.presence != PRESENCES.index("online")
    remote = merchants.presence != PRESENCES.index("physical")
    rest = tables.pool.segment.size - 2 * place_count

    def flat(among: Bool) -> AliasPool:
        wanted = (present & ~is_cash, is_cash, remote & ~is_cash)
        lists = [np.flatnonzero(chosen & among) for chosen in wanted]
        lists = [chosen if chosen.size else np.flatnonzero(among) for chosen in lists]
        member = np.concatenate(lists)
        segment = np.repeat(np.arange(3), [chosen.size for chosen in lists])
        pool = alias_pool(segment, member, np.ones(member.size), 3)
        return replace(pool, segment=np.repeat(pool.segment, [place_count, place_count, rest]))

    half = tables.open.size // 2
    is_told = tables.hours >= half
    always = np.full(half, ALWAYS_OPEN, dtype=np.int16)
    return replace(
        tables,
        kinds=np.tile(tables.kinds[: tables.kinds.size // BLOCKS], BLOCKS),
        ranks=np.tile(np.arange(_SPREAD, dtype=np.uint16), tables.ranks.size // _SPREAD),
        pool=flat(np.ones_like(is_told)),
        lasting=flat(~is_told),
        commute=nobody_commutes(tables.commute),
        open=np.concatenate([always, always - np.int16(2 * ALWAYS_OPEN)]),
    )


def _tickets(world: World, tables: TicketTables) -> TicketTables:
    """One law of amounts for all trades and cards."""
    scale = tables.scale / world.merchants.price_level
    return replace(
        tables,
        class_of=np.zeros_like(tables.class_of),
        is_listed=np.zeros_like(tables.is_listed),
        card_factor=np.ones_like(tables.card_factor),
        scale=scale,
    )

"""Activity: all that the cards of a range do on a day, as keys; and what a key means, as columns.

Reads    world, calendar, the tables of the stages
Writes   events(card, at_ms, code), purchases
Draws    nothing of its own
Sources  parameters.yaml

Keys come first and are sorted alone; columns are filled afterwards, in time order, by asking each
row's address. So files come out sorted by time in bounded memory.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fauxpay.activity import merchants, outcomes, sessions, shops, tickets
from fauxpay.activity.addresses import cell_addresses
from fauxpay.activity.calendar import QUARTER_MS, Calendar, build_calendar
from fauxpay.activity.cells import (
    Cells,
    CellTables,
    cell_tables,
    open_cells,
    places_on,
    visit_counts,
)
from fauxpay.activity.local_days import QUARTERS
from fauxpay.activity.outcomes import OutcomeTables, outcome_tables
from fauxpay.activity.payments import payments
from fauxpay.activity.plans import PlanTables, plan_tables, with_plans, with_terms
from fauxpay.activity.recurring import Subscriptions, due_in_cells, due_on_day, subscriptions
from fauxpay.activity.repeats import Repeats, joined
from fauxpay.activity.retries import retries_of
from fauxpay.activity.retry_tables import RetryTables, retry_tables
from fauxpay.activity.returns import ReturnTables, return_tables
from fauxpay.activity.rows import LOCAL_QUARTERS, Manner, Rows, Session, Ticket, Where
from fauxpay.activity.sales import with_sales
from fauxpay.activity.streams import Keys
from fauxpay.activity.takebacks import returns_of
from fauxpay.activity.terms import TermTables, term_tables
from fauxpay.activity.tills import Leaders, followers, near_ms
from fauxpay.activity.traits import CARD_TRAITS, COUNTRY, CURRENCY, Traits, trait, traits_of
from fauxpay.activity.visits import (
    Visits,
    VisitTables,
    visit_tables,
    visits,
)
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.foundations.draws import I64, U64, draw
from fauxpay.foundations.parameters import Parameters

UNIX_EPOCH = datetime.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Events:
    """Keys of events. The last `repeats.card.size` rows are the repeats: returns and retries.

    cell i64[n] (position of the cell), card i64[n], at_ms i64[n] of the UTC day, code i64[n]
    """

    cell: I64
    card: I64
    at_ms: I64
    code: I64
    repeats: Repeats
    followers: Leaders


@dataclass(frozen=True, slots=True)
class Purchase:
    """What happened in n rows."""

    where: Where
    ticket: Ticket
    entry_mode: I64


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables of every stage; they depend on the world alone, not on the run's seed."""

    traits: Traits
    cells: CellTables
    visits: VisitTables
    returns: ReturnTables
    retries: RetryTables
    where: merchants.WhereTables
    tickets: tickets.TicketTables
    outcomes: OutcomeTables
    sessions: sessions.SessionTables
    near_ms: int
    terms: TermTables
    plans: PlanTables


def activity_tables(
    world: World, config: Config, parameters: Parameters, response_codes: tuple[str, ...]
) -> Tables:
    """Tables of a world; response_codes are the contract's."""
    ticket = tickets.ticket_tables(world, config, parameters)
    cells = cell_tables(world, config, parameters)
    outcome = outcome_tables(world, config, response_codes, parameters)
    where = merchants.where_tables(world, cells.moves, config, parameters)
    return Tables(
        traits=traits_of(world, (ticket.class_of, ticket.scale, ticket.card_factor)),
        cells=cells,
        visits=visit_tables(config, parameters),
        returns=return_tables(world, config, parameters),
        retries=retry_tables(outcome, response_codes, parameters),
        where=where,
        tickets=ticket,
        outcomes=outcome,
        sessions=sessions.session_tables(world, cells.moves.place, parameters),
        near_ms=near_ms(world, where.commute.work, parameters),
        terms=term_tables(parameters),
        plans=plan_tables(world, config, parameters),
    )


def day_number(date: datetime.date) -> int:
    """Days since 1970-01-01."""
    return (date - UNIX_EPOCH).days


@dataclass(frozen=True, slots=True)
class Activity:
    """The activity of cards first_card .. last_card - 1 under one seed."""

    world: World
    tables: Tables
    calendar: Calendar
    keys: Keys
    plan: Subscriptions
    first_card: int
    last_card: int
    epoch_day: int

    @staticmethod
    def of(
        world: World,
        tables: Tables,
        config: Config,
        parameters: Parameters,
        cards: tuple[int, int],
        calendar: Calendar | None = None,
    ) -> Activity:
        """Activity of a range of cards, from the epoch to the end of the config's window."""
        keys = Keys.of(config.run.seed)
        epoch_day = day_number(config.activity.epoch)
        days = day_number(config.run.end_day) - epoch_day
        return Activity(
            world=world,
            tables=tables,
            calendar=calendar or build_calendar(world.regions, epoch_day, days, parameters),
            keys=keys,
            plan=subscriptions(tables.cells, keys, cards, config, parameters),
            first_card=cards[0],
            last_card=cards[1],
            epoch_day=epoch_day,
        )

    def in_use(self, card: I64, day: I64) -> NDArray[np.bool_]:
        """Whether cards are opened and not closed on days."""
        cards = self.world.cards
        return (day >= cards.opened_day[card]) & (day < cards.closed_day[card])

    def open_cells(self, card: I64, day: Any) -> Cells:
        """Cells of cards on a day, or on a day each."""
        at = (card, day)
        return open_cells(self.world, self.tables.cells, self.calendar, self.keys, at)

    def days_events(self, days: range) -> tuple[Cells, Events]:
        """Everything the range's cards do on consecutive UTC days; cells by day, then by card."""
        assert days.stop <= self.epoch_day + self.calendar.days, "the calendar ends with the window"
        card, count = np.arange(self.first_card, self.last_card), self.last_card - self.first_card
        day: Any = days.start
        if len(days) > 1:
            card, day = np.tile(card, len(days)), np.repeat(np.asarray(days), count)
        cells = self.open_cells(card, day)
        due = [self._due_on(days, back) for back in self.tables.terms.retry_days.tolist()]
        return cells, self._events(cells, due)

    def _due_on(self, days: range, back: int) -> tuple[I64, I64]:
        """(cell, subscription) of what was due so many days before each of some days."""
        count = self.last_card - self.first_card
        due_days = _days_of_month(np.asarray(days) - back).tolist()
        found = [due_on_day(self.plan, one) for one in due_days]
        cell = [
            self.plan.card[position] + (nth * count - self.first_card)
            for nth, position in enumerate(found)
        ]
        return np.concatenate(cell), np.concatenate(found)

    def cell_events(self, card: I64, day: I64) -> Events:
        """Everything that happens in some cells (card, day), each i64[n]."""
        return self._events(self.open_cells(card, day), self.due_before(card, day))

    def due_before(self, card: I64, day: I64) -> list[tuple[I64, I64]]:
        """(cell, subscription) of what was due so many days before cells, for each try."""
        backs = self.tables.terms.retry_days.tolist()
        return due_in_cells(self.plan, card, [_days_of_month(day - back) for back in backs])

    def _events(self, cells: Cells, due: list[tuple[I64, I64]]) -> Events:
        count = visit_counts(self.tables.cells, cells)
        made = visits(self.tables.visits, self.calendar, self.keys, cells, count)
        leaders = self.leaders(cells, made)
        due_cell, paid = payments(self, cells, due)
        returns, return_cell = returns_of(self, cells, made, leaders)
        retries, retry_cell = retries_of(self, cells, made, leaders)
        repeats = joined(returns, retries)
        return Events(
            cell=np.concatenate([made.cell, due_cell, return_cell, retry_cell]),
            card=np.concatenate([made.card, paid[0], repeats.card]),
            at_ms=np.concatenate([made.at_ms, paid[1], repeats.at_ms]),
            code=np.concatenate([made.slot, paid[2], repeats.code]),
            repeats=repeats,
            followers=leaders,
        )

    def leaders(self, cells: Cells, made: Visits) -> Leaders:
        """Which visits of cells follow another, and whom."""
        found = followers(
            self.tables.near_ms, cells, made, lambda position: self._day_before(cells, position)
        )
        place = cells.place[made.cell[found.row]]
        quarter = self.local_quarters(place, found.day, found.at_ms)
        return Leaders(found.row, found.address, quarter)

    def _day_before(self, cells: Cells, position: I64) -> tuple[I64, Cells, Visits]:
        """(positions, cells, visits) of the day before; of a day of travel nothing is asked."""
        day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[position] - 1
        has = (day >= self.epoch_day) & ~cells.in_transit[position]
        at = (cells.card[position[has]], day[has])
        earlier = self.open_cells(*at)
        count = visit_counts(self.tables.cells, earlier)
        count[earlier.in_transit] = 0
        made = visits(self.tables.visits, self.calendar, self.keys, earlier, count)
        return position[has], earlier, made

    def rows(
        self, card: I64, address: tuple[U64, U64, U64], place: tuple[I64, Any], local_quarter: I64
    ) -> Rows:
        """Context of rows; address is (of where, of what, own), place is (where, in transit)."""
        record = self.tables.traits.card.take(card, axis=0, mode="clip")
        packed = np.ascontiguousarray(record[:, CARD_TRAITS])
        return Rows(
            card=card,
            address=address[1],
            own_address=address[2],
            where_address=address[0],
            place=place[0],
            in_transit=place[1],
            local_quarter=local_quarter,
            record=record,
            traits=packed,
            country=trait(packed, COUNTRY),
            currency=trait(packed, CURRENCY),
            ticket_word=draw(self.keys["ticket"], address[1]),
            billed=np.zeros(0, dtype=np.int64),
            price_factor=np.zeros(0),
            price_times=np.zeros(0, dtype=np.int64),
        )

    def billed(self, rows: Rows, billed: I64) -> Rows:
        """The rows, of which some are payments of subscriptions, asked by their terms."""
        return with_terms(self.tables.terms, self.keys, rows, billed)

    def local_quarters(self, place: I64, day: Any, at_ms: I64) -> I64:
        """Quarter-hour of the local week, and of the weeks of sales."""
        region = self.world.places.region.take(place, mode="clip")
        offset = self.calendar.offset_minutes(region, day, at_ms)
        return local_quarters(self.calendar, (region, day), at_ms, offset)

    def places_on(self, card: I64, day: Any) -> tuple[I64, Any]:
        """Where cards are on a day, and whether they are on the journey."""
        return places_on(self.world, self.tables.cells, self.keys, (card, day))

    def describe(self, rows: Rows, rates: tickets.Rates | None) -> tuple[Purchase, Manner]:
        """What n rows mean; rates of the day, or None where the billing amount is not needed."""
        purchase = self.purchase(rows, rates)
        return purchase, self.authorise(rows, purchase)

    def purchase(self, rows: Rows, rates: tickets.Rates | None) -> Purchase:
        """Merchant and ticket of n rows, before anybody is asked."""
        tables = self.tables
        where = shops.choose_merchants(tables.where, tables.traits, self.keys, rows)
        planned = with_plans(tables.plans, tables.terms, self.keys, rows, where)
        priced = tickets.price(tables.tickets, tables.traits, planned, where)
        if rates is None:
            ticket = Ticket(priced[0], priced[0], priced[1])
        else:
            ticket = tickets.billed(tables.tickets, rates, rows, where, priced)
        return Purchase(where, ticket, outcomes.entry_modes(tables.outcomes, rows, where))

    def authorise(self, rows: Rows, purchase: Purchase) -> Manner:
        """How n rows are entered and answered."""
        asked = (purchase.where, purchase.ticket, purchase.entry_mode)
        return outcomes.authorise(self.tables.outcomes, self.keys, rows, asked)

    def sessions(self, rows: Rows, where: Where) -> Session:
        """Device and address of the online rows."""
        return sessions.open_sessions(self.world, self.tables.sessions, self.keys, rows, where)


def local_quarters(
    calendar: Calendar, where: tuple[I64, Any], at_ms: I64, offset_minutes: I64
) -> I64:
    """Quarter-hour of the local week, Monday 00:00 = 0, from (region, UTC day) and local offset.

    Public holidays are days of rest. On days of sales it lies in a further week of its own, see
    `activity.sales`.
    """
    region, day = where
    quarter = at_ms // QUARTER_MS
    quarter += offset_minutes // 15
    quarter += np.asarray(day) * QUARTERS
    local_day = quarter // QUARTERS
    quarter += 3 * QUARTERS
    # Not %: NumPy has no vector code for remainders.
    quarter -= quarter // LOCAL_QUARTERS * LOCAL_QUARTERS
    quarter = calendar.as_rest_days(quarter, region, local_day, day)
    return with_sales(quarter, local_day, day)


def _days_of_month(day: I64) -> I64:
    """Day of the month of days since 1970-01-01, which lie within a window."""
    if not day.size:
        return day
    first = int(day.min())
    date = np.arange(first, int(day.max()) + 1).astype("datetime64[D]")
    known: I64 = (date - date.astype("datetime64[M]")).astype(np.int64) + 1
    return known.take(day - first)


def own_addresses(events: Events, day: Any) -> U64:
    """Address of each event; day is one whole number or i64[n]."""
    return cell_addresses(events.card, day) | events.code.view(np.uint64)

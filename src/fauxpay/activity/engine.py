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

from fauxpay.activity import merchants, outcomes, sessions, streams, tickets
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
from fauxpay.activity.outcomes import OutcomeTables, outcome_tables
from fauxpay.activity.recurring import (
    Subscriptions,
    due_in_cells,
    due_on_day,
    due_payments,
    subscriptions,
)
from fauxpay.activity.returns import (
    Returns,
    ReturnTables,
    Sources,
    joined,
    keep,
    refund_candidates,
    refunds,
    return_tables,
    reversals,
    reversed_visits,
)
from fauxpay.activity.rows import CASH, LOCAL_QUARTERS, Manner, Rows, Session, Ticket, Where
from fauxpay.activity.streams import Keys
from fauxpay.activity.tills import entries_of, followers, near_ms
from fauxpay.activity.traits import CARD_TRAITS, COUNTRY, CURRENCY, Traits, trait, traits_of
from fauxpay.activity.visits import (
    Visits,
    VisitTables,
    spread_out,
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
    """Keys of events. The last `returns.card.size` rows are the returns.

    cell i64[n] (position of the cell), card i64[n], at_ms i64[n] of the UTC day, code i64[n]
    """

    cell: I64
    card: I64
    at_ms: I64
    code: I64
    returns: Returns
    followers: Leaders


@dataclass(frozen=True, slots=True)
class Leaders:
    """Rows whose merchant is asked by another address, rising: that of the first of their run.

    row i64[n], address u64[n], quarter i64[n] of the local week
    """

    row: I64
    address: U64
    quarter: I64


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
    where: merchants.WhereTables
    tickets: tickets.TicketTables
    outcomes: OutcomeTables
    sessions: sessions.SessionTables
    near_ms: int


def activity_tables(
    world: World, config: Config, parameters: Parameters, response_codes: tuple[str, ...]
) -> Tables:
    """Tables of a world; response_codes are the contract's."""
    ticket = tickets.ticket_tables(world, config, parameters)
    return Tables(
        traits=traits_of(world, (ticket.class_of, ticket.scale, ticket.card_factor)),
        cells=cell_tables(world, config, parameters),
        visits=visit_tables(config, parameters),
        returns=return_tables(config, parameters),
        where=merchants.where_tables(world, config, parameters),
        tickets=ticket,
        outcomes=outcome_tables(world, response_codes, parameters),
        sessions=sessions.session_tables(world, parameters),
        near_ms=near_ms(world, parameters),
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
    ) -> Activity:
        """Activity of a range of cards, from the epoch to the end of the config's window."""
        keys = Keys.of(config.run.seed)
        epoch_day = day_number(config.activity.epoch)
        days = day_number(config.run.end_day) - epoch_day
        return Activity(
            world=world,
            tables=tables,
            calendar=build_calendar(world.regions, epoch_day, days, parameters),
            keys=keys,
            plan=subscriptions(tables.cells, keys, cards, config, parameters),
            first_card=cards[0],
            last_card=cards[1],
            epoch_day=epoch_day,
        )

    def days_events(self, days: range) -> tuple[Cells, Events]:
        """Everything the range's cards do on consecutive UTC days; cells by day, then by card."""
        card, count = np.arange(self.first_card, self.last_card), self.last_card - self.first_card
        day: Any = days.start
        if len(days) > 1:
            card, day = np.tile(card, len(days)), np.repeat(np.asarray(days), count)
        cells = open_cells(self.world, self.tables.cells, self.calendar, self.keys, (card, day))
        due = [due_on_day(self.plan, _day_of_month(one)) for one in days]
        due_cell = [
            self.plan.card[position] + (nth * count - self.first_card)
            for nth, position in enumerate(due)
        ]
        return cells, self._events(cells, (np.concatenate(due_cell), np.concatenate(due)))

    def cell_events(self, card: I64, day: I64) -> Events:
        """Everything that happens in some cells (card, day), each i64[n]."""
        cells = open_cells(self.world, self.tables.cells, self.calendar, self.keys, (card, day))
        return self._events(cells, due_in_cells(self.plan, card, days_of_month(day)))

    def _events(self, cells: Cells, due: tuple[I64, I64]) -> Events:
        count = visit_counts(self.tables.cells, cells)
        made = visits(self.tables.visits, self.calendar, self.keys, cells, count)
        leaders = self.leaders(cells, made)
        due_cell, position = due
        day = cells.day if np.ndim(cells.day) == 0 else cells.day[due_cell]
        paid = due_payments(self.world, self.calendar, self.plan, position, day)
        returns, return_cell = self._returns(cells, made, leaders)
        return Events(
            cell=np.concatenate([made.cell, due_cell, return_cell]),
            card=np.concatenate([made.card, paid[0], returns.card]),
            at_ms=np.concatenate([made.at_ms, paid[1], returns.at_ms]),
            code=np.concatenate([made.slot, paid[2], returns.code]),
            returns=returns,
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
        earlier = open_cells(self.world, self.tables.cells, self.calendar, self.keys, at)
        count = visit_counts(self.tables.cells, earlier)
        count[earlier.in_transit] = 0
        made = visits(self.tables.visits, self.calendar, self.keys, earlier, count)
        return position[has], earlier, made

    def _sources(self, cells: Cells, made: Visits, leaders: Leaders, row: I64) -> Sources:
        """The visits at `row` of cells, as what a return takes back."""
        cell = made.cell[row]
        day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[cell]
        where = made.address[row]
        quarter = self.local_quarters(cells.place[cell], day, made.at_ms[row])
        position, entry = entries_of(leaders.row, row)
        where[position], quarter[position] = leaders.address[entry], leaders.quarter[entry]
        return Sources(made.address[row], where, cells.place[cell], cells.in_transit[cell], quarter)

    def _returns(self, cells: Cells, made: Visits, leaders: Leaders) -> tuple[Returns, I64]:
        """Refunds and reversals of cells whose purchases were approved, and their cells."""
        row = reversed_visits(self.tables.returns, made)
        taken = (row, self._sources(cells, made, leaders, row))
        back, back_cell = reversals(self.tables.returns, self.keys, made, taken), made.cell[row]
        cell, refunded = self._refunds(cells)
        both = joined(back, refunded)
        cell = np.concatenate([back_cell, cell])
        purchase, manner = self.describe(self.source_rows(both), None)
        is_refund = np.arange(both.card.size) >= back.card.size
        kept = (manner.response == outcomes.APPROVED) & ~(is_refund & (purchase.where.kind == CASH))
        return keep(both, kept), cell[kept]

    def _refunds(self, cells: Cells) -> tuple[I64, Returns]:
        row, lag = refund_candidates(self.tables.returns, cells)
        day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[row] - lag
        row, day = row[day >= self.epoch_day], day[day >= self.epoch_day]
        at = (cells.card[row], day)
        sources = open_cells(self.world, self.tables.cells, self.calendar, self.keys, at)
        count = visit_counts(self.tables.cells, sources)
        slot = (streams.CELL_REFUND_SLOT.of(cells.word[row]) * count) >> 12
        made = visits(self.tables.visits, self.calendar, self.keys, sources, count)
        picked = np.cumsum(count) - count + slot
        undone = np.isin(picked, reversed_visits(self.tables.returns, made))
        taken = self._taken_back(cells, row, (day, count, slot))
        kept = np.flatnonzero((count > 0) & ~undone & ~taken)
        leaders = self.leaders(sources, made)
        source = self._sources(sources, made, leaders, picked[kept])
        row = row[kept]
        return row, refunds(self.calendar, self.keys, cells, (row, source))

    def _taken_back(self, cells: Cells, row: I64, source: tuple[I64, I64, I64]) -> Any:
        """Candidates whose purchase an earlier cell takes back already; source is (day, n, slot).

        Every cell between purchase and refund is asked, by its word alone, whether it points at
        the same purchase; only the few that do are opened.
        """
        source_day, count, slot = source
        day = np.broadcast_to(np.asarray(cells.day), cells.card.shape)[row]
        candidate, nth = spread_out(np.maximum(day - source_day - 1, 0))
        other_day = source_day[candidate] + 1 + nth
        card = cells.card[row[candidate]]
        word = draw(self.keys["cell"], cell_addresses(card, other_day))
        lag = self.tables.returns.lag_days[streams.CELL_REFUND_LAG.of(word)]
        other_slot = (streams.CELL_REFUND_SLOT.of(word) * count[candidate]) >> 12
        same = np.flatnonzero((lag == nth + 1) & (other_slot == slot[candidate]))
        at = (card[same], other_day[same])
        others = open_cells(self.world, self.tables.cells, self.calendar, self.keys, at)
        wants, _ = refund_candidates(self.tables.returns, others)
        taken = np.zeros(row.size, dtype=np.bool_)
        taken[candidate[same[wants]]] = True
        return taken

    def source_rows(self, returns: Returns) -> Rows:
        """The context of the purchases that returns take back."""
        address = (returns.where, returns.source, returns.source)
        return self.rows(
            returns.card, address, (returns.place, returns.in_transit), returns.quarter
        )

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
        )

    def local_quarters(self, place: I64, day: Any, at_ms: I64) -> I64:
        """Quarter-hour of the local week, 0..671."""
        region = self.world.places.region.take(place, mode="clip")
        offset = self.calendar.offset_minutes(region, day, at_ms)
        return local_quarters(day, at_ms, offset)

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
        where = merchants.choose_merchants(self.world, tables.where, tables.traits, self.keys, rows)
        priced = tickets.price(tables.tickets, tables.traits, rows, where)
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


def local_quarters(day: Any, at_ms: I64, offset_minutes: I64) -> I64:
    """Quarter-hour of the local week, Monday 00:00 = 0, from UTC day and local offset."""
    quarter = at_ms // QUARTER_MS
    quarter += offset_minutes // 15
    quarter += (np.asarray(day) + 3) % 7 * 96
    quarter %= LOCAL_QUARTERS
    return quarter


def days_of_month(day: I64) -> I64:
    """Day of the month of days since 1970-01-01."""
    date = day.astype("datetime64[D]")
    return np.asarray(date - date.astype("datetime64[M]"), dtype=np.int64) + 1


def _day_of_month(day: int) -> int:
    return (UNIX_EPOCH + datetime.timedelta(days=day)).day


def own_addresses(events: Events, day: Any) -> U64:
    """Address of each event; day is one whole number or i64[n]."""
    return cell_addresses(events.card, day) | events.code.view(np.uint64)

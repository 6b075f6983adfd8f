"""Composer: all that happens on consecutive days of a shard, as tables in the contracts' shape.

Reads    world, activity, clearing, plan, bank
Writes   transactions, postings, truth, labels of each (UTC day, shard); the tables of plans
Draws    fraud/control (realism v1)
Sources  parameters.yaml [fraud.control]

Keys first: the events are ordered and linked as keys, then columns are filled in chunks. A day is
the same whatever days are made with it; several at a time share what an array call costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fauxpay.activity.addresses import ATTACK, cards_of, cell_addresses, code
from fauxpay.activity.calendar import DAY_MS, Calendar
from fauxpay.activity.engine import Events, Tables, day_number, own_addresses
from fauxpay.activity.previous import time_order
from fauxpay.activity.setting import activity_of, tables_of
from fauxpay.catalog.world import I8, Bool, World
from fauxpay.clearing.postings import Clearing, open_clearing
from fauxpay.config.model import Config
from fauxpay.contracts.members import Claim
from fauxpay.contracts.tables import Table, table
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64, draw, stream_key, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.fraud.counts import quota_of
from fauxpay.fraud.plan import Plan, build_plan
from fauxpay.fraud.quota import Quota
from fauxpay.fraud.typology import typology_names
from fauxpay.labels.bank import Bank, open_bank
from fauxpay.partitions.columns import Buffers, allocate
from fauxpay.partitions.fill import Filler, Keys
from fauxpay.partitions.groups import packed, row_groups
from fauxpay.partitions.ledger import Ledger, return_rows, reversed_sources
from fauxpay.partitions.shard import Ordered, Shard
from fauxpay.partitions.side_tables import Told, label_tables, plan_tables, truth_tables

TRANSACTIONS = "activity.yaml#/$defs/transactions"


def world_of(tables: Mapping[str, pa.Table]) -> World:
    """The world of checked catalog tables."""
    contract = table(TRANSACTIONS)
    enums = {
        name: tuple(v for v in contract.column(name).enum or () if v is not None)
        for name in ("card_scheme", "card_product", "user_agent_family")
    }
    return World.from_tables(tables, enums)


def derived_tables(world: World, config: Config, parameters: Parameters) -> Tables:
    """Tables of every stage, computed from a world: built once, rounded, then sealed with it."""
    codes = table(TRANSACTIONS).column("response_code").enum
    return tables_of(world, config, parameters, tuple(code for code in codes or () if code))


class PartitionMaker:
    """Makes partitions of one (world, seed); what it keeps are caches that change no byte."""

    def __init__(
        self, world: World, config: Config, parameters: Parameters, tables: Tables | None = None
    ) -> None:
        """tables: the sealed ones of the world; built here where they are not given."""
        self.world, self.config, self.parameters = world, config, parameters
        self.transactions: Table = table(TRANSACTIONS)
        self.tables: Tables = tables or derived_tables(world, config, parameters)
        self.clearing: Clearing = open_clearing(world, config, parameters)
        self.bank: Bank = open_bank(config, parameters, world.schemes, typology_names(config))
        self.transaction_ids = IdLaw.of(config.run.seed, "transactions")
        self.domains = self._domains()
        self.buffers: Buffers = allocate(
            self.transactions.arrow_schema(), self.domains, config.output.row_group_rows
        )
        self.filler = Filler(world)
        self._shards: dict[int, Shard] = {}
        self._quota: Quota | None = None
        self._calendar: Calendar | None = None

    def _domains(self) -> dict[str, tuple[str, ...]]:
        world, columns = self.world, self.transactions.columns
        domains = {c.name: tuple(v for v in c.enum if v is not None) for c in columns if c.enum}
        return domains | {
            "mcc": world.mccs,
            "currency": world.currencies,
            "billing_currency": world.currencies,
            "posted_currency": world.currencies,
            "merchant_country": world.countries,
            "merchant_city": world.cities,
        }

    def shard(self, number: int) -> Shard:
        """The shard's activity and plan, kept until another shard is asked for.

        Shards are made one after the other; to keep them all would grow with their number.
        """
        if number not in self._shards:
            self._shards.clear()
            size = self.config.output.cards_per_shard
            cards = (number * size, min((number + 1) * size, self.world.cards.id.size))
            assert cards[0] < cards[1], "a shard has cards"
            activity = activity_of(
                self.world, self.tables, self.config, self.parameters, cards, self._calendar
            )
            self._calendar = activity.calendar
            end_day = day_number(self.config.run.end_day)
            plan = build_plan(activity, self.config, self.parameters, end_day, self._own_quota())
            self._shards[number] = Shard(activity, plan)
        return self._shards[number]

    def _own_quota(self) -> Quota:
        """What brings about the share of fraud that is asked for."""
        if self._quota is None:
            self._quota = quota_of(self.world, self.tables, self.config, self.parameters)
        return self._quota

    def claims(self, rows: int) -> dict[str, Claim]:
        """Where the keys of the first rows in the buffers stand, by column."""
        cards, world = self.world.cards, self.world
        taken = {
            "card_id": ("card", cards.id),
            "account_id": ("card", cards.account_id),
            "customer_id": ("card", cards.customer_id),
            "merchant_id": ("merchant", world.merchants.id),
            "terminal_id": ("terminal", world.terminals.id),
            "device_id": ("device", world.devices.id),
        }
        places = self.buffers.places
        return {
            column: Claim(ids, places[place][:rows])
            for column, (place, ids) in taken.items()
            if ids.size
        }

    def shard_count(self) -> int:
        """Shards of the world."""
        return -(-int(self.world.cards.id.size) // self.config.output.cards_per_shard)

    def make(self, days: range, shard: int) -> DaysStream:
        """The partitions of consecutive UTC days (since 1970-01-01) and a shard of cards."""
        return DaysStream(self, days, self.shard(shard))

    def plan_tables(self, shard: int) -> dict[str, pa.Table]:
        """The oracle's story of a shard from the epoch to the end of the window."""
        own = self.shard(shard)
        years = int(self.parameters.value("fraud.replacement_card_years"))
        return plan_tables(self.world, self.config, own.activity, own.plan, years)


@dataclass(frozen=True, slots=True)
class Window:
    """Some row groups, one after the other in reused buffers; good until the next one is made.

    parts   (day, first row, end row) of each row group
    claims  by column: where in the world its keys were taken from
    """

    batch: pa.RecordBatch
    parts: tuple[tuple[int, int, int], ...]
    claims: dict[str, Claim]


class DaysStream:
    """Partitions of consecutive days: consume `windows()` first, then ask for tables and counts."""

    def __init__(self, maker: PartitionMaker, days: range, own: Shard) -> None:
        self.maker, self.days, self.own = maker, days, own
        self._counts: list[dict[str, int]] = []
        self._told: Told | None = None
        self._ledger: Ledger | None = None

    def windows(self) -> Iterator[Window]:
        """Row groups in event-time order."""
        keys = self._keys()
        bounds = np.searchsorted(keys.at_ms, np.arange(len(self.days) + 1) * DAY_MS)
        currencies = self.maker.buffers.dictionaries["billing_currency"]
        self._ledger = Ledger(self.maker.clearing, keys, currencies)
        approved = np.empty(keys.card.size, dtype=np.bool_)
        channel, kind = (np.empty(keys.card.size, dtype=np.int8) for _ in range(2))
        size, chunk = self.maker.config.output.row_group_rows, self.maker.config.run.chunk_rows
        for groups in packed(row_groups(self.days, bounds, size), size):
            first, last = groups[0][1], groups[-1][2]
            for start in range(first, last, chunk):
                stop = min(start + chunk, last)
                part = keys.part(start, stop)
                self.maker.filler.fill(self.maker.buffers, start - first, self.own.activity, part)
            made = self.maker.buffers.values
            approved[first:last] = made["is_approved"][: last - first]
            channel[first:last] = made["channel"][: last - first]
            kind[first:last] = made["transaction_type"][: last - first]
            parts = tuple((day, start - first, stop - first) for day, start, stop in groups)
            rows = last - first
            self._ledger.take(self.maker.buffers, first, parts)
            yield Window(self.maker.buffers.batch(rows), parts, self.maker.claims(rows))
        self._tell(keys, (approved, channel, kind), bounds)

    def _keys(self) -> Keys:
        """The events of the days in time order, with ids and links."""
        activity, plan, days, own = self.own.activity, self.own.plan, self.days, self.own
        cells, events = activity.days_events(days)
        attacks = plan.on_days(days)
        nth = events.cell // own.card_count if len(days) > 1 else 0
        attack_day = plan.day[attacks]
        address = np.concatenate(
            [own_addresses(events, nth + days.start), _attack_addresses(plan, attacks)]
        )
        at_ms = np.concatenate(
            [events.at_ms + nth * DAY_MS, plan.attacks.at_ms[attacks] - days.start * DAY_MS]
        )
        order = time_order(at_ms, len(days))
        at_ms, address = at_ms.take(order), address.take(order)
        card = cards_of(address)
        local = card - activity.first_card
        transaction_id = self.maker.transaction_ids.ids(address)
        replaced = own.reissue_on(days, local)
        ordered = Ordered(days, local, at_ms, address)
        ids = self.maker.transaction_ids
        position = np.empty(order.size, dtype=np.int64)
        position[order] = np.arange(order.size)
        assert attack_day.size == 0 or attack_day[-1] in days
        return Keys(
            days=days,
            maker=self.maker,
            own=own,
            card=card,
            at_ms=at_ms,
            address=address,
            transaction_id=transaction_id,
            previous=own.previous(ordered, ids, transaction_id, replaced),
            place=(cells.place << 1 | cells.in_transit).astype(np.int32),
            replaced=replaced,
            repeats=_sorted_rows(position, events),
            attacks=_attack_rows(position, events.card.size, attacks),
            followers=_in_order(position[events.followers.row]),
            source=events.repeats,
            leaders=events.followers,
        )

    def _tell(self, keys: Keys, made: tuple[Bool, I8, I8], bounds: I64) -> None:
        row, typology, campaign = self._frauds(keys)
        at_us = (keys.at_ms + self.days.start * DAY_MS) * 1000
        self._told = Told(
            days=self.days,
            bounds=bounds,
            ids=keys.transaction_id,
            address=keys.address,
            at_us=at_us,
            approved=made[0],
            channel=made[1],
            kind=made[2],
            undone=reversed_sources(keys),
            fraud=row,
            typology=typology,
            campaign=campaign,
            disputes=self._disputes(keys),
        )
        rows, frauds = np.diff(bounds), np.diff(np.searchsorted(row, bounds))
        returns = np.diff(np.searchsorted(return_rows(keys), bounds))
        assert self._ledger is not None
        counted = (rows, self._ledger.counts, frauds, returns)
        names = ("transactions", "postings", "frauds", "returns")
        self._counts = [
            dict(zip(names, day, strict=True)) for day in np.stack(counted, axis=1).tolist()
        ]

    def _frauds(self, keys: Keys) -> tuple[I64, I64, I64]:
        """(row, typology, campaign) of the fraudulent rows in time order."""
        config = self.maker.config
        if config.activity.realism == "v1":
            if not config.fraud.enabled:
                none = np.zeros(0, dtype=np.int64)
                return none, none, none
            share = self.maker.parameters.value("fraud.control.share")
            word = draw(stream_key(config.run.seed, "fraud/control"), keys.address)
            row = np.flatnonzero((word >> np.uint64(32)).view(np.int64) < threshold(share, 32))
            return row, np.full(row.size, 2), np.zeros(row.size, dtype=np.int64)
        row, attack = keys.attacks
        compromise = self.own.plan.attacks.compromise[attack]
        compromises = self.own.plan.compromises
        return row, compromises.typology[compromise], compromises.campaign[compromise]

    def _disputes(self, keys: Keys) -> tuple[I64, I64]:
        """(rows, law) of the genuine purchases that the plan says will be disputed, ascending."""
        plan = self.own.plan
        wanted = plan.disputes.address[plan.disputes_on(self.days)]
        if not wanted.size:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        has = np.zeros(self.own.card_count, dtype=np.bool_)
        first = self.own.activity.first_card
        has[cards_of(wanted) - first] = True
        row = np.flatnonzero(has.take(keys.card - first, mode="clip"))
        row = row[np.isin(keys.address[row], wanted)]
        return row, np.zeros(row.size, dtype=np.int64)

    def side_tables(self) -> dict[str, list[pa.Table]]:
        """postings, truth, labels: a table for each day; only after `windows()` is exhausted."""
        assert self._told is not None, "the transactions come first"
        assert self._ledger is not None
        return {
            "postings": self._ledger.tables(),
            "truth": truth_tables(self.maker.config, self._told),
            "labels": label_tables(
                self.maker.bank,
                self.maker.world.cards.scheme,
                self._told,
                self._ledger.posted_days,
            ),
        }

    def counts(self) -> list[dict[str, int]]:
        """Rows of each day that the composer meant to make, to be held against what was written."""
        return list(self._counts)


def _attack_addresses(plan: Plan, attacks: slice) -> U64:
    address = cell_addresses(plan.attacks.card[attacks], plan.day[attacks])
    return address | code(ATTACK, plan.slot[attacks]).view(np.uint64)


def _sorted_rows(position: I64, events: Events) -> tuple[I64, I64]:
    """(row in time order, entry of events.repeats), sorted by row."""
    count = events.repeats.card.size
    return _in_order(position[events.card.size - count : events.card.size])


def _in_order(row: I64) -> tuple[I64, I64]:
    """(rows, rising; where each stood)."""
    order = np.argsort(row, kind="stable")
    return row[order], order


def _attack_rows(position: I64, first: int, attacks: slice) -> tuple[I64, I64]:
    """(row in time order, attack of the plan), sorted by row."""
    row = position[first:]
    order = np.argsort(row, kind="stable")
    return row[order], order + attacks.start

"""Composer: activity, fraud and labels of one partition, as contract-shaped tables.

Reads    world, activity, plan, bank
Writes   transactions, truth, labels of a (UTC day, shard); campaigns, compromises, reissues
Draws    CONTROL fraud only (realism v1)
Sources  parameters.yaml [fraud.control]

Keys first: the day's events are ordered and linked as keys, then columns are filled in chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.activity.addresses import ATTACK, cards_of, cell_addresses, code
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity, Events, Tables, day_number, own_addresses
from fauxpay.activity.previous import NONE, LastEvents, last_events, predecessors, time_order
from fauxpay.activity.setting import activity_of, tables_of
from fauxpay.activity.traits import CARD_ID
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.contracts.tables import Table, table
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64, draw, stream_key, threshold
from fauxpay.foundations.parameters import Parameters
from fauxpay.fraud.plan import Plan, build_plan
from fauxpay.labels.bank import Bank, open_bank
from fauxpay.partitions.columns import Buffers, allocate
from fauxpay.partitions.fill import Day, Filler
from fauxpay.partitions.side_tables import label_table, plan_tables, truth_table

TRANSACTIONS = "activity.yaml#/$defs/transactions"


class Shard:
    """What stays the same for all days of a range of cards, and which cards are replaced by when.

    since_ms  i64[cards of the shard]  when the card in force at the day's start came into force
    """

    def __init__(self, activity: Activity, plan: Plan) -> None:
        # Replaced cards change their id in the shard's own copy of the records.
        record = activity.tables.traits.card.copy()
        traits = replace(activity.tables.traits, card=record)
        self.activity = replace(activity, tables=replace(activity.tables, traits=traits))
        self.plan = plan
        self.record = record
        self.since_ms = np.full(activity.last_card - activity.first_card, -1, dtype=np.int64)

    def reissue_on(self, day: int, card: I64) -> I64:
        """Put the ids in force at a day's start; rows whose card is replaced during that day."""
        reissues, first_card = self.plan.reissues, self.activity.first_card
        if not reissues.card.size:
            return np.zeros(0, dtype=np.int64)
        start = day * DAY_MS
        local = reissues.card - first_card
        self.record[reissues.card, CARD_ID] = self.activity.world.cards.id[reissues.card]
        self.since_ms[local] = -1
        # Sorted by card and time: of a card's earlier reissues the last one is assigned last.
        past = np.flatnonzero(reissues.reissued_ms < start)
        self.record[reissues.card[past], CARD_ID] = reissues.id[past]
        self.since_ms[local[past]] = reissues.reissued_ms[past]
        today = (reissues.reissued_ms >= start) & (reissues.reissued_ms < start + DAY_MS)
        is_today = np.zeros(self.since_ms.size, dtype=np.bool_)
        is_today[local[today]] = True
        return np.flatnonzero(is_today.take(card, mode="clip"))


def world_of(tables: Mapping[str, pa.Table]) -> World:
    """The world of checked catalog tables."""
    contract = table(TRANSACTIONS)
    enums = {
        name: tuple(v for v in contract.column(name).enum or () if v is not None)
        for name in ("card_scheme", "card_product", "user_agent_family")
    }
    return World.from_tables(tables, enums)


class PartitionMaker:
    """Makes partitions of one (world, seed); what it keeps are caches that change no byte."""

    def __init__(self, world: World, config: Config, parameters: Parameters) -> None:
        self.world, self.config, self.parameters = world, config, parameters
        self.transactions: Table = table(TRANSACTIONS)
        self.tables: Tables = tables_of(world, config, parameters, self._codes())
        self.bank: Bank = open_bank(config, parameters)
        self.transaction_ids = IdLaw.of(config.run.seed, "transactions")
        self.domains = self._domains()
        self.buffers: Buffers = allocate(
            self.transactions.arrow_schema(), self.domains, config.output.row_group_rows
        )
        self.filler = Filler(world)
        self._shards: dict[int, Shard] = {}
        self._last: dict[int, tuple[int, LastEvents]] = {}

    def _codes(self) -> tuple[str, ...]:
        return tuple(self.transactions.column("response_code").enum or ())

    def _domains(self) -> dict[str, tuple[str, ...]]:
        world, columns = self.world, self.transactions.columns
        domains = {c.name: tuple(v for v in c.enum if v is not None) for c in columns if c.enum}
        return domains | {
            "mcc": world.mccs,
            "currency": world.currencies,
            "billing_currency": world.currencies,
            "merchant_country": world.countries,
            "merchant_city": world.cities,
        }

    def shard(self, number: int) -> Shard:
        """The shard's activity and plan, made once."""
        if number not in self._shards:
            size = self.config.output.cards_per_shard
            cards = (number * size, min((number + 1) * size, self.world.cards.id.size))
            assert cards[0] < cards[1], "a shard has cards"
            activity = activity_of(self.world, self.tables, self.config, self.parameters, cards)
            end_day = day_number(self.config.run.end_day)
            plan = build_plan(activity, self.config, self.parameters, end_day)
            self._shards[number] = Shard(activity, plan)
        return self._shards[number]

    def shard_count(self) -> int:
        """Shards of the world."""
        return -(-int(self.world.cards.id.size) // self.config.output.cards_per_shard)

    def make(self, day: int, shard: int) -> PartitionStream:
        """The partition of a UTC day (days since 1970-01-01) and a shard of cards."""
        return PartitionStream(self, day, shard)

    def plan_tables(self, shard: int) -> dict[str, pa.Table]:
        """The oracle's story of a shard from the epoch to the end of the window."""
        own = self.shard(shard)
        years = int(self.parameters.value("fraud.replacement_card_years"))
        return plan_tables(self.world, self.config, own.activity, own.plan, years)

    def last_before(self, day: int, shard: int) -> LastEvents:
        """Each card's last event before a day: remembered from the day before, or looked up."""
        known_day, known = self._last.get(shard, (-1, None))
        if known is not None and known_day == day:
            return known
        own = self.shard(shard)
        found = last_events(own.activity, day)
        _count_attacks(own, self.world, day, found)
        return found

    def remember(self, day: int, shard: int, last: LastEvents) -> None:
        """Keep the last events before `day` for the partition that comes next."""
        self._last[shard] = (day, last)


def _count_attacks(own: Shard, world: World, day: int, found: LastEvents) -> None:
    """Attacks are events too: where the last one is later than the last genuine event it counts."""
    attacks, count = own.plan.attacks, int(np.searchsorted(own.plan.day, day))
    card = attacks.card[:count] - own.activity.first_card
    at_ms = attacks.at_ms[:count]
    later = np.flatnonzero(at_ms >= found.at_ms[card])
    # In time order, so that the last assignment of a card is its latest attack.
    later = later[np.argsort(at_ms[later], kind="stable")]
    address = cell_addresses(attacks.card[later], own.plan.day[later])
    address |= code(ATTACK, own.plan.slot[later]).view(np.uint64)
    found.address[card[later]] = address
    found.at_ms[card[later]] = at_ms[later]


class PartitionStream:
    """One partition: consume `transactions()` first, then ask for the side tables and counts."""

    def __init__(self, maker: PartitionMaker, day: int, shard: int) -> None:
        self.maker, self.day, self.number = maker, day, shard
        self.own = maker.shard(shard)
        self._counts: dict[str, int] = {}
        self._truth: dict[str, Any] = {}

    def transactions(self) -> Iterator[pa.RecordBatch]:
        """Row groups in event-time order; buffers are reused between them."""
        keys = self._keys()
        size, chunk = self.maker.config.output.row_group_rows, self.maker.config.run.chunk_rows
        total, approved = keys.card.size, []
        for first in range(0, total, size):
            last = min(first + size, total)
            for start in range(first, last, chunk):
                stop = min(start + chunk, last)
                self.maker.filler.fill(
                    self.maker.buffers, start - first, self.own.activity, keys.part(start, stop)
                )
            approved.append(self.maker.buffers.values["is_approved"][: last - first].copy())
            yield self.maker.buffers.batch(last - first)
        if not total:
            yield self.maker.buffers.batch(0)
        self._tell(keys, np.concatenate(approved) if approved else np.zeros(0, dtype=np.bool_))

    def _keys(self) -> Day:
        """The day's events in time order, with ids and links."""
        activity, plan = self.own.activity, self.own.plan
        cells, events = activity.day_events(self.day)
        attacks = plan.on_day(self.day)
        at_ms = np.concatenate([events.at_ms, plan.attacks.at_ms[attacks] - self.day * DAY_MS])
        address = np.concatenate(
            [own_addresses(events, self.day), _attack_addresses(plan, attacks)]
        )
        order = time_order(at_ms)
        at_ms, address = at_ms[order], address[order]
        card = cards_of(address)
        transaction_id = self.maker.transaction_ids.ids(address)
        local = card - activity.first_card
        replaced = self.own.reissue_on(self.day, local)
        linked = self._linked(local, at_ms, address)
        position = np.empty(order.size, dtype=np.int64)
        position[order] = np.arange(order.size)
        return Day(
            day=self.day,
            maker=self.maker,
            own=self.own,
            card=card,
            at_ms=at_ms,
            address=address,
            transaction_id=transaction_id,
            previous=self._previous(local, at_ms, transaction_id, (linked, replaced)),
            place=(cells.place << 1 | cells.in_transit).astype(np.int32),
            replaced=replaced,
            returns=_sorted_rows(position, events),
            attacks=_attack_rows(position, events.card.size, attacks),
            source=events.returns,
        )

    def _linked(self, card: I64, at_ms: I64, address: U64) -> tuple[I64, I64, U64, I64]:
        """(position before each row, first rows, their earlier address and ms).

        Remembers the last events for the day after.
        """
        activity = self.own.activity
        before, last = predecessors(card, activity.last_card - activity.first_card)
        known = self.maker.last_before(self.day, self.number)
        head = np.flatnonzero(before < 0)
        head_card = card[head]
        earlier, earlier_ms = known.address[head_card], known.at_ms[head_card]
        # Known is the maker's own: it is carried forward in place.
        tail = last[head_card]
        known.address[head_card] = address[tail]
        known.at_ms[head_card] = at_ms[tail] + self.day * DAY_MS
        self.maker.remember(self.day + 1, self.number, known)
        return before, head, earlier, earlier_ms

    def _previous(
        self,
        card: I64,
        at_ms: I64,
        transaction_id: I64,
        found: tuple[tuple[I64, I64, U64, I64], I64],
    ) -> tuple[I64, Any]:
        """(previous transaction id, is first) of each row; a replaced card starts anew."""
        (before, head, earlier, earlier_ms), replaced = found
        activity = self.own.activity
        previous = transaction_id.take(before, mode="clip")
        is_first = np.zeros(card.size, dtype=np.bool_)
        previous[head] = self.maker.transaction_ids.ids(earlier)
        since = self.own.since_ms[card[head]]
        is_first[head] = (earlier == NONE) | (earlier_ms < since)
        if replaced.size:
            day_ms = self.day * DAY_MS
            own_card = card[replaced] + activity.first_card
            at = at_ms[replaced] + day_ms
            row_before = np.searchsorted(head, replaced)
            is_head = before[replaced] < 0
            head_ms = earlier_ms.take(row_before, mode="clip")
            in_day = at_ms.take(before[replaced], mode="clip") + day_ms
            at_before = np.where(is_head, head_ms, in_day)
            came = self.own.plan.card_ids(own_card, own_card, at)[1]
            is_first[replaced] |= at_before < came
        return previous, is_first

    def _tell(self, keys: Day, approved: Any) -> None:
        fraud, typology, campaign = self._frauds(keys)
        at_us = (keys.at_ms + self.day * DAY_MS) * 1000
        self._truth = {
            "ids": keys.transaction_id,
            "address": keys.address,
            "at_us": at_us,
            "approved": approved,
            "fraud": fraud,
            "typology": typology,
            "campaign": campaign,
        }
        self._counts = {
            "transactions": int(keys.card.size),
            "frauds": int(fraud.size),
            "returns": int(keys.returns[0].size),
        }

    def _frauds(self, keys: Day) -> tuple[I64, I64, I64]:
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

    def side_tables(self) -> dict[str, pa.Table]:
        """truth and labels of the day; only after `transactions()` is exhausted."""
        assert self._truth, "the transactions come first"
        return {
            "truth": truth_table(self.maker.config, self._truth),
            "labels": label_table(self.maker.bank, self._truth),
        }

    def counts(self) -> dict[str, int]:
        """Rows that the composer meant to make, to be held against what was written."""
        return dict(self._counts)


def _attack_addresses(plan: Plan, attacks: slice) -> U64:
    address = cell_addresses(plan.attacks.card[attacks], plan.day[attacks])
    return address | code(ATTACK, plan.slot[attacks]).view(np.uint64)


def _sorted_rows(position: I64, events: Events) -> tuple[I64, I64]:
    """(row in time order, entry of events.returns), sorted by row."""
    count = events.returns.card.size
    row = position[events.card.size - count : events.card.size]
    order = np.argsort(row, kind="stable")
    return row[order], order


def _attack_rows(position: I64, first: int, attacks: slice) -> tuple[I64, I64]:
    """(row in time order, attack of the plan), sorted by row."""
    row = position[first:]
    order = np.argsort(row, kind="stable")
    return row[order], order + attacks.start

"""Shard: a range of cards with its plan, the ids in force, and the link of each row to the last.

Reads    activity, plan, events of consecutive days in time order
Writes   previous(transaction id, is first), ids of replaced cards
Draws    nothing
Sources  nothing

Look back over cells by counts alone; what one stretch of days knows at its end, the next begins
with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fauxpay.activity.addresses import ATTACK, cell_addresses, code
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity
from fauxpay.activity.previous import NONE, LastEvents, last_events, predecessors
from fauxpay.activity.traits import CARD_ID
from fauxpay.catalog.world import Bool
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64
from fauxpay.fraud.plan import Plan


@dataclass(frozen=True, slots=True)
class Ordered:
    """Events of consecutive days in time order.

    days     of the stretch
    local    i64[n]  position of the card in the shard
    at_ms    i64[n]  since the start of the stretch
    address  u64[n]
    """

    days: range
    local: I64
    at_ms: I64
    address: U64


class Shard:
    """What stays the same for all days of a range of cards, and which cards are replaced by when.

    since_ms  i64[cards of the shard]  when the card in force at the stretch's start came into force
    """

    def __init__(self, activity: Activity, plan: Plan) -> None:
        # Replaced cards change their id in the shard's own copy of the records.
        record = activity.tables.traits.card.copy()
        traits = replace(activity.tables.traits, card=record)
        self.activity = replace(activity, tables=replace(activity.tables, traits=traits))
        self.plan = plan
        self.record = record
        self.since_ms = np.full(self.card_count, -1, dtype=np.int64)
        self._known: tuple[int, LastEvents] | None = None

    @property
    def card_count(self) -> int:
        """Cards of the shard."""
        return self.activity.last_card - self.activity.first_card

    def reissue_on(self, days: range, local: I64) -> I64:
        """Put the ids in force at the stretch's start; rows whose card is replaced in the stretch.

        local  i64[n]  positions of the rows' cards in the shard
        """
        reissues, first_card = self.plan.reissues, self.activity.first_card
        if not reissues.card.size:
            return np.zeros(0, dtype=np.int64)
        start, end = days.start * DAY_MS, days.stop * DAY_MS
        replaced = reissues.card - first_card
        self.record[reissues.card, CARD_ID] = self.activity.world.cards.id[reissues.card]
        self.since_ms[replaced] = -1
        # Sorted by card and time: of a card's earlier reissues the last one is assigned last.
        past = np.flatnonzero(reissues.reissued_ms < start)
        self.record[reissues.card[past], CARD_ID] = reissues.id[past]
        self.since_ms[replaced[past]] = reissues.reissued_ms[past]
        now = (reissues.reissued_ms >= start) & (reissues.reissued_ms < end)
        is_now = np.zeros(self.since_ms.size, dtype=np.bool_)
        is_now[replaced[now]] = True
        return np.flatnonzero(is_now.take(local, mode="clip"))

    def previous(
        self, events: Ordered, ids: IdLaw, transaction_id: I64, replaced: I64
    ) -> tuple[I64, Bool]:
        """(previous transaction id, is first) of each row; a replaced card starts anew.

        replaced  rows that `reissue_on` returned
        """
        before, last = predecessors(events.local, self.card_count)
        head = np.flatnonzero(before < 0)
        head_card = events.local.take(head)
        known = self._last_before(events.days.start)
        earlier, earlier_ms = known.address.take(head_card), known.at_ms.take(head_card)
        self._carry(known, events, last)

        start_ms = events.days.start * DAY_MS
        previous = transaction_id.take(before, mode="clip")
        is_first = np.zeros(before.size, dtype=np.bool_)
        previous[head] = ids.ids(earlier)
        is_first[head] = (earlier == NONE) | (earlier_ms < self.since_ms[head_card])
        if replaced.size:
            own_card = events.local[replaced] + self.activity.first_card
            row_before = np.searchsorted(head, replaced)
            is_head = before[replaced] < 0
            head_ms = earlier_ms.take(row_before, mode="clip")
            inside = events.at_ms.take(before[replaced], mode="clip") + start_ms
            at_before = np.where(is_head, head_ms, inside)
            at = events.at_ms[replaced] + start_ms
            came = self.plan.card_ids(own_card, own_card, at)[1]
            is_first[replaced] |= at_before < came
        return previous, is_first

    def _last_before(self, day: int) -> LastEvents:
        """Each card's last event before a day: remembered from the day before, or looked up."""
        if self._known is not None and self._known[0] == day:
            return self._known[1]
        found = last_events(self.activity, day)
        self._count_attacks(day, found)
        return found

    def _carry(self, known: LastEvents, events: Ordered, last: I64) -> None:
        """Remembers the last events for the day after; `known` is our own and changes in place."""
        card = np.flatnonzero(last >= 0)
        tail = last.take(card)
        known.address[card] = events.address.take(tail)
        known.at_ms[card] = events.at_ms.take(tail) + events.days.start * DAY_MS
        self._known = (events.days.stop, known)

    def _count_attacks(self, day: int, found: LastEvents) -> None:
        """Attacks are events too: where the last is later than the last genuine event it counts."""
        plan = self.plan
        attacks, count = plan.attacks, int(np.searchsorted(plan.day, day))
        card = attacks.card[:count] - self.activity.first_card
        at_ms = attacks.at_ms[:count]
        later = np.flatnonzero(at_ms >= found.at_ms[card])
        # In time order, so that the last assignment of a card is its latest attack.
        later = later[np.argsort(at_ms[later], kind="stable")]
        address = cell_addresses(attacks.card[later], plan.day[later])
        address |= code(ATTACK, plan.slot[later]).view(np.uint64)
        found.address[card[later]] = address
        found.at_ms[card[later]] = at_ms[later]

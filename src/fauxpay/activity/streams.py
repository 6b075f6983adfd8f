"""Streams: every random decision of activity, by name.

A field is some bits of one word of a named stream. Append only: a field that was once given out
is never moved, so a new decision moves no old one. A test holds that fields do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fauxpay.foundations.draws import I64, U64, StreamKey, bits, stream_key


class Field(NamedTuple):
    """`width` bits from bit `shift` on of the words of `stream`."""

    stream: str
    shift: int
    width: int

    def of(self, word: U64) -> I64:
        """The field's bits of each word, int64."""
        return bits(word, self.shift, self.width)


# One word per cell (card, day).
CELL_COUNT = Field("cell", 0, 24)
CELL_REFUND = Field("cell", 24, 16)
CELL_REFUND_LAG = Field("cell", 40, 12)
CELL_REFUND_SLOT = Field("cell", 52, 12)
# One word per (card, week) and per (customer, travel block).
WEEK_LEVEL = Field("week", 0, 8)
DAY_LEVELS = Field("week", 8, 56)  # eight bits for each day from Monday on
TRAVEL_GOES = Field("travel", 0, 16)
TRAVEL_START = Field("travel", 16, 8)
TRAVEL_DAYS = Field("travel", 24, 8)
TRAVEL_ABROAD = Field("travel", 32, 16)
TRAVEL_PLACE = Field("travel_place", 0, 63)
# One word per visit.
VISIT_QUARTER = Field("visit", 0, 12)
VISIT_WITHIN = Field("visit", 12, 20)
VISIT_TRIP = Field("visit", 32, 10)
VISIT_REVERSED = Field("visit", 42, 16)
VISIT_RETRY = Field("visit", 58, 6)
VISIT_GAP = Field("gap", 0, 32)
VISIT_REVERSAL_GAP = Field("gap", 32, 32)
# One word per purchase address: where.
WHERE_KIND = Field("where", 0, 8)
WHERE_RANK = Field("where", 8, 12)
WHERE_COMMUTE = Field("where", 20, 4)
WHERE_OPEN = Field("where", 24, 8)
WHERE_TERMINAL = Field("where", 32, 8)
WHERE_RETRY = Field("where", 40, 24)
WHERE_RETRIES = 3  # further shops that are tried, each with words of a stream of its own
FAVOURITE = Field("favourite", 0, 63)
# One word per purchase address: how much and how.
TICKET_AMOUNT = Field("ticket", 0, 32)
TICKET_ENDING = Field("ticket", 32, 8)
TICKET_ENTRY = Field("ticket", 40, 8)
TICKET_AUTHENTICATION = Field("ticket", 48, 8)
# One word per authorisation.
OUTCOME_CODE = Field("outcome", 0, 12)
OUTCOME_DEVICE = Field("outcome", 12, 8)
OUTCOME_STRAY = Field("outcome", 20, 8)
OUTCOME_ADDRESS = Field("outcome", 28, 8)
OUTCOME_HOST = Field("outcome", 36, 20)
OUTCOME_AGENT = Field("outcome", 56, 8)
# Hosts: one word for each of a few households that a card's owner visits.
HOST_LINE = Field("host", 0, 32)
# One word per purchase on a device in passing.
STRAY_DEVICE = Field("stray", 0, 32)
# Subscriptions: one word per card, one per subscription.
SUBSCRIPTION_COUNT = Field("subscriber", 0, 24)
SUBSCRIPTION_DAY = Field("subscription", 0, 16)
SUBSCRIPTION_TIME = Field("subscription", 16, 32)
# One word per payment of a subscription.
PAYMENT_TIME = Field("payment", 0, 24)
# Terms of subscriptions: one word per slot of a card, one per term.
TERM_MONTHS = Field("terms", 0, 8)
TERM_PHASE = Field("terms", 8, 16)
TERM_PRICE_MONTHS = Field("terms", 24, 8)
TERM_PRICE_PHASE = Field("terms", 32, 8)
TERM_RISE = Field("terms", 40, 8)
TERM_IDLE = Field("term", 0, 8)
TERM_ANNUAL = Field("term", 8, 8)
TERM_ANNUAL_MONTH = Field("term", 16, 8)
# Plans: one word per seller of subscriptions, one per plan of it.
PLAN_PRICE_MONTHS = Field("plans", 0, 8)
PLAN_PRICE_PHASE = Field("plans", 8, 8)
PLAN_RISE = Field("plans", 16, 8)
PLAN_TICKET = Field("plan", 0, 40)
# Refunds: when in the day, whether the shop is found open and whether it pays back; each further
# try has its own word.
REFUND_QUARTER = Field("refund", 0, 12)
REFUND_WITHIN = Field("refund", 12, 20)
REFUND_OPEN = Field("refund", 32, 8)
REFUND_PAID = Field("refund", 40, 12)
REFUND_STREAMS = ("refund", *(f"refund/retry/{attempt}" for attempt in range(4)))
# One word per retry; whether a request is tried again is told by its own coarse bits, then by the
# fine ones of what would be the retry.
RETRY_WISH = Field("retry", 0, 10)
RETRY_EAGER = Field("retry", 10, 6)
RETRY_ANSWER = Field("retry", 16, 10)
RETRY_OTHER = Field("retry", 26, 6)
RETRY_GAP = Field("retry", 32, 32)


@dataclass(frozen=True, slots=True)
class Keys:
    """Stream keys of one seed."""

    seed: int
    keys: dict[str, StreamKey]

    @staticmethod
    def of(seed: int) -> Keys:
        """Keys of every stream of activity under a run's seed."""
        streams = {value.stream for value in globals().values() if isinstance(value, Field)}
        streams |= {f"where/retry/{attempt}" for attempt in range(WHERE_RETRIES)}
        streams |= set(REFUND_STREAMS)
        return Keys(seed, {name: stream_key(seed, f"activity/{name}") for name in sorted(streams)})

    def __getitem__(self, stream: str) -> StreamKey:
        return self.keys[stream]

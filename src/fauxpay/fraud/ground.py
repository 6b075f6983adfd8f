"""Ground: what a typology stands on: the cards of a range, named draws, and who falls victim when.

Reads    activity, demand, parameters [fraud.drift, fraud.campaigns]
Writes   victims
Draws    fraud/<typology>/{count,victim,moment,accepted,hour,waits,..}
Sources  parameters.yaml

Victims are candidates of groups of cards and blocks of days: a Poisson number of them, each of one
card and moment, some of which are taken. So the cost follows the victims, not the cards, a card
more leaves the others alone, and a greater rate only adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.engine import Activity
from fauxpay.activity.rows import Rows
from fauxpay.foundations.draws import F64, I64, U64, below, bits, draw, stream_key, uniform
from fauxpay.fraud.fashion import factors, shifts, swings
from fauxpay.fraud.laws import chances, choices, poisson_counts, spans_ms

GROUP_BITS = 12
GROUP_CARDS = 1 << GROUP_BITS
BLOCK_DAYS = 32
_BLOCK_BITS, _NTH_BITS = 13, 16
_DEMAND_SHIFT, _CREW_SHIFT = 48, 40
_SEASON_SLACK = 1
YEAR_DAYS = 365.25
WEEK_DAYS, SATURDAY = 7, 5
# The weekday, from Monday = 0 on, of the first day of 1970.
THURSDAY = 3
HOUR_MS, MINUTE_MS, SECOND_MS = 3_600_000, 60_000, 1_000


@dataclass(frozen=True, slots=True)
class Demand:
    """How much of a typology is wanted, when, and where.

    number  0 for what goes on all the time, 1.. for the campaigns of the config
    mcc     factors on how much a merchant category is liked, over those of the typology
    country factors on how much a country is liked for purchases abroad
    """

    per_card_year: float
    from_ms: int = -(2**62)
    to_ms: int = 2**62
    number: int = 0
    mcc: Mapping[str, float] = field(default_factory=dict)
    country: Mapping[str, float] = field(default_factory=dict)
    is_drifting: bool = True


@dataclass(frozen=True, slots=True)
class Victims:
    """One entry per compromise: name below 2**54, card, moment in ms."""

    address: U64
    card: I64
    moment_ms: I64

    def only(self, which: Any) -> Victims:
        """Some of them."""
        return Victims(self.address[which], self.card[which], self.moment_ms[which])


@dataclass(frozen=True)
class Ground:
    """All that a typology may ask; every answer is a pure function of world, seed and address.

    name     of the typology, and of its streams
    code     of the typology
    memory   what was built from the world once, shared by the typologies of a plan
    facts    the typology's own parameters; common those of all (section fraud)
    """

    activity: Activity
    name: str
    code: int
    facts: Mapping[str, Any]
    common: Mapping[str, Any]
    demand: Demand
    end_day: int
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def word(self, decision: str, address: U64) -> U64:
        """64 bits of a named decision at each address."""
        number = f"@{self.demand.number}" if self.demand.number else ""
        key = stream_key(self.activity.keys.seed, f"fraud/{self.name}{number}/{decision}")
        return draw(key, address)

    def span_ms(self, decision: str, address: U64, law: Mapping[str, float], unit_ms: int) -> I64:
        """Milliseconds by a lognormal law in a unit of so many milliseconds."""
        return spans_ms(self.word(decision, address), law, float(unit_ms))

    def choice(self, decision: str, address: U64, shares: Any) -> I64:
        """A whole number 0.. with the shares given."""
        return choices(self.word(decision, address), shares)

    def chance(self, decision: str, address: U64, probability: Any) -> Any:
        """Whether something of a probability happens, bool[n]."""
        return chances(self.word(decision, address), probability)

    @cached_property
    def season(self) -> F64:
        """How busy the typology is, by day from the epoch on; about one over the years."""
        day = np.arange(max(self.end_day - self.activity.epoch_day, 1) + _SEASON_SLACK)
        level = np.ones(day.size)
        if self.demand.is_drifting:
            level = drift_level(self.common["drift"], self.activity.keys.seed, self.name, day)
        at_ms = (day + self.activity.epoch_day) * DAY_MS
        inside = (at_ms + DAY_MS > self.demand.from_ms) & (at_ms < self.demand.to_ms)
        return np.where(inside, level, 0.0)

    def victims(
        self,
        weight: F64 | None = None,
        weight_max: float = 1.0,
        among: Callable[[U64, I64], Any] | None = None,
    ) -> Victims:
        """Compromises from the epoch to the end, in the order of their names.

        weight  f64[cards of the range]  a card's part of the rate, mean about one, <= weight_max
        among   bool[n] by names and cards: who of very many candidates is asked any more
        """
        activity = self.activity
        address, group = self._candidates(weight_max)
        card = (group << GROUP_BITS) | bits(self.word("victim", address), 0, GROUP_BITS)
        own = np.flatnonzero((card >= activity.first_card) & (card < activity.last_card))
        address, card = address[own], card[own]
        if among is not None:
            some = np.flatnonzero(among(self._named(address), card))
            address, card = address[some], card[some]
        share = None if weight is None else weight[card - activity.first_card] / weight_max
        moment, taken = self._moments(address, share)
        taken &= self.in_use(card, moment // DAY_MS)
        return Victims(self._named(address[taken]), card[taken], moment[taken])

    def _named(self, address: U64) -> U64:
        return address | (np.uint64(self.demand.number) << np.uint64(_DEMAND_SHIFT))

    @property
    def _season_max(self) -> float:
        """Never of the window: a later end must not move an earlier victim."""
        return 1.0 + self.common["drift"]["swing"] if self.demand.is_drifting else 1.0

    def _candidates(self, weight_max: float) -> tuple[U64, I64]:
        activity = self.activity
        rate = self.demand.per_card_year * self._season_max * weight_max
        rate *= GROUP_CARDS * BLOCK_DAYS / YEAR_DAYS
        last = (activity.last_card - 1) >> GROUP_BITS
        group = np.arange(activity.first_card >> GROUP_BITS, last + 1)
        block = np.arange(activity.epoch_day // BLOCK_DAYS, (self.end_day - 1) // BLOCK_DAYS + 1)
        pair = ((group[:, None] << _BLOCK_BITS) | block[None, :]).reshape(-1)
        count = poisson_counts(self.word("count", pair.view(np.uint64)), rate)
        count = np.minimum(count, (1 << _NTH_BITS) - 1)
        owner = np.repeat(np.arange(pair.size), count)
        nth = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
        return ((pair[owner] << _NTH_BITS) | nth).view(np.uint64), pair[owner] >> _BLOCK_BITS

    def _moments(self, address: U64, share: F64 | None) -> tuple[I64, Any]:
        """(moment, whether it is taken) of candidates; share is of the greatest weight, 0..1."""
        word = self.word("moment", address)
        block_mask = np.uint64((1 << _BLOCK_BITS) - 1)
        block = ((address >> np.uint64(_NTH_BITS)) & block_mask).view(np.int64)
        second = below(word, BLOCK_DAYS * DAY_MS // SECOND_MS)
        within = (word & np.uint64(0xFFFF)).view(np.int64) % SECOND_MS
        moment = block * (BLOCK_DAYS * DAY_MS) + second * SECOND_MS + within
        day = moment // DAY_MS
        chance = self.season.take(day - self.activity.epoch_day, mode="clip") / self._season_max
        taken = self.chance("accepted", address, chance if share is None else chance * share)
        taken &= (day >= self.activity.epoch_day) & (day < self.end_day)
        taken &= (moment >= self.demand.from_ms) & (moment < self.demand.to_ms)
        return moment, taken

    def in_use(self, card: I64, day: I64) -> Any:
        """Whether cards are opened and not given up on days."""
        return self.activity.in_use(card, day)

    def era(self, moment_ms: I64, days: float) -> I64:
        """Which period a moment lies in; one for ever where nothing drifts."""
        if not self.demand.is_drifting:
            return np.zeros(moment_ms.size, dtype=np.int64)
        return moment_ms // (int(days) * DAY_MS)

    def era_days(self, moment_ms: I64, days: float) -> I64:
        """First UTC day of the period that a moment lies in; the moment's own without drift."""
        if not self.demand.is_drifting:
            return moment_ms // DAY_MS
        return self.era(moment_ms, days) * int(days)

    def campaign(self, victims: Victims) -> I64:
        """The campaign that takes a victim: one of a few at the same time, for some weeks."""
        return self.crew(self.shared_campaign(victims), victims.card)

    def crew(self, campaign: I64, card: I64) -> I64:
        """Who of a campaign works a card: a larger bank meets more crews, not larger ones."""
        return campaign | (card // int(self.common["campaigns"]["cards"]) << _CREW_SHIFT)

    def shared_campaign(self, victims: Victims) -> I64:
        """The same for cards of all crews."""
        days, at_once, which = self._campaigns(victims)
        era = self.era(victims.moment_ms + _lag_ms(days, at_once, which), days)
        return ((era * at_once + which) << 6) | self.demand.number

    def campaign_first_days(self, victims: Victims) -> I64:
        """First UTC day of the campaign that takes each victim; the victim's own without drift."""
        days, at_once, which = self._campaigns(victims)
        lag = _lag_ms(days, at_once, which) if self.demand.is_drifting else 0
        return self.era_days(victims.moment_ms + lag, days) - lag // DAY_MS

    def _campaigns(self, victims: Victims) -> tuple[int, int, I64]:
        """(days of one campaign, how many at a time, which of them takes each victim)."""
        law = self.common["campaigns"]
        at_once = int(self.facts.get("campaigns_at_once", law["at_once"]))
        days = int(self.facts.get("campaign_days", law["days"]))
        return days, at_once, below(self.word("campaign", victims.address), at_once)

    def rows(self, card: I64, at_ms: I64, address: U64) -> Rows:
        """Context of attacks, as the stages of a purchase want it."""
        activity = self.activity
        day, of_day = np.divmod(at_ms, DAY_MS)
        day = np.clip(day, activity.epoch_day, activity.epoch_day + activity.calendar.days - 1)
        place, in_transit = activity.places_on(card, day)
        quarter = activity.local_quarters(place, day, of_day)
        return activity.rows(card, (address, address, address), (place, in_transit), quarter)

    def at_hours(self, card: I64, at_ms: I64, address: U64, hours: Any) -> I64:
        """The next time after a moment at an hour by a law of 24 weights, in the card's home."""
        activity = self.activity
        day, of_day = np.divmod(at_ms, DAY_MS)
        day = np.clip(day, activity.epoch_day, activity.epoch_day + activity.calendar.days - 1)
        region = activity.world.places.region[activity.world.cards.place[card]]
        local = of_day + activity.calendar.offset_minutes(region, day, of_day) * MINUTE_MS
        hour = self.choice("hour", address, hours)
        within = below(self.word("minute", address), HOUR_MS)
        at_ms = at_ms + (hour * HOUR_MS + within - local) % DAY_MS
        return at_ms + self._waits(address, at_ms) * DAY_MS

    def fashion(self, what: str, at_ms: I64) -> F64:
        """Factor of the time on a measure of the trade; one for those who follow no fashion."""
        if not self._follows_fashion:
            return np.ones(at_ms.size)
        return factors(self.common["fashion"], self.activity.keys.seed, what, at_ms)

    def shift(self, what: str, at_ms: I64) -> F64:
        """What the time adds to a probability of the trade; nothing for those who follow none."""
        if not self._follows_fashion:
            return np.zeros(at_ms.size)
        return shifts(self.common["fashion"], self.activity.keys.seed, what, at_ms)

    @property
    def _follows_fashion(self) -> bool:
        return self.demand.is_drifting and self.name in self.common["fashion"]["followed_by"]

    def _waits(self, address: U64, at_ms: I64) -> I64:
        """Days until the kind of day that is in fashion, UTC: some wait."""
        weekend = self.shift("weekend", at_ms)
        weekday = (at_ms // DAY_MS + THURSDAY) % WEEK_DAYS
        saturday = SATURDAY + below(self.word("weekend", address), WEEK_DAYS - SATURDAY)
        aim = np.where(weekend > 0, saturday, below(self.word("working_day", address), SATURDAY))
        is_out = (aim >= SATURDAY) != (weekday >= SATURDAY)
        waits = is_out & self.chance("waits", address, np.abs(weekend))
        return np.where(waits, (aim - weekday) % WEEK_DAYS, 0)


def drift_level(drift: Mapping[str, Any], seed: int, name: str, day: I64) -> F64:
    """A slow swing by day from the epoch on: some typologies grow while others die away.

    drift  parameters fraud.drift; the sum of all typologies hardly moves
    """
    own = uniform(draw(stream_key(seed, f"fraud/{name}/drift"), np.zeros(1, np.uint64)))
    lead = drift["side"].get(name, drift["side"]["default"]) + drift["jitter"] * (own[0] - 0.5)
    level: F64 = np.round(1.0 + drift["swing"] * swings(drift, seed, "fraud/drift", lead, day), 6)
    return level


def _lag_ms(days: int, at_once: int, which: I64) -> I64:
    """Campaigns begin one after the other: one day for all would end all that a model learnt."""
    return which * (days * DAY_MS // at_once)


def nth_addresses(address: U64, nth: I64) -> U64:
    """Address of the nth thing of a compromise, nth < 64."""
    return (address << np.uint64(6)) | nth.view(np.uint64)

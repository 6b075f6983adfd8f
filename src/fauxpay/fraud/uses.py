"""Uses: how often stolen cards are used, and when.

Reads    victims, laws of a typology
Writes   uses(compromise, card, address, at_ms)
Draws    fraud/<typology>/<stage>*
Sources  parameters.yaml [fraud.fashion]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from fauxpay.activity.visits import spread_out
from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import I64, U64
from fauxpay.fraud.ground import MINUTE_MS, Ground, Victims, nth_addresses
from fauxpay.fraud.laws import running_totals
from fauxpay.fraud.story import NOT_BLOCKED, Compromises


@dataclass(frozen=True, slots=True)
class Uses:
    """Uses of compromises, each i64[n] but address u64[n]; those of one stand in order of time."""

    compromise: I64
    card: I64
    address: U64
    at_ms: I64
    nth: I64

    def only(self, which: Any) -> Uses:
        """Some of them."""
        return Uses(*(getattr(self, field.name)[which] for field in fields(self)))


def burst(
    ground: Ground, victims: Victims, start_ms: I64, stage: str, law: Mapping[str, Any]
) -> Uses:
    """Some uses of each victim, the first at its start.

    law  {first: number of the stage's first name below 64, shares: of 1, 2, .. uses,
         gap: lognormal law, unit_ms: of the gap, longer or shorter as is in fashion}

    To each gap comes what a customer needs between two payments: sooner, the pair would be a
    thief's alone. Who `calls` (law: bool[victims], none where it is not told) needs longer.
    """
    wanted = 1 + ground.choice(f"{stage}s", victims.address, law["shares"])
    owner, nth = spread_out(wanted)
    address = nth_addresses(victims.address[owner], nth + int(law["first"]))
    gap = ground.span_ms(f"{stage}_gap", address, law["gap"], int(law["unit_ms"]))
    gap = np.rint(gap * ground.fashion("gap", start_ms)[owner]).astype(np.int64)
    gap += ground.activity.tables.visits.apart_ms
    if "calls" in law:
        call_ms = round(float(ground.common["telephone"]["minutes"]) * MINUTE_MS)
        gap += np.where(law["calls"][owner], call_ms, 0)
    at_ms = start_ms[owner] + running_totals(owner, np.where(nth == 0, 0, gap))
    return Uses(owner, victims.card[owner], address, at_ms, nth)


def callers(ground: Ground, victims: Victims) -> Bool:
    """Whose details are used by telephone, and only so: nobody hangs up to go to a page at once."""
    calls: Bool = ground.chance("calls", victims.address, ground.facts["phone_share"])
    return calls


def last_ms(uses: Uses, count: int) -> I64:
    """When each of so many victims' last use is; every victim has one."""
    found = np.zeros(count, dtype=np.int64)
    np.maximum.at(found, uses.compromise, uses.at_ms)
    return found


def joined(first: Uses, second: Uses) -> tuple[Uses, Any]:
    """(all uses in order of compromise and time, whether each is of the first)."""
    both = Uses(
        *(np.concatenate([getattr(first, f.name), getattr(second, f.name)]) for f in fields(Uses))
    )
    order = np.lexsort((both.at_ms, both.compromise))
    return both.only(order), order < first.card.size


def compromises_of(
    ground: Ground, victims: Victims, campaign: I64, blocked_ms: I64 | None
) -> Compromises:
    """Compromises of victims; blocked_ms is None where the bank never blocks the card."""
    count = victims.card.size
    return Compromises(
        address=victims.address,
        card=victims.card,
        typology=np.full(count, ground.code),
        campaign=campaign,
        compromised_ms=victims.moment_ms,
        blocked_ms=np.full(count, NOT_BLOCKED) if blocked_ms is None else blocked_ms,
    )

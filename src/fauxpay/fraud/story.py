"""Story: the small tables that fraud is told in.

Reads    nothing
Writes   compromises, attacks, disputes
Draws    nothing
Sources  nothing

A typology turns a ground (world, cards, rate) into a story. Each card decides for itself, by
addressed draws, so cards come and go alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from fauxpay.foundations.draws import F64, I64, U64

NOT_BLOCKED = np.int64(-1)
AS_USUAL = np.int64(-1)
NO_ORIGINAL = np.uint64(0)
USES_MAX = 64
ADDRESS_BITS = 54


@dataclass(frozen=True, slots=True)
class Compromises:
    """One entry per card that fell into wrong hands; times are ms since 1970-01-01, UTC.

    address        u64[n]  name of the compromise within its typology, below 2**54
    typology       i64[n]  code
    campaign       i64[n]  number of the campaign within its typology, 0 <= campaign < 2**54
    blocked_ms     i64[n]  -1 where the bank never blocks the card
    """

    address: U64
    card: I64
    typology: I64
    campaign: I64
    compromised_ms: I64
    blocked_ms: I64


@dataclass(frozen=True, slots=True)
class Attacks:
    """One entry per fraudulent authorisation request; compromise is a position in Compromises.

    address         u64[n]  name of the use: what its draws are asked by
    kind, merchant, terminal, entry_mode as in activity.rows; amount in the merchant's minor units
    device          i64[n]  -1 and ip_address 0 where the purchase is not online
    authentication  i64[n]  code of the contract, or -1: as the issuer usually asks
    response        i64[n]  code of the contract, or -1: not answered yet
    original        u64[n]  address of the purchase that a refund points back to, or 0
    """

    compromise: I64
    card: I64
    at_ms: I64
    address: U64
    kind: I64
    merchant: I64
    terminal: I64
    entry_mode: I64
    amount: F64
    tail_octave: I64
    device: I64
    ip_address: I64
    authentication: I64
    response: I64
    original: U64


@dataclass(frozen=True, slots=True)
class Disputes:
    """Genuine purchases that the true customer will call fraud: truth stays genuine.

    address u64[n] of the row, card i64[n], day i64[n] (UTC), typology i64[n]
    """

    address: U64
    card: I64
    day: I64
    typology: I64


@dataclass(frozen=True, slots=True)
class Story:
    """What a typology tells; attacks of one compromise stand together in the order of time."""

    compromises: Compromises
    attacks: Attacks
    disputes: Disputes


def empty(kind: Any) -> Any:
    """A record of arrays without entries."""
    kinds = {"address": np.uint64, "original": np.uint64, "amount": np.float64}
    return kind(*(np.zeros(0, dtype=kinds.get(f.name, np.int64)) for f in fields(kind)))


def no_story() -> Story:
    """Nothing happened."""
    return Story(empty(Compromises), empty(Attacks), empty(Disputes))


def chosen(record: Any, which: Any) -> Any:
    """A record of arrays with only some of its entries."""
    return type(record)(*(getattr(record, field.name)[which] for field in fields(record)))


def merged(records: list[Any]) -> Any:
    """Records of arrays, one after the other."""
    parts = zip(*([getattr(r, f.name) for f in fields(r)] for r in records), strict=True)
    return type(records[0])(*(np.concatenate(part) for part in parts))


def only_compromises(story: Story, stays: Any) -> Story:
    """The compromises for which stays (bool[n]) is true, and their attacks; disputes stay."""
    place = np.cumsum(stays) - 1
    attacks: Attacks = chosen(story.attacks, stays[story.attacks.compromise])
    return Story(
        compromises=chosen(story.compromises, stays),
        attacks=_pointing(attacks, place[attacks.compromise]),
        disputes=story.disputes,
    )


def together(stories: list[Story]) -> Story:
    """Stories, one after the other; attacks keep pointing at their compromises."""
    if not stories:
        return no_story()
    offset, attacks = 0, []
    for told in stories:
        shifted = chosen(told.attacks, slice(None))
        attacks.append(_pointing(shifted, told.attacks.compromise + offset))
        offset += told.compromises.card.size
    return Story(
        compromises=merged([told.compromises for told in stories]),
        attacks=merged(attacks),
        disputes=merged([told.disputes for told in stories]),
    )


def _pointing(attacks: Attacks, compromise: I64) -> Attacks:
    values = {field.name: getattr(attacks, field.name) for field in fields(attacks)}
    return Attacks(**{**values, "compromise": compromise})

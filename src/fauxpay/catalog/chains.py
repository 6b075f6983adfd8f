"""Chains: which shops belong to one, and to which.

Reads    seats of merchants
Writes   merchants.chain_id
Draws    merchants/{is_chain,chain}
Sources  parameters.yaml [merchants.chains], config catalog.chain_share

First a hurdle: chain or single shop. Then a chain of the country and trade by a power law of its
rank, so that numbers of outlets have a heavy tail. Each shop decides by its own address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.catalog.laws import pick, words, zipf
from fauxpay.catalog.places import Places
from fauxpay.catalog.seats import Seats, country_numbers
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import F64, I64, U64, uniform

if TYPE_CHECKING:
    from fauxpay.config.model import Config

_BRAND_BIT = np.uint64(1 << 61)
_BISECTIONS = 60


def chain_members(
    config: Config, places: Places, seats: Seats, facts: Mapping[str, Any]
) -> ChainMembers:
    """Chain of each shop; online merchants are in none.

    facts  catalog.merchants.chains of parameters.yaml
    """
    seed = config.catalog.seed
    hazard = hurdles(config.catalog.chain_share, seats, seats.trades.chain_factor)
    u = uniform(words(seed, "merchants/is_chain", seats.address))
    law = zipf(np.arange(1, int(facts["count_max"]) + 1), float(facts["exponent"]))
    rank = pick(words(seed, "merchants/chain", seats.address), law)
    country = country_numbers(places)[seats.country]
    trade = seats.trade.astype(np.uint64)
    address = (country << np.uint64(32)) | (trade << np.uint64(16)) | rank.astype(np.uint64)
    return ChainMembers(
        address=np.asarray(address, dtype=np.uint64),
        is_member=~seats.is_online & (u < hazard[seats.trade]),
        relative_size=(law / law[-1])[rank],
    )


def hurdles(chain_share: float, seats: Seats, factor: F64) -> F64:
    """Probability of belonging to a chain by trade; its mean over the shops is chain_share.

    1 - (1 - chain_share) ** (k * factor) stays within 0..1; k is found by halving.
    """
    count = np.bincount(seats.trade[~seats.is_online], minlength=factor.size)
    if chain_share in (0.0, 1.0):
        return np.full(factor.size, chain_share)
    low, high = 0.0, 64.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        mean = (1.0 - (1.0 - chain_share) ** (middle * factor)) @ count / max(count.sum(), 1)
        low, high = (middle, high) if mean < chain_share else (low, middle)
    return np.asarray(np.round(1.0 - (1.0 - chain_share) ** (low * factor), 9))


def chain_ids(seed: int, address: U64) -> I64:
    """Ids of chains by address."""
    return IdLaw.of(seed, "chains").ids(address)


@dataclass(frozen=True, slots=True)
class ChainMembers:
    """address u64[n] of a chain, which counts where is_member; relative_size: smallest is 1."""

    address: U64
    is_member: Any
    relative_size: F64

    def brand(self, merchant_address: U64) -> U64:
        """The address of what outlets of a chain share: the chain's, or the single shop's own."""
        return np.where(self.is_member, self.address | _BRAND_BIT, merchant_address)

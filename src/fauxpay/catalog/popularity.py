"""Popularity: a weight for each merchant, by trade and by a Zipf law of its rank.

Reads    seats and chains of merchants
Writes   merchants.popularity
Draws    merchants/rank (given)
Sources  parameters.yaml [merchants.visit_share, merchants.online, merchants.chains.rank_lead],
         config catalog.merchant_zipf_exponent

The weights of a country's shops sum to 1, those of a place's shops to its share of the country's
people, their regions included; the weights of a country's online merchants sum to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.catalog.chains import ChainMembers
from fauxpay.catalog.laws import significant, zipf
from fauxpay.catalog.places import Places
from fauxpay.catalog.seats import Seats
from fauxpay.foundations.draws import F64, I64

if TYPE_CHECKING:
    from fauxpay.config.model import Config

WEIGHT_DIGITS = 6


def popularities(
    config: Config,
    places: Places,
    seats: Seats,
    order: tuple[ChainMembers, F64],
    facts: Mapping[str, Any],
) -> F64:
    """Weight of each merchant, f64[n] > 0.

    order  chains, and a uniform draw for each merchant: who leads in a place and trade
    facts  catalog.merchants of parameters.yaml
    """
    chain, u = order
    lead = float(facts["chains"]["rank_lead"]) * np.log10(chain.relative_size)
    score = np.round(u + np.where(chain.is_member, lead, 0.0), 12)
    shops = int((~seats.is_online).sum())
    exponent = config.catalog.merchant_zipf_exponent
    trades = seats.trades
    place, country, trade = seats.place[:shops], seats.country[:shops], seats.trade[:shops]
    visits = trades.visit_share[country, trade]
    weight = _shared(place, trade, score[:shops], exponent, visits)
    of_country = np.add.reduceat(places.weight, places.first)
    weight *= (places.weight / of_country[places.country])[place]
    country, trade = seats.country[shops:], seats.trade[shops:]
    visits = trades.online_visit_share[trade - trades.shop_count]
    exponent *= float(facts["online"]["zipf_factor"])
    online = _shared(country, trade, score[shops:], exponent, visits)
    return significant(np.concatenate([weight, online]), WEIGHT_DIGITS)


def ranks(group: I64, score: F64) -> I64:
    """Rank from 1 of each row within its group, the highest score first."""
    order = np.lexsort((-score, group))
    ordered = group[order]
    starts = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    position = np.arange(group.size)
    first = position[starts][np.cumsum(starts) - 1]
    rank = np.empty(group.size, dtype=np.int64)
    rank[order] = position - first + 1
    return rank


def _shared(area: I64, trade: I64, score: F64, exponent: float, visits: F64) -> F64:
    """Weights that sum to 1 in each area; its trades share them as `visits` says."""
    if area.size == 0:
        return np.zeros(0)
    group = area * (int(trade.max()) + 1) + trade
    weight = zipf(ranks(group, score), exponent)
    # A trade that nobody is said to visit still has some weight, because popularity is above 0.
    weight *= np.maximum(visits, 1e-9) / np.bincount(group, weights=weight)[group]
    return np.asarray(weight / np.bincount(area, weights=weight)[area])

"""Trades: kinds of shops as the parameters describe them, as arrays by country and trade.

Reads    reference merchant_categories(mcc)
Writes   nothing
Draws    nothing
Sources  parameters.yaml [merchants]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.catalog.columns import choices
from fauxpay.catalog.laws import numbers_by, weights_by, weights_of
from fauxpay.errors import ConfigError
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.reference import reference

CASH = "cash"


def make_trades(facts: Mapping[str, Any], countries: Sequence[str]) -> Trades:
    """The trades of catalog.merchants: those of shops first, then those of online merchants.

    Raises ConfigError for bad shares, for unknown trades in a floor and for an unknown MCC.
    """
    shops, webs = tuple(facts["outlet_share"]), tuple(facts["online"]["outlet_share"])
    names = shops + webs
    mccs = tuple(sorted({mcc for shares in facts["mcc"].values() for mcc in shares}))
    _require_known_mccs(mccs)
    openings = choices("merchants", "opening")
    always = {name: {"always": 1.0} for name in webs}
    return Trades(
        names=names,
        shop_count=len(shops),
        outlet_share=_by_country(facts, "outlet_share", countries, shops),
        visit_share=_by_country(facts, "visit_share", countries, shops),
        online_outlet_share=_online(facts, "outlet_share", webs),
        online_visit_share=_online(facts, "visit_share", webs),
        mccs=mccs,
        mcc_share=weights_by("merchants.mcc", facts["mcc"], names, mccs),
        opening_share=weights_by(
            "merchants.opening", {**facts["opening"], **always}, names, openings
        ),
        both_share=numbers_by("merchants.both_share_chain", facts["both_share_chain"], names),
        price_log_sd=numbers_by("merchants.price_log_sd", facts["price_log_sd"], names),
        chain_factor=numbers_by("merchants.chains.factor", facts["chains"]["factor"], names),
        floor=_positions("merchants.floor", facts["floor"], shops, 0),
        online_floor=_positions(
            "merchants.online.floor", facts["online"]["floor"], webs, len(shops)
        ),
    )


def _by_country(
    facts: Mapping[str, Any], name: str, countries: Sequence[str], trades: Sequence[str]
) -> F64:
    """Shares of the trades in each country: f64[countries, trades], rows sum to 1."""
    share = weights_of(f"merchants.{name}", facts[name], trades)
    factors = facts["outlet_factor"]
    factor = np.array(
        [
            [float(factors.get(country, factors["default"]).get(trade, 1.0)) for trade in trades]
            for country in countries
        ]
    )
    product = share * factor
    if (product < 0).any() or (product.sum(axis=1) <= 0).any():
        raise ConfigError(
            "parameters.catalog.merchants.outlet_factor: expected factors of 0 or more that leave "
            "every country some trade"
        )
    return np.asarray(product / product.sum(axis=1, keepdims=True))


def _online(facts: Mapping[str, Any], name: str, trades: Sequence[str]) -> F64:
    return weights_of(f"merchants.online.{name}", facts["online"][name], trades)


def _positions(name: str, wanted: Sequence[str], known: Sequence[str], offset: int) -> I64:
    unknown = [trade for trade in wanted if trade not in known]
    if unknown:
        raise ConfigError(
            f"parameters.catalog.{name}: {unknown[0]!r} is no trade here; expected some of "
            f"{', '.join(known)}"
        )
    return np.array([offset + known.index(trade) for trade in wanted], dtype=np.int64)


def _require_known_mccs(mccs: Sequence[str]) -> None:
    known = set(reference("merchant_categories")["mcc"].to_pylist())
    unknown = [mcc for mcc in mccs if mcc not in known]
    if unknown:
        raise ConfigError(
            f"parameters.catalog.merchants.mcc: {unknown[0]} is not in the reference table "
            "merchant_categories; expected codes of ISO 18245"
        )


@dataclass(frozen=True, slots=True)
class Trades:
    """Trade t < shop_count is one of shops, the others are online merchants.

    outlet_share, visit_share              f64[countries, shops]
    online_outlet_share, online_visit_share  f64[online trades]
    mcc_share, opening_share               f64[trades, codes]
    both_share, price_log_sd, chain_factor  f64[trades]
    floor, online_floor                    i64: trades of the first merchants of a place, country
    """

    names: tuple[str, ...]
    shop_count: int
    outlet_share: F64
    visit_share: F64
    online_outlet_share: F64
    online_visit_share: F64
    mccs: tuple[str, ...]
    mcc_share: F64
    opening_share: F64
    both_share: F64
    price_log_sd: F64
    chain_factor: F64
    floor: I64
    online_floor: I64

    def is_cash(self, trade: I64) -> Any:
        """Whether each merchant runs cash machines: bool[n]."""
        return trade == self.names.index(CASH)

"""Terminals: where a card is read. Every merchant has at least one.

Reads    merchants
Writes   terminals
Draws    terminals/{further,unattended,contactless}
Sources  parameters.yaml [terminals], [countries.contactless_terminal_share]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.catalog.columns import Coded, choices, shaped
from fauxpay.catalog.laws import numbers_by, repeated, words
from fauxpay.catalog.merchants import Merchants, merchant_ids
from fauxpay.catalog.places import Places
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64, uniform

_NTH_BITS = np.uint64(8)


def make_terminals(
    seed: int, places: Places, merchants: Merchants, facts: Mapping[str, Any]
) -> Terminals:
    """Terminals in the order of their merchants; the virtual one of a merchant comes last.

    facts  the section catalog of parameters.yaml
    """
    seats, section = merchants.seats, facts["terminals"]
    presences, kinds = choices("merchants", "presence"), choices("terminals", "kind")
    shop_count = np.where(seats.is_online, 0, _shop_counts(seed, merchants, section))
    sells_online = merchants.presence != presences.index("physical")
    merchant, nth = repeated(shop_count + sells_online)
    address = seats.address[merchant] << _NTH_BITS | nth.astype(np.uint64)
    share = numbers_by(
        "terminals.unattended_share", section["unattended_share"], merchants.trades.names
    )
    is_unattended = (
        uniform(words(seed, "terminals/unattended", address)) < share[seats.trade[merchant]]
    )
    is_virtual = nth >= shop_count[merchant]
    is_atm = merchants.trades.is_cash(seats.trade[merchant])
    kind = np.select(
        [is_virtual, is_atm, is_unattended],
        [kinds.index("virtual"), kinds.index("atm"), kinds.index("unattended")],
        kinds.index("pos"),
    )
    name = "countries.contactless_terminal_share"
    by_country = numbers_by(
        name, facts["countries"]["contactless_terminal_share"], places.countries
    )
    tap_share = np.where(
        is_atm, float(section["atm_contactless_share"]), by_country[seats.country[merchant]]
    )
    taps = uniform(words(seed, "terminals/contactless", address)) < tap_share
    return Terminals(address, merchant, kind, taps & ~is_virtual)


def terminals_table(seed: int, merchants: Merchants, terminals: Terminals) -> pa.Table:
    """The contract's table of terminals."""
    owner = merchants.seats.address[terminals.merchant]
    return shaped(
        "terminals",
        {
            "terminal_id": IdLaw.of(seed, "terminals").ids(terminals.address),
            "merchant_id": merchant_ids(seed, owner),
            "kind": Coded(terminals.kind, choices("terminals", "kind")),
            "is_contactless": terminals.is_contactless,
        },
    )


def _shop_counts(seed: int, merchants: Merchants, facts: Mapping[str, Any]) -> I64:
    """One and a geometric number of further terminals by trade."""
    trades, seats = merchants.trades, merchants.seats
    limit = min(int(facts["count_max"]), 1 << int(_NTH_BITS))
    mean = numbers_by("terminals.further_mean", facts["further_mean"], trades.names)[seats.trade]
    u = 1.0 - uniform(words(seed, "terminals/further", seats.address))
    further = np.log(u) / np.log(np.maximum(mean, 1e-9) / (1.0 + mean))
    # Rounded first: a count must not hang on the last bit of a logarithm.
    return 1 + np.minimum(np.floor(np.round(further, 9)), limit - 1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Terminals:
    """Arrays by terminal: address, index of the merchant, code of the kind."""

    address: U64
    merchant: I64
    kind: I64
    is_contactless: Any

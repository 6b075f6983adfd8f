"""Workshop: what a process keeps from one partition to the next.

Reads    the sealed catalog
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from fauxpay.contracts.digests import Domain
from fauxpay.contracts.members import Members
from fauxpay.delivery.engine import Maker, Tables
from fauxpay.delivery.inspection import integers
from fauxpay.receipts import layout

CATALOG_KEYS = {
    "customers": "customer_id",
    "accounts": "account_id",
    "cards": "card_id",
    "merchants": "merchant_id",
    "terminals": "terminal_id",
    "devices": "device_id",
}
"""Catalog table to the key that partitions point to; the columns have the same name there."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A maker, and what its rows are held against: taken from sealed tables, not from its word."""

    maker: Maker
    domains: Mapping[str, Domain]
    catalog_keys: Mapping[str, Members]
    card_ids: np.ndarray
    _plans: dict[int, Mapping[str, pa.Table]] = field(default_factory=dict)
    _members: dict[int, Mapping[str, Members]] = field(default_factory=dict)

    def plan(self, shard: int) -> Mapping[str, pa.Table]:
        """The plan tables of a shard, made once."""
        if shard not in self._plans:
            tables = self.maker.plan_tables(shard)
            assert sorted(tables) == sorted(layout.PLAN_TABLES), sorted(tables)
            self._plans[shard] = tables
        return self._plans[shard]

    def members(self, shard: int) -> Mapping[str, Members]:
        """Known keys by foreign key column, with the cards and campaigns of the shard's plan."""
        if shard not in self._members:
            plan = self.plan(shard)
            reissued = integers(plan["reissues"], "card_id")
            cards = self.catalog_keys["card_id"]
            if reissued.size:
                cards = Members.of(np.concatenate([self.card_ids, reissued]))
            self._members[shard] = {
                **self.catalog_keys,
                "card_id": cards,
                "replaces_card_id": cards,
                "root_card_id": self.catalog_keys["card_id"],
                "campaign_id": Members.of(integers(plan["campaigns"], "campaign_id")),
                "compromise_id": Members.of(integers(plan["compromises"], "compromise_id")),
            }
        return self._members[shard]


def open_workshop(maker: Maker, tables: Tables) -> Workshop:
    """The workshop of a maker and the catalog tables of its world."""
    keys = {
        column: Members.of(integers(tables[table], column))
        for table, column in CATALOG_KEYS.items()
    }
    domains = {column: Domain.of(values) for column, values in maker.domains.items()}
    return Workshop(maker, domains, keys, integers(tables["cards"], "card_id"))

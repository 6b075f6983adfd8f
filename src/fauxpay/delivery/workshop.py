"""Workshop: what a process keeps from one partition to the next.

Reads    the sealed catalog, the plan of each shard
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from fauxpay.contracts.digests import Domain
from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import table
from fauxpay.delivery.engine import Inspect, Maker, Tables
from fauxpay.delivery.inspection import integers
from fauxpay.receipts import layout


@dataclass(frozen=True, slots=True)
class Workshop:
    """A maker, and what its rows are held against: taken from tables, not from its word."""

    maker: Maker
    domains: Mapping[str, Domain]
    catalog_keys: Mapping[str, Members]
    make_inspector: Callable[[Maker, Tables], Inspect]
    _plans: dict[int, Mapping[str, pa.Table]] = field(default_factory=dict)
    _members: dict[int, Mapping[str, Members]] = field(default_factory=dict)
    _inspectors: dict[int, Inspect] = field(default_factory=dict)

    def plan(self, shard: int) -> Mapping[str, pa.Table]:
        """The plan tables of a shard, made once."""
        if shard not in self._plans:
            tables = self.maker.plan_tables(shard)
            assert sorted(tables) == sorted(layout.PLAN_TABLES), sorted(tables)
            self._plans[shard] = tables
        return self._plans[shard]

    def inspector(self, shard: int) -> Inspect:
        """The rules of the world for the rows of a shard, made once."""
        if shard not in self._inspectors:
            self._inspectors[shard] = self.make_inspector(self.maker, self.plan(shard))
        return self._inspectors[shard]

    def members(self, shard: int) -> Mapping[str, Members]:
        """Keys of the catalog and of the shard's plan, by the reference of their table."""
        if shard not in self._members:
            plan = keys_of(self.plan(shard), layout.PLAN_TABLES)
            self._members[shard] = {**self.catalog_keys, **plan}
        return self._members[shard]


def open_workshop(
    maker: Maker, tables: Tables, make_inspector: Callable[[Maker, Tables], Inspect]
) -> Workshop:
    """The workshop of a maker and the catalog tables of its world."""
    domains = {column: Domain.of(values) for column, values in maker.domains.items()}
    # Nothing in a partition points to a place.
    references = {name: ref for name, ref in layout.CATALOG_TABLES.items() if name != "places"}
    return Workshop(maker, domains, keys_of(tables, references), make_inspector)


def keys_of(tables: Tables, references: Mapping[str, str]) -> dict[str, Members]:
    """The keys of tables, by their reference."""
    return {
        reference: Members.of(integers(tables[name], table(reference).key[0]))
        for name, reference in references.items()
    }

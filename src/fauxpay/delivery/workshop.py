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
from fauxpay.delivery.engine import Inspect, InspectorOf, Maker, Tables
from fauxpay.delivery.inspection import integers
from fauxpay.receipts import layout


@dataclass(frozen=True, slots=True)
class Books:
    """What belongs to a shard.

    plan     its plan tables
    members  keys of the catalog and of the plan, by the reference of their table
    inspect  the rules of the world for its rows
    """

    plan: Mapping[str, pa.Table]
    members: Mapping[str, Members]
    inspect: Inspect


@dataclass(frozen=True, slots=True)
class Workshop:
    """A maker, and what its rows are held against: taken from tables, not from its word.

    What belongs to a shard is kept until another one is asked for, because shards are made one
    after the other; to keep it for all would grow with their number.
    """

    maker: Maker
    domains: Mapping[str, Domain]
    catalog_keys: Mapping[str, Members]
    inspector_of: InspectorOf
    _books: dict[int, Books] = field(default_factory=dict)

    def books(self, shard: int) -> Books:
        """What the rows of a shard are held against."""
        if shard not in self._books:
            self._books.clear()
            plan = self.maker.plan_tables(shard)
            assert sorted(plan) == sorted(layout.PLAN_TABLES), sorted(plan)
            members = {**self.catalog_keys, **keys_of(plan, layout.PLAN_TABLES)}
            self._books[shard] = Books(plan, members, self.inspector_of(plan))
        return self._books[shard]


def open_workshop(
    maker: Maker, tables: Tables, make_inspector: Callable[[Maker], InspectorOf]
) -> Workshop:
    """The workshop of a maker and the catalog tables of its world."""
    domains = {column: Domain.of(values) for column, values in maker.domains.items()}
    # Nothing in a partition points to a place.
    references = {name: ref for name, ref in layout.CATALOG_TABLES.items() if name != "places"}
    return Workshop(maker, domains, keys_of(tables, references), make_inspector(maker))


def keys_of(tables: Tables, references: Mapping[str, str]) -> dict[str, Members]:
    """The keys of tables, by their reference."""
    return {
        reference: Members.of(integers(tables[name], table(reference).key[0]))
        for name, reference in references.items()
    }

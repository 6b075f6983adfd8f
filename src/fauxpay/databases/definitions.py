"""Definitions: tables of a contract as PostgreSQL says them.

Reads    contracts
Writes   SQL
Draws    nothing
Sources  PostgreSQL 15 documentation, data types
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from fauxpay.contracts.tables import Table
from fauxpay.readers.query import literal, quoted

_TYPES = {
    pa.int8(): "smallint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.uint32(): "bigint",
    pa.float32(): "real",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.string(): "text",
    pa.date32(): "date",
}
# What investigators look for, beyond the keys.
_INDEXES = {
    "transactions": ("event_time", "card_id", "merchant_id"),
    "labels": ("known_at",),
    "truth": ("campaign_id",),
}


def column_type(kind: pa.DataType) -> str:
    """The type of a column without dictionaries."""
    if pa.types.is_timestamp(kind):
        return "timestamptz"
    return _TYPES[kind]


def table_sql(schema: str, table: Table) -> Iterator[str]:
    """The empty table with its meaning; keys come once it has rows, for that is faster."""
    fields = table.plain_schema()
    columns = ", ".join(
        f"{quoted(field.name)} {column_type(field.type)}{'' if field.nullable else ' NOT NULL'}"
        for field in fields
    )
    name = f"{quoted(schema)}.{quoted(table.name)}"
    yield f"CREATE TABLE IF NOT EXISTS {name} ({columns})"
    for column in table.columns:
        told = "; ".join(part for part in (column.description, column.unit) if part)
        if told:
            yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(told)}"


def key_sql(schema: str, tables: list[Table]) -> Iterator[str]:
    """Primary keys, then foreign keys and indexes.

    A key into several tables (a card may be one of the catalog or a replacement) cannot be said.
    """
    names = {table.name for table in tables}
    for table in tables:
        columns = ", ".join(quoted(name) for name in table.key)
        yield f"ALTER TABLE {quoted(schema)}.{quoted(table.name)} ADD PRIMARY KEY ({columns})"
    for table in tables:
        own = f"{quoted(schema)}.{quoted(table.name)}"
        for key in table.foreign_keys:
            target = key.table.rpartition("/")[2]
            if not key.also and target in names:
                yield (
                    f"ALTER TABLE {own} ADD FOREIGN KEY ({quoted(key.column)}) REFERENCES "
                    f"{quoted(schema)}.{quoted(target)} ({quoted(key.key)}) "
                    # Plan tables are put anew within a transaction.
                    f"DEFERRABLE INITIALLY DEFERRED"
                )
        for column in _INDEXES.get(table.name, ()):
            yield f"CREATE INDEX ON {own} ({quoted(column)})"

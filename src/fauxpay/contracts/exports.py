"""Exports: the packs as one JSON Schema, as Arrow schemas, as a page of documentation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from fauxpay.contracts.inventory import inventory
from fauxpay.contracts.registry import BASE, Packs
from fauxpay.contracts.tables import Column, Table
from fauxpay.foundations.version import VERSION

BUNDLE = BASE + "bundle.json"


def json_schema_bundle(packs: Packs) -> dict[str, Any]:
    """One 2020-12 document that holds every pack under its `$id`, so that nothing is fetched.

    A compound document (JSON Schema 2020-12 core, 9.3): an embedded pack keeps its address, and
    all references between packs stay as they are.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": BUNDLE,
        "title": f"Contracts of fauxpay {VERSION}",
        "description": "Refer to a table or document by its pack: "
        f"{BASE}activity.yaml#/$defs/transactions.",
        "$defs": {BASE + name: dict(packs.document(name)) for name in packs.texts},
    }


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table; key, unit and meaning as metadata."""
    fields = [
        field.with_metadata(_metadata(column))
        for field, column in zip(table.arrow_schema(), table.columns, strict=True)
    ]
    facts = {"fauxpay.contract": table.ref, "fauxpay.version": VERSION}
    facts["fauxpay.key"] = ", ".join(table.key)
    return pa.schema(fields, metadata=facts)


def arrow_file(table: Table) -> bytes:
    """An Arrow IPC file without rows: `pyarrow.ipc.open_file("cards.arrow").schema` reads it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, arrow_schema(table)):
        pass
    return bytes(sink.getvalue())


def markdown_page(packs: Packs, tables: Iterable[Table]) -> str:
    """One page: every table with its columns and keys, then the documents."""
    lines = [f"# Contracts of fauxpay {VERSION}", "", "Made by `fauxpay contracts export`.", ""]
    descriptions = {one.ref: one.description for one in inventory(packs)}
    for table in tables:
        lines += _table_section(table, descriptions.get(table.ref, ""))
    lines += ["## Documents", "", "| document | contract | meaning |", "|---|---|---|"]
    lines += [
        f"| {_cell(one.name)} | `{one.ref}` | {_cell(one.description)} |"
        for one in inventory(packs)
        if one.kind == "document"
    ]
    return "\n".join(lines) + "\n"


def limits_of(column: Column) -> str:
    """What a column's values are confined to, in few words."""
    parts = []
    if column.minimum is not None:
        parts.append(f"{'>' if column.is_minimum_exclusive else '>='} {column.minimum}")
    if column.maximum is not None:
        parts.append(f"<= {column.maximum}")
    if column.multiple_of is not None:
        parts.append(f"multiple of {column.multiple_of}")
    if column.enum is not None:
        parts.append(f"one of {', '.join(column.enum)}")
    if column.constant is not None:
        parts.append(f"always {str(column.constant).lower()}")
    if column.pattern is not None:
        parts.append(f"matches {column.pattern}")
    return ", ".join(parts)


def _metadata(column: Column) -> dict[str, str]:
    facts = {"unit": column.unit, "description": column.description, "limits": limits_of(column)}
    return {name: text for name, text in facts.items() if text}


def _table_section(table: Table, description: str) -> Iterator[str]:
    yield f"## {table.name}"
    yield ""
    if description:
        yield from (description, "")
    yield f"* contract: `{table.ref}`"
    yield f"* key: {', '.join(table.key)}"
    for columns in table.unique[1:]:
        yield f"* unique: {', '.join(columns)}"
    if table.order:
        yield f"* order: {', '.join(table.order)}"
    for key in table.foreign_keys:
        targets = " or ".join(f"{one.rpartition('/')[2]}.{key.key}" for one in key.tables)
        yield f"* {key.column} is in {targets}{' or null' if key.null_ok else ''}"
    yield ""
    yield "| column | type | null | unit | values | meaning |"
    yield "|---|---|---|---|---|---|"
    for column in table.columns:
        cells = (
            column.name,
            f"dictionary of {column.arrow}" if column.is_dictionary else column.arrow,
            "yes" if column.nullable else "no",
            column.unit,
            limits_of(column),
            column.description,
        )
        yield f"| {' | '.join(map(_cell, cells))} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")

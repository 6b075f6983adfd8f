"""Avro schema: what an event is in Avro, and the fingerprint that names it.

Reads    the contracts of transactions and labels
Writes   nothing
Draws    nothing
Sources  Apache Avro 1.12 specification: parsing canonical form, CRC-64-AVRO, single objects

One record for every event, so that one fingerprint stands before all of them; the row is a union.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fauxpay.contracts.tables import Column, table
from fauxpay.readers.run import TABLES
from fauxpay.streams.order import KINDS

NAMESPACE = "fauxpay.stream"
COMPLETED = "completed"
SINGLE_OBJECT = b"\xc3\x01"
TYPES: dict[str, Any] = {
    "int8": "int",
    "int16": "int",
    "int32": "int",
    "int64": "long",
    "uint32": "long",
    "float32": "float",
    "float64": "double",
    "bool": "boolean",
    "string": "string",
    "date32": {"type": "int", "logicalType": "date"},
    "timestamp[us, UTC]": {"type": "long", "logicalType": "timestamp-micros"},
}
_EMPTY = 0xC15D213AA4D7A795
_KEPT = ("name", "type", "fields", "symbols", "items", "values", "size")


@cache
def event_schema() -> dict[str, Any]:
    """The schema of an event. `sequence` comes first: a file goes on from what stands there."""
    rows = [_row(kind) for kind in KINDS]
    instant = TYPES["timestamp[us, UTC]"]
    end = {
        "type": "record",
        "name": COMPLETED,
        "doc": "The end of a stream: events of the run by kind, and the SHA-256 of their bodies.",
        "fields": [
            *({"name": kind, "type": "long"} for kind in KINDS),
            {"name": "sha256", "type": "string"},
        ],
    }
    return {
        "type": "record",
        "name": "event",
        "namespace": NAMESPACE,
        "doc": "An event of `fauxpay stream`, with the attributes of a CloudEvent 1.0.",
        "fields": [
            {"name": "sequence", "type": "long", "doc": "Place in the run's sequence."},
            {"name": "specversion", "type": "string", "doc": "1.0"},
            {"name": "id", "type": "string", "doc": "The same in every delivery of one event."},
            {"name": "source", "type": "string", "doc": "/fauxpay/runs/<run_id>"},
            {"name": "type", "type": "string", "doc": "fauxpay.<name of the record in data>"},
            {"name": "time", "type": ["null", instant], "doc": "Null at the end of a stream."},
            {"name": "partitionkey", "type": ["null", "string"], "doc": "The card; key in Kafka."},
            {"name": "data", "type": [*rows, end]},
        ],
    }


def _row(kind: str) -> dict[str, Any]:
    """A row of a contract; a label without its card, which is the key."""
    columns = table(TABLES[f"{kind}s"]).columns
    return {"type": "record", "name": kind, "fields": [_field(column) for column in columns]}


def _field(column: Column) -> dict[str, Any]:
    own = TYPES[column.arrow]
    told = "; ".join(part for part in (column.description, column.unit) if part)
    made = {"name": column.name, "type": ["null", own] if column.nullable else own}
    return {**made, "doc": told} if told else made


def canonical(schema: Any, namespace: str = "") -> str:
    """The parsing canonical form: full names, what reading needs, in one order, no spaces."""
    if isinstance(schema, str):
        return json.dumps(schema)
    if isinstance(schema, list):
        return "[" + ",".join(canonical(one, namespace) for one in schema) + "]"
    namespace = schema.get("namespace", namespace)
    if set(schema) & set(_KEPT) == {"type"}:
        return canonical(schema["type"], namespace)  # A logical type is its plain one.
    parts = []
    for key in _KEPT:
        if key == "name" and key in schema and "fields" in schema:
            parts.append(f'"name":{json.dumps(f"{namespace}.{schema[key]}".lstrip("."))}')
        elif key == "fields" and key in schema:
            fields = (_canonical_field(field, namespace) for field in schema[key])
            parts.append(f'"fields":[{",".join(fields)}]')
        elif key in schema:
            parts.append(f'"{key}":{canonical(schema[key], namespace)}')
    return "{" + ",".join(parts) + "}"


def _canonical_field(field: dict[str, Any], namespace: str) -> str:
    return f'{{"name":{json.dumps(field["name"])},"type":{canonical(field["type"], namespace)}}}'


def fingerprint(text: str) -> int:
    """CRC-64-AVRO of a canonical form."""
    known = _EMPTY
    for byte in text.encode():
        known = (known >> 8) ^ _fingerprints()[(known ^ byte) & 0xFF]
    return known


@cache
def _fingerprints() -> tuple[int, ...]:
    made = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_EMPTY if value & 1 else 0)
        made.append(value)
    return tuple(made)


@cache
def object_header() -> bytes:
    """What stands before a body that travels alone: a mark and the schema's fingerprint."""
    return SINGLE_OBJECT + fingerprint(canonical(event_schema())).to_bytes(8, "little")

"""Definition: the shape that the definition of a table must have, before anything is read from it.

What is built in keeps it (a test says so); packs of users are held to it each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from fauxpay.contracts.faults import shortened
from fauxpay.contracts.registry import Located
from fauxpay.errors import ContractError

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
_TEXTS = {"type": "array", "items": {"type": "string"}}
TABLE: Mapping[str, Any] = {
    "type": "object",
    "required": ["properties", "required", "additionalProperties", "x-table"],
    "properties": {
        "properties": {"type": "object", "minProperties": 1},
        "required": _NAMES,
        "additionalProperties": {"const": False},
        "description": {"type": "string"},
        "x-table": {
            "type": "object",
            "additionalProperties": False,
            "required": ["key"],
            "properties": {
                "key": _NAMES,
                "unique": {"type": "array", "items": _NAMES},
                "order": _NAMES,
                "foreign_keys": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["column", "table", "key"],
                        "properties": {
                            "column": {"type": "string"},
                            "table": {"type": "string"},
                            "key": {"type": "string"},
                            "null_ok": {"type": "boolean"},
                            "also": _TEXTS,
                        },
                    },
                },
            },
        },
    },
}
COLUMN: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "$ref": {"type": "string"},
        "type": {"anyOf": [{"type": "string"}, _TEXTS]},
        "enum": {"type": "array", "minItems": 1, "items": {"type": ["string", "null"]}},
        "const": {"type": "boolean"},
        "pattern": {"type": "string"},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "exclusiveMinimum": {"type": "number"},
        "multipleOf": {"type": "integer", "exclusiveMinimum": 0, "maximum": 2**31},
        "format": {"type": "string"},
        "description": {"type": "string"},
        "x-arrow": {"type": "string"},
        "x-unit": {"type": "string"},
        "x-encoding": {"type": "string"},
        "x-index": {"type": "string"},
    },
}


def require_table(place: Located) -> None:
    """Raise ContractError unless a definition has the shape of a table's."""
    _require(place, _validator("table"))


def require_column(place: Located) -> None:
    """Raise ContractError unless a definition has the shape of a column's."""
    _require(place, _validator("column"))


def pattern_fault(pattern: str) -> str:
    """What is wrong with a pattern; "" where Arrow can match it."""
    # Imported here, since arrays of Python's values bring pandas with them where it is installed.
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return shortened(str(error))
    return ""


@cache
def _validator(kind: str) -> Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(dict(TABLE if kind == "table" else COLUMN))


def _require(place: Located, validator: Validator) -> None:
    fault = next(iter(validator.iter_errors(dict(place.schema))), None)
    if fault is not None:
        where = "".join(f"/{step}" for step in fault.instance_path)
        raise ContractError(f"contract {place}{where}: {shortened(fault.message)}")

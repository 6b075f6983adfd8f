"""ODCS: the tables as a data contract of the Open Data Contract Standard, version 3.1.

Reads    tables
Writes   YAML that `datacontract lint` accepts and `datacontract test` can run
Draws    nothing
Sources  Bitol, Open Data Contract Standard 3.1.0

The standard knows logical types and a few options; what it has no word for (unit, Arrow type,
order) stands in `customProperties`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from fauxpay.contracts.tables import Column, Table
from fauxpay.foundations.version import VERSION

API_VERSION = "v3.1.0"
_LOGICAL = {"int": "integer", "uin": "integer", "flo": "number", "boo": "boolean", "dat": "date"}
# Names that `datacontract test` knows how to read Parquet as; the exact type is a custom property.
_PHYSICAL = {
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint32": "BIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "string": "VARCHAR",
    "date32": "DATE",
    "timestamp[us, UTC]": "TIMESTAMP_TZ",
}


def odcs_document(
    tables: Iterable[Table], descriptions: Mapping[str, str], path: str
) -> dict[str, Any]:
    """The contract of some tables.

    descriptions  by the table's reference
    path          where the Parquet files are, with {model} for the table's name
    """
    listed = list(tables)
    names = {table.ref: table.name for table in listed}
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": "urn:fauxpay:contracts",
        "name": "fauxpay",
        "version": VERSION,
        "status": "active",
        "description": {
            "purpose": "A fabricated card-payments world; no row is about anybody.",
            "limitations": "truth, campaigns, compromises and reissues tell the answer to a model.",
        },
        "servers": [
            {"server": "local", "type": "local", "path": path, "format": "parquet"},
        ],
        "schema": [_schema(table, descriptions.get(table.ref, ""), names) for table in listed],
    }


def yaml_text(document: Mapping[str, Any]) -> str:
    """A document of plain data as YAML."""
    from ruamel.yaml import YAML

    writer = YAML()
    writer.default_flow_style = False
    writer.width = 120
    writer.representer.ignore_aliases = lambda _: True
    stream = io.StringIO()
    writer.dump(document, stream)
    return stream.getvalue()


def _schema(table: Table, description: str, names: Mapping[str, str]) -> dict[str, Any]:
    quality = [
        {
            "type": "sql",
            "name": f"unique {', '.join(columns)}",
            "description": "No two rows have the same values.",
            "query": (
                f"SELECT COUNT(*) FROM (SELECT {', '.join(columns)} FROM {{object}} "
                f"GROUP BY {', '.join(columns)} HAVING COUNT(*) > 1)"
            ),
            "mustBe": 0,
        }
        # The standard says of a key that it is unique, and of one column.
        for columns in table.unique[1:]
        if len(columns) > 1
    ]
    custom = [{"property": "contract", "value": table.ref}]
    custom += [{"property": "order", "value": ", ".join(table.order)}] if table.order else []
    return {
        "name": table.name,
        "physicalName": table.name,
        "logicalType": "object",
        "physicalType": "table",
        **({"description": description} if description else {}),
        "properties": [_property(table, column, names) for column in table.columns],
        **({"quality": quality} if quality else {}),
        "customProperties": custom,
    }


def _property(table: Table, column: Column, names: Mapping[str, str]) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "name": column.name,
        "logicalType": _LOGICAL.get(
            column.arrow[:3], "timestamp" if column.arrow.startswith("time") else "string"
        ),
        "physicalType": _PHYSICAL[column.arrow],
        "required": not column.nullable,
    }
    if column.description:
        stated["description"] = column.description
    if column.name in table.key:
        stated["primaryKey"] = True
        stated["primaryKeyPosition"] = table.key.index(column.name) + 1
    if (column.name,) in table.unique:
        stated["unique"] = True
    if options := _options(column):
        stated["logicalTypeOptions"] = options
    if quality := _quality(column):
        stated["quality"] = quality
    relationships = [
        {"type": "foreignKey", "to": f"{names[key.table]}.{key.key}"}
        for key in table.foreign_keys
        # One of several tables is more than the standard can say.
        if key.column == column.name and not key.also and key.table in names
    ]
    if relationships:
        stated["relationships"] = relationships
    custom = [{"property": "arrowType", "value": column.arrow}]
    custom += [{"property": "unit", "value": column.unit}] if column.unit else []
    stated["customProperties"] = custom
    return stated


def _options(column: Column) -> dict[str, Any]:
    """What the standard lets a logical type say."""
    if column.arrow == "string":
        return {"pattern": column.pattern} if column.pattern else {}
    options = {"maximum": column.maximum, "multipleOf": column.multiple_of}
    low = "exclusiveMinimum" if column.is_minimum_exclusive else "minimum"
    options[low] = column.minimum
    return {name: value for name, value in options.items() if value is not None}


def _quality(column: Column) -> list[dict[str, Any]]:
    allowed: list[Any] = list(column.enum or ())
    if column.constant is not None:
        allowed = [column.constant]
    if not allowed:
        return []
    return [
        {
            "type": "library",
            "metric": "invalidValues",
            "arguments": {"validValues": allowed},
            "mustBe": 0,
        }
    ]

"""For pandas: ids that may be missing stay whole numbers.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  nothing

pandas turns a column of whole numbers with nulls into floats, which hold 53 of the 63 bits of an
id: other ids come out. Arrow does as the schema's metadata says, and pandas has whole numbers that
may be missing (Int64).
"""

from __future__ import annotations

import json
from collections.abc import Collection

import pyarrow as pa

_KEY = b"pandas"


def whole_for_pandas(schema: pa.Schema, names: Collection[str] | None = None) -> pa.Schema:
    """The same schema, its whole numbers that may be null marked as such for `to_pandas`.

    names  of the columns; None for all whole numbers that may be null
    """
    columns = [
        {
            "name": field.name,
            "field_name": field.name,
            "pandas_type": str(field.type),
            "numpy_type": str(field.type).replace("int", "Int").replace("uI", "UI"),
            "metadata": None,
        }
        for field in schema
        if pa.types.is_integer(field.type)
        and (field.nullable if names is None else field.name in names)
    ]
    if not columns:
        return schema
    document = {
        "index_columns": [],
        "column_indexes": [],
        "columns": columns,
        "creator": {"library": "fauxpay", "version": "1"},
        "pandas_version": "2.0.0",
    }
    return schema.with_metadata({**(schema.metadata or {}), _KEY: json.dumps(document)})

"""Tables: the shape of each table as its contract pack states it.

The packs are the only authority: Arrow schemas, checks and documentation derive from the `Table`
objects made here. They are frozen plain data, so workers can be handed them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from fauxpay.contracts.definition import pattern_fault, require_column, require_table
from fauxpay.contracts.registry import Located, Packs, built_in
from fauxpay.errors import ContractError

ARROW_TYPES: dict[str, pa.DataType] = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint32": pa.uint32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "date32": pa.date32(),
    "timestamp[us, UTC]": pa.timestamp("us", tz="UTC"),
}
_JSON_TYPES = {"int": "integer", "uin": "integer", "flo": "number", "boo": "boolean"}
_INDEX_TYPES = {"int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32()}
_ENCODINGS = ("plain", "delta", "dictionary")
_ENUM_INT8_MAX = 127
# A keyword that is not here would be stated and never checked, so it is refused.
_VALUE_KEYWORDS = frozenset(
    ("type", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum", "multipleOf")
)
_OTHER_KEYWORDS = frozenset(
    ("$ref", "format", "description", "x-arrow", "x-unit", "x-encoding", "x-index")
)
_TABLE_KEYWORDS = frozenset(("key", "unique", "order", "foreign_keys"))


def table(reference: str, packs: Packs | None = None) -> Table:
    """The table that a reference such as "activity.yaml#/$defs/transactions" names.

    packs  the built-in ones unless given
    Raises ContractError for a reference that leads nowhere or a definition that is no table.
    """
    return _built_in_table(reference) if packs is None else _build(reference, packs)


def table_references(packs: Packs | None = None) -> list[str]:
    """References of all tables, in the order of packs and of definitions."""
    packs = packs or built_in()
    return [
        f"{pack}#/$defs/{name}"
        for pack in packs.texts
        for name, definition in packs.document(pack).get("$defs", {}).items()
        if isinstance(definition, Mapping) and "x-table" in definition
    ]


@cache
def _built_in_table(reference: str) -> Table:
    return _build(reference, built_in())


def _build(reference: str, packs: Packs) -> Table:
    place = packs.resolve(reference)
    schema = place.schema
    if "x-table" not in schema or "properties" not in schema:
        raise ContractError(f"{place} is not a table: it has no properties or no x-table")
    if packs is not built_in():
        require_table(place)
    names, facts = tuple(schema["properties"]), schema["x-table"]
    _require(place, sorted(schema.get("required", ())) == sorted(names), "all columns are required")
    _require(place, schema.get("additionalProperties") is False, "additionalProperties is false")
    _require(place, "key" in facts and set(facts) <= _TABLE_KEYWORDS, "x-table has a key")
    key = tuple(facts["key"])
    others = [tuple(columns) for columns in facts.get("unique", ())]
    made = Table(
        name=place.pointer.rpartition("/")[2],
        ref=str(place),
        columns=tuple(_column(name, place, packs) for name in names),
        key=key,
        unique=(key, *(columns for columns in others if columns != key)),
        order=tuple(facts.get("order", ())),
        foreign_keys=tuple(_foreign_key(entry, place) for entry in facts.get("foreign_keys", ())),
    )
    _require_sound_keys(made, place, packs)
    return made


def _require_sound_keys(made: Table, place: Located, packs: Packs) -> None:
    """Keys name columns that can be keys, and tables that are there."""
    keys = {*made.order, *(name for columns in made.unique for name in columns)}
    foreign = {key.column: key for key in made.foreign_keys}
    unknown = sorted((keys | set(foreign)) - set(made.names))
    _require(place, not unknown, f"keys are columns; not {', '.join(unknown)}")
    for name in keys:
        _require(place, not made.column(name).nullable, f"keys are never null; not {name}")
    for name in made.order:
        _require(place, made.column(name).arrow != "string", f"order is of numbers; not {name}")
    for key in made.foreign_keys:
        column = made.column(key.column)
        is_whole = column.arrow.lstrip("u").startswith("int")
        _require(place, is_whole, f"foreign keys are integers; not {column.name}")
        _require(place, key.null_ok == column.nullable, f"null_ok and type of {column.name} agree")
        for reference in key.tables:
            target = packs.resolve(reference, place.pack, f"{place.pointer}/x-table/foreign_keys")
            has_key = key.key in target.schema.get("properties", {})
            _require(place, has_key, f"{reference} has a column {key.key}")
            if packs is not built_in():
                at = f"{target.pointer}/properties/{key.key}"
                held = Located(target.schema["properties"][key.key], target.pack, at)
                arrow = str(_merged(held, packs).get("x-arrow"))
                rule = f"{reference} {key.key} is of whole numbers"
                _require(place, arrow.lstrip("u").startswith("int"), rule)


def _foreign_key(entry: Mapping[str, Any], holder: Located) -> ForeignKey:
    known = {"column", "table", "key", "null_ok", "also"}
    _require(holder, {"column", "table", "key"} <= set(entry) <= known, "a foreign key is complete")
    return ForeignKey(
        column=entry["column"],
        table=entry["table"],
        key=entry["key"],
        null_ok=entry.get("null_ok", False),
        also=tuple(entry.get("also", ())),
    )


def _column(name: str, owner: Located, packs: Packs) -> Column:
    schema = owner.schema["properties"][name]
    place = Located(schema, owner.pack, f"{owner.pointer}/properties/{name}")
    _require(place, isinstance(schema, Mapping), "a column is a mapping")
    stated = _merged(place, packs)
    types = stated["type"] if isinstance(stated.get("type"), list) else [stated.get("type")]
    arrow = str(stated.get("x-arrow"))
    _require(place, arrow in ARROW_TYPES, f"x-arrow {arrow!r} is one of {', '.join(ARROW_TYPES)}")
    json_type = _JSON_TYPES.get(arrow[:3], "string")
    _require(place, types in ([json_type], [json_type, "null"]), f"type of {arrow} is {json_type}")
    nullable = "null" in types
    enum, low = stated.get("enum"), stated.get("minimum")
    above = stated.get("exclusiveMinimum")
    is_above = above is not None and (low is None or above >= low)
    _require(place, enum is None or (None in enum) == nullable, "enum and type agree on null")
    _require_fitting(place, stated, arrow)
    if packs is not built_in() and "pattern" in stated:
        fault = pattern_fault(stated["pattern"])
        _require(place, not fault, f"a pattern of RE2: {fault}")
    encoding = stated.get("x-encoding", "plain")
    _require(place, encoding in _ENCODINGS, f"x-encoding is one of {', '.join(_ENCODINGS)}")
    _require(place, encoding != "dictionary" or arrow == "string", "only strings are dictionaries")
    index = stated.get("x-index") or ("int8" if enum and len(enum) <= _ENUM_INT8_MAX else "int16")
    _require(place, index in _INDEX_TYPES, f"x-index is one of {', '.join(_INDEX_TYPES)}")
    return Column(
        name=name,
        arrow=arrow,
        nullable=nullable,
        minimum=above if is_above else low,
        maximum=stated.get("maximum"),
        is_minimum_exclusive=is_above,
        multiple_of=stated.get("multipleOf"),
        enum=tuple(item for item in enum if item is not None) if enum else None,
        constant=stated.get("const"),
        pattern=stated.get("pattern"),
        unit=stated.get("x-unit", ""),
        encoding=encoding,
        index=index if encoding == "dictionary" else "",
        description=stated.get("description", ""),
    )


def _require_fitting(place: Located, stated: Mapping[str, Any], arrow: str) -> None:
    """Each rule is one that can be asked of values of the type."""
    is_text, is_flag = arrow == "string", arrow == "bool"
    is_whole = arrow.lstrip("u").startswith("int")
    numbers = {"minimum", "maximum", "exclusiveMinimum"} & set(stated)
    _require(place, is_text or not {"enum", "pattern"} & set(stated), "enum, pattern: of texts")
    _require(place, is_flag or "const" not in stated, "const is of flags")
    _require(place, is_whole or arrow.startswith("float") or not numbers, "limits: of numbers")
    step = stated.get("multipleOf")
    _require(place, is_whole or step is None, "multipleOf is of whole numbers")
    if step is not None:
        bits = ARROW_TYPES[arrow].bit_width
        _require(place, step < 2 ** (bits - 1), f"multipleOf fits into {arrow}")


def _merged(place: Located, packs: Packs, before: tuple[str, ...] = ()) -> dict[str, Any]:
    """Keywords of a column with those of its `$ref` chain; of limits all hold, else the nearer."""
    _require(place, str(place) not in before, "a $ref never comes back to where it was")
    if packs is not built_in():
        require_column(place)
    unknown = sorted(set(place.schema) - _VALUE_KEYWORDS - _OTHER_KEYWORDS)
    _require(place, not unknown, f"keywords that are checked; not {', '.join(unknown)}")
    reference = place.schema.get("$ref")
    if reference is None:
        return dict(place.schema)
    target = packs.resolve(reference, place.pack, place.pointer)
    far = _merged(target, packs, (*before, str(place)))
    return {**far, **place.schema, **_tightest(far, place.schema)}


def _tightest(far: Mapping[str, Any], near: Mapping[str, Any]) -> dict[str, Any]:
    """Limits that both state, at which both hold."""
    hold: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("minimum", max),
        ("exclusiveMinimum", max),
        ("maximum", min),
    )
    return {
        name: pick(far[name], near[name]) for name, pick in hold if name in far and name in near
    }


def _require(place: Located, holds: bool, rule: str) -> None:
    if not holds:
        raise ContractError(f"contract {place} breaks a rule of packs: {rule}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: Arrow type name, limits (inclusive unless said) and meaning.

    `enum` has no null in it; `index` is the index type of a dictionary column, "" for others.
    """

    name: str
    arrow: str
    nullable: bool
    minimum: float | None
    maximum: float | None
    is_minimum_exclusive: bool
    multiple_of: int | None
    enum: tuple[str, ...] | None
    constant: bool | None
    pattern: str | None
    unit: str
    encoding: str
    index: str
    description: str

    @property
    def is_dictionary(self) -> bool:
        return self.encoding == "dictionary"

    @property
    def value_type(self) -> pa.DataType:
        """Arrow type of the values, without dictionary."""
        return ARROW_TYPES[self.arrow]

    @property
    def arrow_type(self) -> pa.DataType:
        """Arrow type of the column as it stands in a table."""
        if not self.is_dictionary:
            return self.value_type
        return pa.dictionary(_INDEX_TYPES[self.index], self.value_type)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Values of `column` stand in `key` of `table`, or of one of `also`."""

    column: str
    table: str
    key: str
    null_ok: bool
    also: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """References of the tables that may hold the value."""
        return (self.table, *self.also)


@dataclass(frozen=True, slots=True)
class Table:
    """A table's contract. `unique` holds every unique set of columns, the key first."""

    name: str
    ref: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    order: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; an unknown name is our own mistake."""
        found = next((column for column in self.columns if column.name == name), None)
        assert found is not None, f"{self.ref} has no column {name!r}; it has {self.names}"
        return found

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema; columns that may not be null are marked so."""
        return pa.schema(
            [pa.field(c.name, c.arrow_type, nullable=c.nullable) for c in self.columns]
        )

    def plain_schema(self) -> pa.Schema:
        """The same without dictionaries, for formats that do not know them."""
        return pa.schema(
            [pa.field(c.name, c.value_type, nullable=c.nullable) for c in self.columns]
        )

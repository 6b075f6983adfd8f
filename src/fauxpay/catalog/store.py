"""Store: a catalog of one's own, read from a folder of Parquet files.

Reads    <folder>/places.parquet ... devices.parquet
Writes   all catalog tables
Draws    nothing
Sources  the contracts of catalog.yaml

Types that hold the same values are taken as they come (an int64 for an int32, a plain text for a
dictionary); nothing is guessed. Sealing a world's catalog is the work of delivery.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fauxpay.catalog.columns import TABLES, contract
from fauxpay.catalog.integrity import check_catalog
from fauxpay.contracts.conversion import (
    FLOATS,
    INTEGERS,
    PANDAS_HINT,
    is_castable,
    kind,
    misfits,
)
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.tables import Column
from fauxpay.errors import ContractError
from fauxpay.foundations.machine import refused, require_inside
from fauxpay.foundations.version import VERSION

FINDINGS_SHOWN_MAX = 20
MULTIPLES = (("customers", "income_level"), ("merchants", "price_level"))
# As far as parameters may go: amounts stay whole numbers of 64 bits that nothing overflows.
MULTIPLE_LEAST, MULTIPLE_GREATEST = 1e-6, 1e6


def read_catalog(folder: Path | str) -> dict[str, pa.Table]:
    """The catalog in a folder, checked against contracts and rules; tables by name.

    Raises ContractError that lists what is wrong: file, column, how many rows, the first of them,
    and what is expected.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ContractError(
            f"catalog.path: {folder} is no folder; expected one that holds {_file_list(TABLES)}"
        )
    missing = [name for name in TABLES if not file_of(folder, name).is_file()]
    if missing:
        raise ContractError(
            f"catalog.path: {folder} lacks {_file_list(missing)}; "
            f"expected {_file_list(TABLES)} there"
        )
    for name in TABLES:
        require_inside(folder, file_of(folder, name))
    tables = {name: read_table(file_of(folder, name), name) for name in TABLES}
    findings = check_catalog(tables)
    if findings:
        raise ContractError(_report(folder, findings))
    _require_usable(folder, tables)
    return tables


def read_table(file: Path, name: str) -> pa.Table:
    """One table of a catalog in the contract's column order and types.

    Raises ContractError for a file that is no Parquet, for missing and unknown columns, and for
    values that the contract's type cannot hold.
    """
    try:
        table = pq.ParquetFile(file).read()
    except (pa.ArrowException, OSError) as error:
        if (told := refused(error, file)) is not None:
            raise told from None
        first_line = str(error).strip().partition("\n")[0]
        raise ContractError(
            f"{file}: cannot be read as Parquet ({first_line}); expected the table {name}"
        ) from None
    columns = contract(name).columns
    _require_columns(file, table.column_names, [column.name for column in columns])
    arrays = [
        _converted(table[column.name].combine_chunks(), column, f"{file}: {column.name}")
        for column in columns
    ]
    return pa.Table.from_arrays(arrays, schema=contract(name).arrow_schema())


def require_current(tables: Mapping[str, pa.Table], folder: object) -> None:
    """Holds sealed tables to the columns of this package's contracts, which others may not have.

    folder  of the catalog, for the message
    Raises ContractError for a column that is missing or of another type.
    """
    for name in TABLES:
        for column in contract(name).columns:
            if column.name not in tables[name].column_names:
                seen = "has no such column"
            elif column.is_dictionary == pa.types.is_dictionary(
                given := tables[name].schema.field(column.name).type
            ) and _value_type(given).equals(column.value_type):
                continue
            else:
                seen = f"has {given}"
            raise ContractError(
                f"{folder}: the sealed table {name} {seen}: {name}.{column.name}, expected "
                f"{column.arrow}. It was made under other contracts than those of fauxpay "
                f"{VERSION}: use the version that made the world, or make it again elsewhere."
            )


def _value_type(given: pa.DataType) -> pa.DataType:
    return given.value_type if pa.types.is_dictionary(given) else given


def _require_usable(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Raises ContractError for numbers that a contract allows and no amount can be made of."""
    for name, column in MULTIPLES:
        low, high = MULTIPLE_LEAST, MULTIPLE_GREATEST
        values = tables[name][column].combine_chunks()
        marks = pc.invert(pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high)))
        if pc.any(marks).as_py():
            count, first = _offenders(marks)
            raise ContractError(
                f"{file_of(folder, name)}: {column}: {count} of {len(values)} rows are beyond "
                f"{low:g} to {high:g}; first at row {first}: {values[first].as_py():g}; expected "
                "a multiple of the country's usual"
            )


def file_of(folder: Path, name: str) -> Path:
    """The file of a table in a folder."""
    return folder / f"{name}.parquet"


def _require_columns(file: Path, given: Sequence[str], wanted: Sequence[str]) -> None:
    twice = sorted({name for name in given if list(given).count(name) > 1})
    if twice:
        raise ContractError(f"{file}: the column {twice[0]} stands there more than once")
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    if missing:
        near = difflib.get_close_matches(missing[0], unknown, n=1)
        hint = f" (is it {near[0]}?)" if near else ""
        raise ContractError(
            f"{file}: lacks the column {', '.join(missing)}{hint}; expected {', '.join(wanted)}"
        )
    if unknown:
        raise ContractError(
            f"{file}: has the unknown column {', '.join(unknown)}; "
            f"expected {', '.join(wanted)} and no others"
        )


def _converted(array: Any, column: Column, where: str) -> Any:
    """The column in the contract's type, or ContractError where a value does not fit into it."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    given, wanted = kind(array.type), kind(column.value_type)
    if not is_castable(array.type, column):
        raise ContractError(
            f"{where}: all {len(array)} rows are of type {array.type}"
            f"{_first_value(array)}; expected {wanted} ({column.arrow})"
            f"{PANDAS_HINT if (given, wanted) == (FLOATS, INTEGERS) else ''}"
        )
    try:
        values = array.cast(column.value_type)
    except pa.ArrowInvalid:
        raise ContractError(_misfit(array, column, where)) from None
    if not column.is_dictionary:
        return values
    return _encoded(values, column, where)


def _encoded(values: Any, column: Column, where: str) -> Any:
    """A text column as a dictionary: in the contract's order for an enum."""
    if column.enum is None:
        return values.dictionary_encode().cast(column.arrow_type)
    domain = pa.array(column.enum, pa.string())
    codes = pc.index_in(values, domain)
    unknown = pc.and_(codes.is_null(), values.is_valid())
    if pc.any(unknown).as_py():
        count, first = _offenders(unknown)
        raise ContractError(
            f"{where}: {count} of {len(values)} rows have another value; first at row {first}: "
            f"{values[first].as_py()!r}; expected one of {', '.join(column.enum)}"
        )
    return pa.DictionaryArray.from_arrays(codes.cast(column.arrow_type.index_type), domain)


def _misfit(array: Any, column: Column, where: str) -> str:
    """Which rows the cast refuses."""
    rows = misfits(array, column)
    first = int(rows[0])
    return (
        f"{where}: {len(rows)} of {len(array)} rows do not fit {column.arrow}; first at row "
        f"{first}: {array[first].as_py()!r}; expected {kind(column.value_type)} ({column.arrow})"
    )


def _offenders(marks: Any) -> tuple[int, int]:
    """(how many, the first)."""
    return pc.sum(marks).as_py(), marks.index(True).as_py()


def _first_value(array: Any) -> str:
    return f", the first is {array[0].as_py()!r}" if len(array) else ""


def _report(folder: Path, findings: Sequence[Finding]) -> str:
    lines = [
        f"* {file_of(folder, finding.table).name}: {finding}"
        for finding in findings[:FINDINGS_SHOWN_MAX]
    ]
    if len(findings) > FINDINGS_SHOWN_MAX:
        lines.append(f"* and {len(findings) - FINDINGS_SHOWN_MAX} more")
    return f"catalog.path: {folder} cannot be used:\n" + "\n".join(lines)


def _file_list(names: Sequence[str]) -> str:
    return ", ".join(f"{name}.parquet" for name in names)

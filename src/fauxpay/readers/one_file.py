"""One file: rows into Parquet or CSV, as its name says.

Reads    nothing
Writes   a file of rows
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.errors import ConfigError

Write = Callable[[pa.Table], None]
PARQUET, CSV, PACKED = ("", ".parquet", ".pq"), ".csv", ".csv.gz"


def require_known(path: Path) -> None:
    """Raises ConfigError for a name that promises a file which is not made here."""
    if not _is_text(path) and path.suffix.lower() not in PARQUET:
        raise ConfigError(
            f"{path}: no file of the kind {path.suffix!r} is made; expected a name that ends in "
            f".parquet, .csv or .csv.gz"
        )


@contextmanager
def rows_into(staged: Path, path: Path, schema: pa.Schema) -> Iterator[Write]:
    """What takes tables of a schema, one after the other, into a file.

    staged  where to write
    path    the name that the file will have, which says what it is
    """
    if not _is_text(path):
        with pq.ParquetWriter(staged, schema, compression="zstd", compression_level=1) as writer:
            yield lambda rows: writer.write_table(rows, row_group_size=max(1, rows.num_rows))
        return
    from pyarrow import csv

    plain = pa.schema([_plain(field) for field in schema])
    with ExitStack() as open_files:
        sink = open_files.enter_context(pa.OSFile(str(staged), "wb"))
        if path.name.lower().endswith(PACKED):
            sink = open_files.enter_context(pa.CompressedOutputStream(sink, "gzip"))
        writer = open_files.enter_context(csv.CSVWriter(sink, plain))
        yield lambda rows: writer.write_table(rows.cast(plain))


def _is_text(path: Path) -> bool:
    return path.name.lower().endswith((CSV, PACKED))


def _plain(field: pa.Field) -> pa.Field:
    """The field as it is written in text: values in place of codes."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    return pa.field(field.name, kind, field.nullable)

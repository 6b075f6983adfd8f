"""Files: users' Parquet and CSV as record batches, whatever stands in them.

What is no file, no Parquet or no CSV, is cut off or says what it does not hold is one clear error.
Batches are small, and Parquet is read column chunk by column chunk through small buffers.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from fauxpay.contracts.conversion import kind
from fauxpay.contracts.faults import printable, shortened
from fauxpay.contracts.pages import require_small_pages
from fauxpay.errors import ContractError, StorageError

BATCH_ROWS = 65_536
BUFFER_BYTES = 1 << 20
CSV_BLOCK_BYTES = 4 << 20
COLUMNS_MAX = 10_000
BATCH_TEXT_BYTES_MAX = 1 << 30
_MAGIC = b"PAR1"
_READER_ERRORS = (pa.ArrowException, ValueError, LookupError, TypeError, OverflowError, OSError)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that could be opened: its columns, and whether their values are texts to be read."""

    path: Path
    schema: pa.Schema
    is_text: bool

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows, of the named columns, in order. Raises ContractError for a broken file."""
        with _clear_errors(self.path, self.is_text):
            yield from _csv(self.path, names) if self.is_text else _parquet(self, names)


def opened(path: Path) -> Opened:
    """A Parquet or CSV file by its ending; by its first bytes where that says nothing.

    Raises StorageError for what cannot be read, ContractError for what is neither.
    """
    is_text = _is_text(path)
    with _clear_errors(path, is_text):
        schema: pa.Schema
        if is_text:
            with _csv_reader(path, ()) as reader:
                schema = reader.schema
        else:
            schema = pq.ParquetFile(path).schema_arrow
        # Names and zones that are no UTF-8 fail only when they are looked at, so it is done here.
        for one in schema:
            _ = (one.name, str(one.type), kind(one.type))
    if len(schema) > COLUMNS_MAX:
        raise ContractError(f"{path}: {len(schema)} columns; expected {COLUMNS_MAX} at most")
    return Opened(path, schema, is_text)


def _is_text(path: Path) -> bool:
    try:
        # A pipe or a device never ends, so only plain files are opened.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise StorageError(f"{path}: no plain file; expected a Parquet or CSV file")
        with path.open("rb") as stream:
            first = stream.read(len(_MAGIC))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise StorageError(f"{path!r}: cannot be read: {error}") from None
    if not first:
        raise ContractError(f"{path}: is empty; expected a Parquet or CSV file with columns")
    if path.suffix.lower() == ".csv":
        return True
    if path.suffix.lower() != ".parquet" and first != _MAGIC:
        raise ContractError(f"{path}: neither Parquet nor CSV; expected a name in .parquet or .csv")
    return False


def _parquet(file: Opened, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    # Texts come as dictionaries, so that a long one that stands in every row is held once.
    texts = [name for name in names if _is_plain_text(file.schema.field(name).type)]
    with pq.ParquetFile(
        file.path, read_dictionary=texts, buffer_size=BUFFER_BYTES, pre_buffer=False
    ) as reader:
        require_small_pages(file.path)
        said, seen = reader.metadata.num_rows, 0
        for batch in reader.iter_batches(BATCH_ROWS, columns=list(names), use_threads=False):
            # What a file says of itself may be false, down to the indexes of a dictionary.
            batch.validate(full=True)
            _require_room(batch, file.path)
            seen += batch.num_rows
            if seen > said:
                break
            yield batch
    if seen != said:
        raise ContractError(f"{file.path}: says that it has {said} rows; {seen} could be read")


def _require_room(batch: pa.RecordBatch, path: Path) -> None:
    """Dictionaries are small; what they stand for may not be."""
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(array.type) and len(array.dictionary):
            values = array.dictionary
            average = values.nbytes / len(values)
            if average * batch.num_rows > BATCH_TEXT_BYTES_MAX:
                raise ContractError(
                    f"{path}: the texts of {printable(name)!r} take {average:.0f} bytes each; "
                    f"expected less than {BATCH_TEXT_BYTES_MAX // BATCH_ROWS}"
                )


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _csv(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with _csv_reader(path, names) as reader:
        for batch in reader:
            yield from _sliced(batch)


def _sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def _csv_reader(path: Path, names: Sequence[str]) -> Any:
    return pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=list(names),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


@contextmanager
def _clear_errors(path: Path, is_text: bool) -> Iterator[None]:
    """Whatever the readers of Arrow raise becomes one message about the file."""
    what = "CSV" if is_text else "Parquet"
    try:
        yield
    except pa.ArrowMemoryError as error:
        raise ContractError(f"{path}: asks for more memory than there is ({error})") from None
    except _READER_ERRORS as error:
        if getattr(error, "errno", None):
            raise StorageError(f"{path}: cannot be read: {error}") from None
        first = printable(shortened(str(error).strip().partition("\n")[0]))
        raise ContractError(
            f"{path}: cannot be read as {what} ({first}); expected a whole {what} file"
        ) from None

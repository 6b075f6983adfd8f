"""Table files: batches in, a checked and digested Parquet file out.

Reads    batches of one table
Writes   one staged Parquet file
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.digests import Domain, LogicalDigest
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.for_pandas import whole_for_pandas
from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import Table
from fauxpay.delivery.sinks import Staged
from fauxpay.receipts.records import TableEntry

# Statistics of all columns cost a fifth of the writing; these are what people filter by.
_BUFFER_BYTES = 1 << 18
STATISTICS = ("event_time", "card_id", "merchant_id", "amount_minor", "transaction_id")
# Random bits, which fast codecs look at in vain; zstd packs what recurs in a row group.
INCOMPRESSIBLE = (
    "transaction_id",
    "previous_transaction_id",
    "customer_id",
    "account_id",
    "card_id",
)
FAST_CODECS = ("snappy", "lz4")


Inspect = Callable[[Any], list[Finding]]


@dataclass(frozen=True, slots=True)
class Law:
    """What the batches of a partition are held to.

    domains      values of dictionary columns in the order of their codes, by column
    members      known keys for the foreign key checks, by the reference of their table
    compression  snappy, zstd, lz4 or none
    """

    domains: Mapping[str, Domain]
    members: Mapping[str, Members]
    compression: str


def _nothing(batch: pa.RecordBatch | pa.Table) -> list[Finding]:
    del batch
    return []


class TableFile:
    """A Parquet file of one table under way. Checks, digests and encodes each batch once."""

    def __init__(
        self, contract: Table, staged: Staged, law: Law, metadata: Mapping[str, str]
    ) -> None:
        self.contract = contract
        self.staged = staged
        self.rows = 0
        self._law = law
        self._findings: dict[tuple[str, str], Finding] = {}
        self._digest = LogicalDigest(contract, law.domains)
        schema, options = writer_options(contract, law.compression)
        labels = {**metadata, "fauxpay.contract": contract.ref, **(schema.metadata or {})}
        # The encoder writes a page at a time; a call into Python for each would cost more than it.
        self._stream = pa.BufferedOutputStream(pa.PythonFile(staged, mode="w"), _BUFFER_BYTES)
        self._writer = pq.ParquetWriter(self._stream, schema.with_metadata(labels), **options)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What failed so far, one finding per check and column."""
        return tuple(self._findings.values())

    def write(self, batch: pa.RecordBatch | pa.Table, inspect: Inspect = _nothing) -> None:
        """Takes a batch as one row group.

        inspect  further checks of a batch whose schema is right
        Raises StorageError where the file cannot be written.
        """
        found = check_batch(self.contract, batch, self._law.members)
        misshapen = any(finding.check == "schema" for finding in found)
        self._note(found if misshapen else [*found, *inspect(batch)], self.rows)
        self.rows += batch.num_rows
        if misshapen:
            return  # It cannot be encoded, and nothing of this partition will be published.
        self._encode(batch, max(1, batch.num_rows))

    def append(
        self, rows: pa.RecordBatch | pa.Table, row_group_rows: int, found: Sequence[Finding] = ()
    ) -> None:
        """Takes rows that were checked already, cut into row groups, and what was found in them."""
        self._note(found, self.rows)
        self.rows += rows.num_rows
        self._encode(rows, row_group_rows)

    def note_all(self, findings: Sequence[Finding]) -> None:
        """Adds findings about all rows together."""
        self._note(findings, 0)

    def _encode(self, batch: pa.RecordBatch | pa.Table, row_group_rows: int) -> None:
        self._digest.update(batch)
        if isinstance(batch, pa.RecordBatch):
            batch = pa.Table.from_batches([batch])
        self._writer.write_table(batch, row_group_size=row_group_rows)

    def _note(self, findings: Sequence[Finding], row_before: int) -> None:
        for finding in findings:
            if finding.first_row is not None:
                finding = replace(finding, first_row=finding.first_row + row_before)
            key = (finding.check, finding.column)
            known = self._findings.get(key)
            self._findings[key] = _joined(known, finding) if known else finding

    def close(self) -> TableEntry:
        """Writes the footer; the entry of the finished, still unpublished file."""
        self._writer.close()
        self._stream.flush()
        return TableEntry(
            self.contract.name,
            self.staged.name,
            self.rows,
            self.staged.size,
            self.staged.sha256,
            self._digest.hexdigest(),
        )

    def discard(self) -> None:
        """Gives the file up and removes it; once published, it is only closed."""
        self.staged.discard()
        # The encoder wants to write its footer first, into nothing.
        with contextlib.suppress(Exception):
            self._writer.close()
            self._stream.close()


@cache
def writer_options(contract: Table, compression: str) -> tuple[pa.Schema, dict[str, Any]]:
    """Arrow schema, marked for pandas, and encoder options of a table."""
    schema = whole_for_pandas(contract.arrow_schema())
    names = schema.names
    skipped = INCOMPRESSIBLE if compression in FAST_CODECS else ()
    codec = "NONE" if compression == "none" else compression
    options = {
        "compression": {name: "NONE" if name in skipped else codec for name in names},
        "use_dictionary": [
            name for name in names if pa.types.is_dictionary(schema.field(name).type)
        ],
        "column_encoding": {
            column.name: "DELTA_BINARY_PACKED"
            for column in contract.columns
            if column.encoding == "delta"
        },
        "write_statistics": [name for name in names if name in STATISTICS],
    }
    return schema, options


def _joined(known: Finding, more: Finding) -> Finding:
    """Two findings of one check as one; the first offender stays the first."""
    return replace(known, rows=known.rows + more.rows, offenders=known.offenders + more.offenders)

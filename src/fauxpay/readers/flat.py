"""The flat export: one file that a beginner can open, with everything joined.

Reads    transactions, postings, truth, labels, customers, merchants of a run that passed
Writes   one Parquet or CSV file; the schema metadata of Parquet says which columns leak
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fauxpay.contracts.for_pandas import whole_for_pandas
from fauxpay.contracts.tables import table
from fauxpay.readers.new_files import new_file
from fauxpay.readers.one_file import require_known, rows_into
from fauxpay.readers.run import TABLES, Run
from fauxpay.readers.views import not_as_written
from fauxpay.storage.places import local_copy

LEAKING_KEY = "fauxpay.leaking_columns"
# Truth and later knowledge: a model that is given one of these has been told the answer, or what
# nobody knew when the card was asked.
LEAKING = (
    "posted_on",
    "posted_amount_minor",
    "is_fraud",
    "typology",
    "label",
    "label_source",
    "label_known_at",
)
POSTED = {"posted_on": "posted_on", "posted_amount_minor": "posted_amount_minor"}
CUSTOMER = {
    "customer_country": "country",
    "customer_age_band": "age_band",
    "customer_income_level": "income_level",
    "customer_profile": "profile",
}
MERCHANT = {
    "merchant_name": "name",
    "merchant_presence": "presence",
    "merchant_price_level": "price_level",
}


def export_flat(run: Run, path: str | PathLike[str]) -> int:
    """Writes all transactions of a run with what is known of them into one file.

    path     a new file; its folder must exist. CSV where it ends in .csv or .csv.gz, else Parquet
    returns  rows written, in order of days, shards and time
    Raises ConfigError for another kind of file, ConflictError where the file exists, StorageError
    where it cannot be written, ContractError where a file of the run is damaged.
    """
    require_known(Path(path))
    schema = flat_schema(run)
    rows = 0
    with new_file(path) as staged, rows_into(staged, Path(path), schema) as write:
        for part in _whole_parts(run, schema):
            write(part)
            rows += part.num_rows
    return rows


def flat_schema(run: Run) -> pa.Schema:
    """Schema of the export: transactions, then attributes, then the columns that leak."""
    fields = [*table(TABLES["transactions"]).arrow_schema()]
    for source, names in (("customers", CUSTOMER), ("merchants", MERCHANT)):
        known = table(TABLES[source]).arrow_schema()
        fields += [known.field(column).with_name(name) for name, column in names.items()]
    truth = table(TABLES["truth"]).arrow_schema()
    labels = table(TABLES["labels"]).arrow_schema()
    postings = table(TABLES["postings"]).arrow_schema()
    fields += [postings.field(name).with_nullable(True) for name in POSTED]
    fields += [
        pa.field("is_fraud", pa.bool_(), nullable=False),
        truth.field("typology").with_nullable(True),
        labels.field("label").with_nullable(True),
        labels.field("source").with_name("label_source").with_nullable(True),
        labels.field("known_at").with_name("label_known_at").with_nullable(True),
    ]
    metadata = {"fauxpay.run_id": run.run_id, LEAKING_KEY: json.dumps(LEAKING)}
    if not run.is_verified:
        metadata["fauxpay.is_verified"] = "false"
    return whole_for_pandas(pa.schema(fields, metadata=metadata))


def _whole_parts(run: Run, schema: pa.Schema) -> Iterator[pa.Table]:
    """The parts; what keeps one from being read is no word about the file that is written."""
    try:
        yield from _parts(run, schema)
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
        raise not_as_written(run, error) from error


def _parts(run: Run, schema: pa.Schema) -> Iterator[pa.Table]:
    """One joined table per row group of transactions, so that memory does not grow with days."""
    customers = _read(run.files("customers")[0])
    merchants = _read(run.files("merchants")[0])
    for name in ("transactions", "postings", "truth", "labels"):
        run.files(name)
    for partition in run.receipt["partitions"]:
        paths = {
            entry["name"]: local_copy(run.path(entry["path"])) for entry in partition["tables"]
        }
        truth, labels = _read(paths["truth"]), _last_known(_read(paths["labels"]))
        postings = _read(paths["postings"])
        with pq.ParquetFile(paths["transactions"]) as file:
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group, use_threads=False)
                columns = {
                    **dict(zip(rows.column_names, rows.columns, strict=True)),
                    **_looked_up(rows, "customer_id", customers, CUSTOMER),
                    **_looked_up(rows, "merchant_id", merchants, MERCHANT),
                    **_looked_up(rows, "transaction_id", postings, POSTED),
                    **_oracle(rows, truth, labels),
                }
                arrays = [columns[field.name].cast(field.type) for field in schema]
                yield pa.table(arrays, schema=schema)


def _read(path: Path) -> pa.Table:
    return pq.read_table(path, use_threads=False, partitioning=None)


def _last_known(labels: pa.Table) -> pa.Table:
    """The label that holds at the end: the last known one of each transaction."""
    ordered = labels.sort_by([("transaction_id", "ascending"), ("known_at", "ascending")])
    identifiers = ordered.column("transaction_id").combine_chunks()
    if len(identifiers) == 0:
        return ordered
    is_last = pc.not_equal(identifiers[1:], identifiers[:-1]).to_pylist()
    return ordered.filter(pa.array([*is_last, True]))


def _looked_up(
    rows: pa.Table, key: str, other: pa.Table, names: Mapping[str, str]
) -> dict[str, Any]:
    """Columns of another table for each row, null where the key is not in it."""
    places = pc.index_in(rows.column(key), value_set=other.column(key).combine_chunks())
    return {name: other.column(column).take(places) for name, column in names.items()}


def _oracle(rows: pa.Table, truth: pa.Table, labels: pa.Table) -> dict[str, Any]:
    found = _looked_up(
        rows, "transaction_id", truth, {"is_fraud": "is_fraud", "typology": "typology"}
    )
    known = _looked_up(
        rows,
        "transaction_id",
        labels,
        {"label": "label", "label_source": "source", "label_known_at": "known_at"},
    )
    return {**found, "is_fraud": pc.fill_null(found["is_fraud"], False), **known}

"""Table files: read again, byte by byte and row by row, in bounded memory.

Reads    Parquet files that a receipt names
Writes   nothing
Draws    nothing
Sources  nothing

A file is decoded only where its bytes are the sealed ones: what else stands there may be anything.
Tables beside the transactions are small and read whole, as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.audit.differences import Difference, OnRows, unequal, unequal_members
from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.digests import Domain, LogicalDigest
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import Table
from fauxpay.delivery.files import file_sha256
from fauxpay.errors import ContractError
from fauxpay.storage.places import Place, local_copy

ROWS_AT_ONCE = 65_536
Inspect = Callable[[Any], list[Finding]]
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sealed:
    """What every file of a run is held against.

    paths    path by the digest of each file of the run, to recognise bytes in the wrong place
    pyarrow  version that the receipt says wrote the files
    """

    root: Place
    paths: Mapping[str, str]
    pyarrow: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rows of one file are held to.

    domains   values of the dictionary columns that the contract does not list, by column
    members   known keys by reference; None leaves the checks against that table out
    metadata  what the file must say of itself
    inspect   further checks of each batch
    finish    further checks after the last one
    """

    contract: Table
    domains: Mapping[str, Domain]
    members: Mapping[str, Members | None]
    metadata: Mapping[str, str]
    inspect: Inspect = lambda batch: []
    finish: Callable[[], list[Finding]] = list


def bytes_differences(sealed: Sealed, entry: Entry) -> list[Difference]:
    """Size and SHA-256 of a file against its entry."""
    path = sealed.root / entry["path"]
    try:
        size = path.stat().st_size
        digest = file_sha256(path)
    except OSError as error:
        return [Difference("file", str(path), "a file", error.strerror or str(error))]
    if digest == entry["file_sha256"] and size == entry["bytes"]:
        return []
    found = unequal("bytes", path, entry["bytes"], size)
    other = None if digest == entry["file_sha256"] else sealed.paths.get(digest)
    told = digest if other is None else f"{digest}, which is the sealed file {other}"
    return found + unequal("file SHA-256", path, entry["file_sha256"], told)


def rows_differences(
    sealed: Sealed, entry: Entry, rules: Rules, on_rows: OnRows
) -> list[Difference]:
    """What a file with the right bytes holds: schema, metadata, rows, contract, logical digest."""
    path = sealed.root / entry["path"]
    digest = LogicalDigest(rules.contract, rules.domains)
    findings: list[Finding] = []
    rows = 0
    try:
        with pq.ParquetFile(local_copy(path)) as file:
            found = _footer_differences(path, file, rules, sealed)
            for batch in _batches(file, rules.contract):
                rows += batch.num_rows
                on_rows(batch.num_rows)
                own = check_batch(rules.contract, batch, rules.members)
                is_shaped = not any(finding.check == "schema" for finding in own)
                findings += [*own, *rules.inspect(batch)] if is_shaped else own
                if not is_shaped:
                    return found + _as_differences(path, findings)
                digest.update(batch)
    except (pa.ArrowException, OSError, ContractError, ValueError) as error:
        text = str(error).strip().partition("\n")[0]
        return [Difference("readable", str(path), f"the table {rules.contract.name}", text)]
    found += unequal("rows", path, entry["rows"], rows)
    found += unequal("logical digest", path, entry["logical_digest"], digest.hexdigest())
    return found + _as_differences(path, [*findings, *rules.finish()])


def _batches(file: pq.ParquetFile, contract: Table) -> Any:
    """Transactions in pieces, whatever row groups there are; other tables as one."""
    if contract.name == "transactions":
        yield from file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False)
    else:
        table = file.read(use_threads=False).combine_chunks()
        yield table.replace_schema_metadata(None)


def _footer_differences(
    path: Place, file: pq.ParquetFile, rules: Rules, sealed: Sealed
) -> list[Difference]:
    raw = file.schema_arrow.metadata or {}
    told = {key.decode(): value.decode(errors="replace") for key, value in raw.items()}
    wanted = {**rules.metadata, "fauxpay.contract": rules.contract.ref}
    found = unequal_members("metadata", path, wanted, told, wanted)
    writer = str(file.metadata.created_by)
    if f"version {sealed.pyarrow}" not in writer:
        found.append(
            Difference(
                "written by",
                str(path),
                f"pyarrow {sealed.pyarrow}, as the receipt says",
                writer,
                "an earlier run may have made this partition with another version",
                is_error=False,
            )
        )
    return found


def _as_differences(path: Place, findings: list[Finding]) -> list[Difference]:
    """One difference for each check and column that failed, with its first offender."""
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        first.setdefault((finding.check, finding.column), finding)
    return [
        Difference(f"check {check} {column}".rstrip(), str(path), finding.expected, str(finding))
        for (check, column), finding in first.items()
    ]

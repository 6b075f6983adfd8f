"""Explanations: why other bytes came out under a name that is taken.

Reads    the standing file, the new one, what world.json and receipts say of the name
Writes   nothing
Draws    nothing
Sources  nothing

A world's id covers its inputs, so two files of one name were made from the same ones. What is left
is damage, other versions of packages, or code whose results changed without a new MODEL_VERSION;
or a world.json that was edited, whose inputs are compared with this installation's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from fauxpay.errors import FauxpayError
from fauxpay.receipts import layout
from fauxpay.receipts.identity import MODEL_VERSION
from fauxpay.receipts.inputs import differing_inputs, differing_packages
from fauxpay.receipts.store import read_receipt
from fauxpay.storage.places import Place, local_copy

LINES_MAX = 12
_ROWS_AT_ONCE = 65_536


def conflict_lines(root: Place, name: str, new: Place) -> list[str]:
    """What differs between the file that stands under a name and the one that was kept aside.

    name  below the root, of the standing file; new  where the new bytes are kept
    Never raises: an explanation that fails is no reason to hide the conflict itself.
    """
    lines: list[str] = []
    try:
        for line in islice(_lines(root, name, new), LINES_MAX):
            lines.append(line)
    except Exception as error:  # The conflict is what the user must see.
        lines.append(f"nothing more could be found out ({type(error).__name__}: {error})")
    return lines


def _lines(root: Place, name: str, new: Place) -> Iterator[str]:
    standing = root / name
    sealed, old, made = _sealed_digest(root, name), _sha256(standing), _sha256(new)
    if sealed is None:
        yield "no receipt, sidecar or world.json seals this name, so neither is known to be right"
    elif old == sealed:
        yield f"the standing bytes are those that were sealed ({sealed[:12]}...)"
    else:
        which = "the new bytes are" if made == sealed else "the new bytes are not, either"
        yield f"damage: the standing bytes are not the sealed ones ({sealed[:12]}...); {which}"
    if made != sealed:  # Who made the sealed bytes again differs in nothing that counts.
        yield from _made_with(root, name)
    if sealed in (None, old):  # What is damaged is not decoded.
        if name.endswith(".parquet"):
            yield from _tables(standing, new)
        elif name.endswith(".json"):
            yield from _documents(standing, new)


def _made_with(root: Place, name: str) -> Iterator[str]:
    """Inputs and packages of the standing file that are others here."""
    world = _world_of(root, name)
    differing = [] if world is None else differing_inputs(world)
    yield from (f"input {difference}" for difference in differing)
    packages: dict[str, str] = {}
    for receipt in _receipts_of(root, name):
        packages |= {one.name: str(one) for one in differing_packages(receipt)}
    yield from (f"package {text}" for text in packages.values())
    if world is not None and not differing and not packages:
        yield (
            f"MODEL_VERSION {MODEL_VERSION}, parameters, reference, contracts and package versions "
            f"are the sealed ones: the code itself may have changed without a new MODEL_VERSION"
        )


def _sealed_digest(root: Place, name: str) -> str | None:
    """What a receipt, sidecar or world.json says of the name; None where nothing names it."""
    tables = [entry for one in _receipts_of(root, name) for entry in _entries(one)]
    for document in (_world_of(root, name), _json(root / _sidecar_of(name))):
        tables += [] if document is None else document["tables"]
    return next((entry["file_sha256"] for entry in tables if entry["path"] == name), None)


def _sidecar_of(name: str) -> str:
    """The sidecar of worlds/<id>/seed=<n>/<table>/<key>/part-0000.parquet."""
    *folders, _, key, file = name.split("/") if name.count("/") >= 3 else ("", "", "", "")
    return "/".join((*folders, "partitions", key, file.replace(".parquet", ".json")))


def _receipts_of(root: Place, name: str) -> Iterator[Mapping[str, Any]]:
    """Receipts whose digest is their own and that name a file."""
    receipts: list[Place] = sorted(root.glob(f"{layout.RUNS}/utc_day=*/*/{layout.RECEIPT}"))
    for path in receipts:
        try:
            receipt = read_receipt(path.parent)
        except FauxpayError:
            continue
        if any(entry["path"] == name for entry in _entries(receipt)):
            yield receipt


def _entries(receipt: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from receipt["catalog"]
    for partition in receipt["partitions"]:
        yield from partition["tables"]


def _world_of(root: Place, name: str) -> Mapping[str, Any] | None:
    parts = name.split("/")
    if len(parts) < 3 or parts[0] != "worlds":
        return None
    return _json(root / layout.world_name(parts[1], "world.json"))


def _json(path: Place) -> Mapping[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _sha256(path: Place) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tables(standing: Place, new: Place) -> Iterator[str]:
    """Rows, writer, and the first value that differs between two Parquet files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        old_file, new_file = (
            pq.ParquetFile(local_copy(standing)),
            pq.ParquetFile(local_copy(new)),
        )
    except (pa.ArrowException, OSError) as error:
        yield f"the standing file cannot be read as Parquet: {str(error).partition(chr(10))[0]}"
        return
    with old_file, new_file:
        old, made = old_file.metadata, new_file.metadata
        if old.created_by != made.created_by:
            yield f"written by {old.created_by}, now {made.created_by}"
        if old.num_rows != made.num_rows:
            yield f"rows: {old.num_rows} stand there, {made.num_rows} were made"
        yield _first_difference(old_file, new_file)


def _first_difference(old_file: Any, new_file: Any) -> str:
    """The first row and column whose values differ, or that all values are the same."""
    if old_file.schema_arrow.names != new_file.schema_arrow.names:
        return f"columns: {old_file.schema_arrow.names} stand there"
    before = 0
    for old, new in _side_by_side(old_file, new_file):
        for name in old.schema.names:
            first, second = old.column(name).to_pylist(), new.column(name).to_pylist()
            pairs = enumerate(zip(first, second, strict=True))
            row = next((at for at, (one, other) in pairs if one != other), None)
            if row is not None:
                return (
                    f"values: first in column {name}, row {before + row}: {first[row]} stands "
                    f"there, {second[row]} was made"
                )
        before += old.num_rows
    if old_file.metadata.num_rows != new_file.metadata.num_rows:
        return f"values: the same in the first {before} rows, which are all that both have"
    return "values: all are the same, so they are encoded in another way"


def _side_by_side(*files: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of batches of the same rows, as far as both files go, whatever row groups they have."""
    coming = [file.iter_batches(_ROWS_AT_ONCE, use_threads=False) for file in files]
    held: list[Any] = [next(batches, None) for batches in coming]
    while held[0] is not None and held[1] is not None:
        rows = min(batch.num_rows for batch in held)
        yield held[0].slice(0, rows), held[1].slice(0, rows)
        held = [
            batch.slice(rows) if rows < batch.num_rows else next(batches, None)
            for batch, batches in zip(held, coming, strict=True)
        ]


def _documents(standing: Place, new: Place) -> Iterator[str]:
    """Members of two documents that are not equal."""
    try:
        old, made = json.loads(standing.read_bytes()), json.loads(new.read_bytes())
    except (ValueError, RecursionError):
        yield "the standing document is no JSON"
        return
    for pointer, first, second in _unequal(old, made, ""):
        yield f"{pointer or '/'}: {_short(first)} stands there, {_short(second)} was made"


def _unequal(old: object, new: object, pointer: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _unequal(old.get(key), new.get(key), f"{pointer}/{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from _unequal(first, second, f"{pointer}/{index}")
    elif old != new:
        yield pointer, old, new


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:80]}..."

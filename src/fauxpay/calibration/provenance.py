"""Provenance: the digests of the files that a table was read from.

Reads    files
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import hashlib
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fauxpay.scorecard.card_table import CardTable

_CHUNK = 1 << 20


def digests_of(table: CardTable) -> dict[str, str]:
    """{what: SHA-256}: of a run its receipt's digest, else one digest over all files in order."""
    if table.run is not None:
        return {f"receipt of run {table.run.run_id}": str(table.run.receipt["receipt_digest"])}
    path = Path(table.subject)
    names = [str(path)] if path.exists() else sorted(glob(table.subject, recursive=True))
    files = [Path(name) for name in names]
    found = [one for one in files if one.is_file()]
    for folder in (one for one in files if one.is_dir()):
        found += sorted(one for one in folder.rglob("*") if one.is_file())
    digest = hashlib.sha256()
    for file in found:
        digest.update(_file_digest(file))
    return {f"{len(found)} files" if len(found) != 1 else "1 file": digest.hexdigest()}


def _file_digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()

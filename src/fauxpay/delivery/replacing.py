"""Replacing: files that are no part of a run and may take the place of an earlier one.

Reads    nothing
Writes   a file, as a whole or not at all
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from fauxpay.delivery.files import storage_errors
from fauxpay.delivery.sinks import LocalSink


def replaced(root: Path | None, target: Path, data: bytes) -> Path:
    """Whole under its name, in place of an earlier file; returns it.

    root  of the runs: staged below it, where `fauxpay gc` finds what a killed process leaves;
          None for a place of the user's own
    Raises StorageError where it cannot be written.
    """
    if root is None:
        staged_path = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with storage_errors(target, "write"):
                staged_path.write_bytes(data)
                os.replace(staged_path, target)
        finally:
            with suppress(OSError):
                staged_path.unlink(missing_ok=True)
        return target
    staged = LocalSink(root).stage(target.relative_to(root).as_posix())
    try:
        staged.write(data)
        staged.seal()
        with storage_errors(target, "write"):
            os.replace(staged.path, target)
    finally:
        staged.discard()
    return target

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
from uuid import uuid4

from fauxpay.delivery.files import storage_errors, sync_file, sync_folder
from fauxpay.delivery.sinks import sink_of
from fauxpay.errors import StorageError
from fauxpay.storage.places import Place, name_below


def replaceable(name: Path) -> Path:
    """The file that a name of the user's own stands for, there already or not, links followed.

    Raises StorageError for what no file may take the place of: a rename would put one where a
    device or pipe was, such as /dev/stdout.
    """
    with storage_errors(name, "write"):
        target = Path(os.path.realpath(name.absolute()))
        is_other = target.exists() and not target.is_file()
    folder = Path(os.path.realpath(name.absolute().parent))
    if is_other or folder == Path("/dev") or folder.is_relative_to("/proc"):
        raise StorageError(
            f"{name}: is a folder, device or pipe; expected a file, or a name for one, for it "
            f"is put there as a whole. Name another."
        )
    return target


def replaced(target: Path, data: bytes) -> Path:
    """Whole under a name of the user's own, in place of an earlier file; returns it, durable.

    target  as `replaceable` found it
    Raises StorageError where it cannot be written.
    """
    staged_path = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        with storage_errors(target, "write"):
            staged_path.write_bytes(data)
            sync_file(staged_path)
            os.replace(staged_path, target)
            sync_folder(target.parent)
    finally:
        with suppress(OSError):
            staged_path.unlink(missing_ok=True)
    return target


def replaced_below(root: Place, target: Place, data: bytes) -> Place:
    """The same below a root of runs: staged there, where `fauxpay gc` finds what is left."""
    folder, _, name = name_below(target, root).rpartition("/")
    return sink_of(root).keep(name, data, folder)

"""New files: what is written for a user gets its name whole, or leaves nothing behind.

Reads    nothing
Writes   a file or a folder beside its name, then under it
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from uuid import uuid4

from fauxpay.delivery.files import NO_LINKS, sync_file, sync_folder
from fauxpay.errors import ConflictError, StorageError


@contextmanager
def new_file(name: str | PathLike[str]) -> Iterator[Path]:
    """Where to write a file that gets its name when the block ends, never over another one.

    Bytes and name are durable then.
    Raises ConflictError where the name is taken, StorageError where it cannot be written.
    """
    path = Path(name)
    if os.path.lexists(path):
        raise ConflictError(f"{path}: exists already; expected a new file. Choose another name.")
    staged = _beside(path)
    try:
        yield staged
        sync_file(staged)
        _give_name(staged, path)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise ConflictError(f"{path}: was made by another meanwhile; nothing changed") from error
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write: {_said(error)}. Give the name of a new file in a folder that "
            f"exists, with room for all rows."
        ) from error
    finally:
        # What stands in the way of removing it stood in the way of making it, and is told.
        with suppress(OSError):
            staged.unlink(missing_ok=True)


@contextmanager
def new_folder(name: str | PathLike[str]) -> Iterator[Path]:
    """A folder to write into that gets its name when the block ends; those above it are made.

    Raises StorageError where the name is taken, or cannot be written below.
    """
    path = Path(name)
    staged = _beside(path)
    try:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "")
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.mkdir()
        yield staged
        for file in staged.iterdir():
            sync_file(file)
        sync_folder(staged)
        os.rename(staged, path)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(f"{path}: {_said(error)}; expected a place for a new folder") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _said(error: OSError) -> str:
    """In the system's words; Arrow's hold the name of the staged file."""
    return os.strerror(error.errno) if error.errno else str(error)


def _beside(path: Path) -> Path:
    return path.parent / f".{path.name}.{uuid4().hex}.part"


def _give_name(staged: Path, path: Path) -> None:
    """Raises FileExistsError where another took the name meanwhile."""
    try:
        os.link(staged, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        # No links there (exFAT, some network drives): an empty file takes the name first.
        path.open("xb").close()
        os.replace(staged, path)

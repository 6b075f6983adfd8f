"""Files: names that stay inside a root, links that never replace, errors that say what to do."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fauxpay.errors import StorageError
from fauxpay.foundations.machine import remedy
from fauxpay.storage.places import Place

_PART = re.compile(r"[A-Za-z0-9_=\-][A-Za-z0-9_=.\-]*")
_NAME_LENGTH_MAX = 512
_COPY_BYTES = 1 << 20
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def check_name(name: str) -> str:
    """The name itself, where it is relative and stays inside. Raises StorageError."""
    parts = name.split("/")
    if len(name) > _NAME_LENGTH_MAX or not all(_PART.fullmatch(part) for part in parts):
        raise StorageError(
            f"name {name[:80]!r}: not a name for a file; expected relative parts of letters, "
            f"digits and _ = . - that do not begin with a dot, at most {_NAME_LENGTH_MAX} long"
        )
    return name


@contextmanager
def storage_errors(path: Place, action: str, about: str = "") -> Iterator[None]:
    """Turns what the system says of a file into a StorageError with a remedy.

    about  the public name of a file that has none yet
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path}: cannot {action}: {error.strerror or error}. {remedy(error)}"
        ).located(about or str(path)) from error


def link(source: Path, target: Path, locks: Path) -> None:
    """Gives the file its name, or raises FileExistsError; never replaces anything.

    locks  a folder of the same file system for a lock, where there are no links
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _rename_exclusively(source, target, locks)
    else:
        source.unlink()


def _rename_exclusively(source: Path, target: Path, locks: Path) -> None:
    """For file systems without links: a lock that a killed process lets go, then a rename."""
    if os.name == "nt":
        os.rename(source, target)  # Fails there where the name exists.
        return
    import fcntl

    with (locks / "publish.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        os.rename(source, target)


def file_sha256(path: Place) -> str:
    """SHA-256 of a file, 64 hex digits, in bounded memory. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_COPY_BYTES):
            digest.update(block)
    return digest.hexdigest()


def make_folder(folder: Path) -> None:
    """Makes a folder and those above that are missing, their names durable. Raises OSError."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def sync_file(file: Path) -> None:
    """Makes the bytes of a finished file durable. Raises OSError."""
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable. Raises OSError."""
    if os.name == "nt":
        return  # Folders cannot be opened there; the rename itself is durable.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems sync no folders; a name is theirs to keep, and made at once.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)

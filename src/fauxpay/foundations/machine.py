"""Machine: what the operating system refuses, as an error that says what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from fauxpay.errors import ContractError, FauxpayError, ResourceError, StorageError

RESUMES = "the same command resumes"
AGAIN = "then give the same command again"
OUT_OF_MEMORY = (
    f"expected enough of it. Where a run is made, fewer --workers, a smaller run.chunk_rows or "
    f"output.cards_per_shard need less, and {RESUMES}."
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_HANDLES = (errno.EMFILE, errno.ENFILE)
_NO_RESOURCES = (errno.ENOMEM, errno.EAGAIN)
_BAD_PLACE = (errno.ENAMETOOLONG, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE)
# Said of a file by name. Without one it is no word of the file system, or a fault of ours.
_GONE = (errno.ENOENT, errno.ENOTDIR)
_NOT_AS_NAMED = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EEXIST)


def refused(error: BaseException, about: object = "") -> FauxpayError | None:
    """What the machine's refusal is called; None for anything that is not one.

    about  what was read or written, for an error that names no file, as Arrow's do
    """
    if isinstance(error, MemoryError):
        return ResourceError(f"out of memory ({error or type(error).__name__}); {OUT_OF_MEMORY}")
    if not isinstance(error, OSError):
        return None
    what = f"{error.filename or about or 'the system'}: {error.strerror or error}"
    if error.errno in _NO_RESOURCES:
        return ResourceError(f"{what}; {OUT_OF_MEMORY}")
    if error.errno in (*_NO_ROOM, *_NOT_ALLOWED, *_NO_HANDLES, *_BAD_PLACE):
        return StorageError(f"{what}. {remedy(error)}")
    if error.errno in _NOT_AS_NAMED and (error.filename or about):
        return StorageError(f"{what}. {remedy(error)}")
    return _without_working_folder() if error.errno == errno.ENOENT else None


def refusal_in(text: str) -> OSError | None:
    """The system's refusal whose words end a message of others that kept no number of it."""
    for number in (*_NO_ROOM, *_NOT_ALLOWED, *_NO_HANDLES, *_NO_RESOURCES, *_BAD_PLACE, *_GONE):
        words = os.strerror(number)
        if text.rstrip(" .").endswith(f": {words}"):
            return OSError(number, words)
    return None


def remedy(error: OSError) -> str:
    """What to do about a file that could not be written or read, whatever it was wanted for."""
    if error.errno in _NO_ROOM:
        return f"Make room there or use another place, {AGAIN}."
    if error.errno in _NOT_ALLOWED:
        return f"Allow writing or reading there, or use another place, {AGAIN}."
    if error.errno in _NO_HANDLES:
        return f"Raise the limit of open files (ulimit -n), {AGAIN}."
    if error.errno == errno.ENAMETOOLONG:
        return f"Use a place with a shorter name, {AGAIN}."
    if error.errno in _NOT_AS_NAMED:
        return f"Look at what stands under the name, or use another, {AGAIN}."
    return f"Look at the disk and the place, {AGAIN}."


def require_working_folder() -> None:
    """Raises StorageError where the folder in which the process works was removed."""
    gone = _without_working_folder()
    if gone is not None:
        raise gone


def _without_working_folder() -> StorageError | None:
    try:
        Path.cwd()
    except FileNotFoundError:
        return StorageError(
            f"the working folder is gone; cd elsewhere, {AGAIN}. Names that are not absolute "
            f"began there."
        )
    return None


def require_inside(folder: Path, file: Path) -> None:
    """Raises ContractError where a file that users bring is a link to something elsewhere."""
    resolved = file.resolve()
    if not resolved.is_relative_to(folder.resolve()):
        raise ContractError(
            f"{file}: leads out of {folder}, to {resolved}; expected a file of the folder itself. "
            f"Copy it there."
        )

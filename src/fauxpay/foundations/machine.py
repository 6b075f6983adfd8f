"""Machine: what the operating system refuses, as an error that says what to do about it."""

from __future__ import annotations

import errno
from pathlib import Path

from fauxpay.errors import ContractError, FauxpayError, ResourceError, StorageError

RESUMES = "the same command resumes"
OUT_OF_MEMORY = (
    f"expected enough of it. Fewer --workers, a smaller run.chunk_rows or output.cards_per_shard "
    f"need less; {RESUMES}."
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_HANDLES = (errno.EMFILE, errno.ENFILE)
_NO_RESOURCES = (errno.ENOMEM, errno.EAGAIN)
_BAD_PLACE = (errno.ENAMETOOLONG, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE)


def refused(error: BaseException) -> FauxpayError | None:
    """What the machine's refusal is called; None for anything that is not one."""
    if isinstance(error, MemoryError):
        return ResourceError(f"out of memory ({error or type(error).__name__}); {OUT_OF_MEMORY}")
    if not isinstance(error, OSError):
        return None
    what = f"{error.filename or 'the system'}: {error.strerror or error}"
    if error.errno in _NO_RESOURCES:
        return ResourceError(f"{what}; {OUT_OF_MEMORY}")
    if error.errno in (*_NO_ROOM, *_NOT_ALLOWED, *_NO_HANDLES, *_BAD_PLACE):
        return StorageError(f"{what}. {remedy(error)}")
    return None


def remedy(error: OSError) -> str:
    """What to do about a file that could not be written or read."""
    if error.errno in _NO_ROOM:
        return f"Make room or choose another folder with --out; {RESUMES}."
    if error.errno in _NOT_ALLOWED:
        return "Allow writing there or choose another folder with --out."
    if error.errno in _NO_HANDLES:
        return f"Raise the limit of open files (ulimit -n); {RESUMES}."
    if error.errno == errno.ENAMETOOLONG:
        return "Choose a folder with a shorter name with --out."
    return f"Look at the disk and the folder; {RESUMES}."


def require_inside(folder: Path, file: Path) -> None:
    """Raises ContractError where a file that users bring is a link to something elsewhere."""
    resolved = file.resolve()
    if not resolved.is_relative_to(folder.resolve()):
        raise ContractError(
            f"{file}: leads out of {folder}, to {resolved}; expected a file of the folder itself. "
            f"Copy it there."
        )

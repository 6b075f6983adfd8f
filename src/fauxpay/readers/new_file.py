"""New files: what a reader writes under a name of the user's own, as a whole or not at all.

Reads    nothing
Writes   a file where there was none
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from fauxpay.delivery.files import link_once
from fauxpay.errors import ConflictError, StorageError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Where to write what is to be called `path`; it gets the name when all is written.

    Raises ConflictError where there is such a file, before or by then, StorageError where none can
    be written.
    """
    if path.exists():
        raise ConflictError(f"{path}: exists already; expected a new file. Choose another name.")
    staged = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield staged
        link_once(staged, path)
    except FileExistsError as error:
        raise ConflictError(f"{path}: was made by another meanwhile; nothing changed") from error
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write: {error.strerror or error}. Give the name of a new file in a "
            f"folder that exists, with room for all rows."
        ) from error
    finally:
        # What stands in the way of removing it stood in the way of making it, and is told.
        with suppress(OSError):
            staged.unlink(missing_ok=True)

"""Places: a root by its name, in a folder or an object store, and copies for what wants files.

Reads    objects that are asked for as files
Writes   copies of them in a folder of the system's own, which goes with the process
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from fauxpay.errors import ConfigError, StorageError
from fauxpay.foundations.machine import remedy, require_working_folder
from fauxpay.storage.clients import PATIENCE_SECONDS
from fauxpay.storage.objects import ObjectPath, object_path

Place = Path | ObjectPath
"""What runs stand below: a folder, or a prefix of an object store."""

REQUESTS_AT_ONCE = 8
# So many files are asked for by a listing rather than one by one.
LISTED_FROM = 8
_COPY_BYTES = 1 << 22


def place_of(
    name: str | os.PathLike[str] | ObjectPath, patience: float = PATIENCE_SECONDS
) -> Place:
    """The place of a name: an address with a scheme, or a folder, made absolute.

    patience  seconds that a request to a store is tried again
    Raises ConfigError for an address or name that no root can have, StorageError where the folder
    that a name begins in was removed.
    """
    if isinstance(name, ObjectPath):
        return name
    text = os.fspath(name)
    if text.startswith("file://"):
        return _absolute(Path(_path_of(text)))
    return object_path(text, patience) if "://" in text else _absolute(Path(text))


def existing(root: Place) -> Place:
    """The root itself. Raises StorageError where there is no such folder.

    A prefix of a bucket is there as soon as something is put below it.
    """
    if isinstance(root, Path) and not root.is_dir():
        raise StorageError(
            f"{root}: no such folder; expected what `fauxpay generate --out` was given"
        )
    return root


def is_memory(place: Place) -> bool:
    """Whether no other process sees it."""
    return isinstance(place, ObjectPath) and place.bucket.startswith("memory://")


def folder_of(place: Place, why: str) -> Path:
    """The place where it is a folder. Raises ConfigError in an object store.

    why  what is wanted in place of it
    """
    if isinstance(place, Path):
        return place
    raise ConfigError(f"{place}: expected a local folder, not an object store; {why}")


def name_below(path: Place, root: Place) -> str:
    """The name of a file as seen from its root, with "/" between parts."""
    assert path.is_relative_to(root), f"{path} is not below {root}"  # type: ignore[arg-type]
    return path.relative_to(root).as_posix()  # type: ignore[arg-type]


def have_sizes(root: Place, wanted: Iterable[tuple[str, int]]) -> bool:
    """Whether files stand below a root, (name, bytes) each; a store is asked once for many."""
    if isinstance(root, Path):
        return all(has_size(root / name, size) for name, size in wanted)
    names = dict(wanted)
    if len(names) < LISTED_FROM:
        return all(has_size(root / name, size) for name, size in names.items())
    standing: dict[str, int] = {}
    for folder in {_folder(name) for name in names}:
        standing |= {f"{folder}/{name}": size for name, size in (root / folder).sizes().items()}
    return all(standing.get(name) == size for name, size in names.items())


def has_size(path: Place, size: int) -> bool:
    """Whether a file is there with as many bytes."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def local_copy(path: Place) -> Path:
    """A file of the machine with the same bytes: itself, or a copy that goes with the process."""
    return local_copies([path])[0]


def local_copies(paths: Sequence[Place]) -> list[Path]:
    """See `local_copy`; objects are fetched several at a time, each once.

    Raises FileNotFoundError, StorageError.
    """
    wanted = list(dict.fromkeys(path for path in paths if isinstance(path, ObjectPath)))
    fetched: dict[Place, Path] = {}
    if wanted:
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            fetched.update(zip(wanted, pool.map(_fetched, wanted), strict=True))
    return [path if isinstance(path, Path) else fetched[path] for path in paths]


def _fetched(path: ObjectPath) -> Path:
    """Below a folder for bucket and version, under its own name."""
    version = f"{path.bucket} {path.stat().version}"
    folder = _copies() / hashlib.sha256(version.encode()).hexdigest()[:16]
    copy = folder / path.key
    if copy.exists():
        return copy
    # Threads may ask for one object at the same time: each brings a copy of its own.
    part = copy.with_name(f"{copy.name}.{uuid4().hex}.part")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with path.open() as source, part.open("wb") as target:
            shutil.copyfileobj(source, target, _COPY_BYTES)
        part.replace(copy)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be copied to {part.parent}: {error.strerror or error}. {remedy(error)}"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return copy


@cache
def _copies() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fauxpay-copies-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _path_of(address: str) -> str:
    """The path of file:///path. Raises ConfigError where a part of it would be lost."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    is_whole = parts.netloc in ("", "localhost") and not parts.query and not parts.fragment
    if not is_whole or not path or "\0" in path:
        raise ConfigError(
            f"{address}: expected file:///path with three slashes, and %3F and %23 for ? and #; "
            f"or the path alone"
        )
    return path


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        require_working_folder()
    absolute = path.absolute()
    _require_one_encoding(str(absolute))
    try:
        str(absolute).encode()
    except UnicodeEncodeError:
        # Receipts, engines and libraries know names as text.
        raise ConfigError(
            f"{str(absolute)!r}: not a name in UTF-8; expected one that can be written down. "
            f"Rename the folder, or use another."
        ) from None
    return absolute


def _require_one_encoding(name: str) -> None:
    """Arrow and DuckDB take every name for UTF-8: elsewhere they would look past Python's files."""
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8" and not name.isascii():
        raise ConfigError(
            f"{name!r}: has letters beyond ASCII, which Python takes for {encoding} here and the "
            f"libraries that read files for UTF-8; expected one encoding. Set PYTHONUTF8=1, or "
            f"LC_ALL to a locale of UTF-8."
        )


def _folder(name: str) -> str:
    """The first three parts of a name: a world's seed or catalog."""
    return "/".join(name.split("/")[:3])

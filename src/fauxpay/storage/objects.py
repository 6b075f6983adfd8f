"""Objects: files of an object store, with the few words of a path that readers and writers use.

Reads    objects
Writes   nothing but removals
Draws    nothing
Sources  nothing

An `ObjectPath` answers as `pathlib.Path` does, so that what reads a root reads a bucket, too. It
is no `os.PathLike`: what wants a file of the machine gets a copy from `storage.places`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from fauxpay.errors import ConfigError
from fauxpay.foundations.addresses import masked
from fauxpay.storage.clients import PATIENCE_SECONDS, client, library, store_errors

SCHEMES = ("s3", "gs", "az", "memory")
_PART = re.compile(r"[A-Za-z0-9_=\-][A-Za-z0-9_=.\-]*")
EXPECTED = (
    f"expected {', '.join(f'{scheme}://' for scheme in SCHEMES)} with a bucket and, for a prefix, "
    "parts of letters, digits and _ = . - that do not begin with a dot; credentials never stand in "
    "an address"
)


@dataclass(frozen=True, slots=True)
class Stat:
    """Of an object: bytes, seconds since 1970 when it was last put, and what names its version."""

    st_size: int
    st_mtime: float
    version: str


@dataclass(frozen=True, slots=True, order=True)
class ObjectPath:
    """A name in a bucket: of an object, or of what lies below it.

    bucket            such as s3://lake
    key               parts joined by "/", "" for the bucket itself
    patience_seconds  how long a request is tried again
    """

    bucket: str
    key: str = ""
    patience_seconds: float = field(default=PATIENCE_SECONDS, compare=False)

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    def __truediv__(self, name: str) -> ObjectPath:
        return replace(self, key=f"{self.key}/{name}".strip("/"))

    @property
    def store(self) -> Any:
        """The client of the bucket."""
        return client(self.bucket, self.patience_seconds)

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """From the last dot of the name on."""
        return f".{self.name.rpartition('.')[2]}" if "." in self.name else ""

    @property
    def parent(self) -> ObjectPath:
        """What it lies below."""
        return replace(self, key=self.key.rpartition("/")[0])

    @property
    def parents(self) -> tuple[ObjectPath, ...]:
        """All that it lies below, the nearest first."""
        above = self.parent
        return (above, *above.parents) if self.key else ()

    def absolute(self) -> ObjectPath:
        """It always is."""
        return self

    def as_posix(self) -> str:
        """The whole address."""
        return str(self)

    def is_relative_to(self, other: object) -> bool:
        """Whether it is another one, or lies below it."""
        return isinstance(other, ObjectPath) and (self == other or other in self.parents)

    def relative_to(self, other: object) -> PurePosixPath:
        """The key as seen from above."""
        assert isinstance(other, ObjectPath), other
        assert self.is_relative_to(other), f"{self} is not below {other}"
        return PurePosixPath(self.key[len(other.key) :].strip("/"))

    def read_bytes(self) -> bytes:
        """All bytes. Raises FileNotFoundError, StorageError."""
        with store_errors(str(self), "read"):
            return bytes(self.store.get(self.key).bytes())

    def read_text(self, encoding: str = "utf-8") -> str:
        """All text."""
        return self.read_bytes().decode(encoding)

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """A file to read from, by ranges of a MiB."""
        assert mode == "rb", mode
        return io.BufferedReader(_Ranges(self), buffer_size=1 << 20)

    def stat(self) -> Stat:
        """Size and time. Raises FileNotFoundError, StorageError."""
        with store_errors(str(self), "read"):
            found = self.store.head(self.key)
        version = f"{found['e_tag']}{found['version'] or ''}"
        return Stat(found["size"], found["last_modified"].timestamp(), version)

    def is_file(self) -> bool:
        """Whether there is an object of the name."""
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """Whether something lies below the name."""
        with store_errors(str(self), "list"):
            return any(self.store.list(self._below, chunk_size=1))

    def exists(self) -> bool:
        """Whether there is an object of the name, or something below it."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator[ObjectPath]:
        """Objects and prefixes directly below, in order."""
        with store_errors(str(self), "list"):
            found = self.store.list_with_delimiter(self._below)
        keys = [one["path"] for one in found["objects"]] + list(found["common_prefixes"])
        yield from (replace(self, key=key) for key in sorted(keys))

    def sizes(self) -> dict[str, int]:
        """Bytes of every object below, by the name as seen from here."""
        with store_errors(str(self), "list"):
            first = len(self.key) + 1 if self.key else 0
            return {
                one["path"][first:]: one["size"]
                for many in self.store.list(self._below)
                for one in many
            }

    def rglob(self, pattern: str) -> Iterator[ObjectPath]:
        """All objects below whose name fits."""
        yield from (
            self / name
            for name in sorted(self.sizes())
            if fnmatchcase(name.rpartition("/")[2], pattern)
        )

    def glob(self, pattern: str) -> Iterator[ObjectPath]:
        """What fits below: `*` and `?` within a part, `**` for any parts."""
        first, _, rest = pattern.partition("/")
        if first == "**":
            assert "/" not in rest, pattern
            yield from self.rglob(rest)
        elif not rest:
            yield from self._children(first)
        else:
            for child in self._children(first) if _is_pattern(first) else [self / first]:
                yield from child.glob(rest)

    def put(self, data: bytes) -> None:
        """Puts an object there, in place of an earlier one."""
        with store_errors(str(self), "write"):
            self.store.put(self.key, data, use_multipart=False)

    def unlink(self, missing_ok: bool = False) -> None:
        """Removes the object."""
        if not missing_ok:
            self.stat()
        with store_errors(str(self), "remove"):
            self.store.delete(self.key)

    @property
    def _below(self) -> str | None:
        return f"{self.key}/" if self.key else None

    def _children(self, pattern: str) -> Iterator[ObjectPath]:
        if _is_pattern(pattern):
            yield from (path for path in self.iterdir() if fnmatchcase(path.name, pattern))
        elif (self / pattern).exists():
            yield self / pattern


class _Ranges(io.RawIOBase):
    """An object, read where one looks."""

    def __init__(self, path: ObjectPath) -> None:
        super().__init__()
        self._path = path
        self._at = 0
        self._size = path.stat().st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), self._size - self._at)
        if count <= 0:
            return 0
        with store_errors(str(self._path), "read"):
            got = self._path.store.get_range(self._path.key, start=self._at, length=count)
        view[:count] = memoryview(got)
        self._at += count
        return count


def object_path(address: str, patience_seconds: float = PATIENCE_SECONDS) -> ObjectPath:
    """The place of an address. Raises ConfigError for one that cannot be of a root."""
    if not is_address(address):
        raise ConfigError(f"{masked(address)}: not a place in an object store; {EXPECTED}")
    library()
    parts = urlsplit(address)
    return ObjectPath(f"{parts.scheme}://{parts.netloc}", parts.path.strip("/"), patience_seconds)


def is_address(text: str) -> bool:
    """Whether a text is the address of a place in an object store."""
    parts = urlsplit(text)
    key = parts.path.strip("/")
    return (
        parts.scheme in SCHEMES
        and not (parts.query or parts.fragment)
        and bool(_PART.fullmatch(parts.netloc))  # No user, no password, no port.
        and (not key or all(_PART.fullmatch(part) for part in key.split("/")))
    )


def _is_pattern(part: str) -> bool:
    return any(mark in part for mark in "*?[")

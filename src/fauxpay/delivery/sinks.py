"""Sinks: where finished bytes go. They only write, and never over other bytes.

Order of a publication, so that a power cut leaves no name without its bytes:
1. every staged file is flushed and fsynced,
2. every name is made by a link that fails where the name exists,
3. every folder on the way is fsynced, whoever made it.
Whoever publishes a document that names files (a sidecar, a receipt) does so in a later call, so
that it can only be durable after them.
"""

from __future__ import annotations

import errno
import hashlib
import io
import itertools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Protocol

from fauxpay.errors import ConflictError, ContractError, StorageError

STAGING = ".staging"
CONFLICTS = "conflicts"
_PART = re.compile(r"[A-Za-z0-9_=\-][A-Za-z0-9_=.\-]*")
_NAME_LENGTH_MAX = 512
_COPY_BYTES = 1 << 20
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_counter = itertools.count()


class Outcome(Enum):
    """What publishing did: the bytes are new, or they stood there already."""

    WRITTEN = "written"
    IDENTICAL = "identical"


class Staged(io.RawIOBase):
    """A file that has no public name yet. `sha256` and `size` cover what was written so far."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__()
        self.name = name
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = path.open("xb", buffering=0)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes so far, 64 hex digits."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: object) -> int:  # type: ignore[override]
        """Appends all of the bytes; returns how many. Raises StorageError, as on a full disk."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        with storage_errors(self.path, "write"):
            written = 0
            while written < len(view):
                written += self._file.write(view[written:])
        self._hash.update(view)
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        """Bytes so far."""
        return self.size

    def seal(self) -> None:
        """Makes the bytes durable; the file takes no more."""
        if not self._file.closed:
            with storage_errors(self.path, "write"):
                os.fsync(self._file.fileno())
                self._file.close()

    def discard(self) -> None:
        """Closes and removes the file, where it still has its staged name."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Sink(Protocol):
    """Takes files under names; two methods, so that a bucket can be one too."""

    def stage(self, name: str) -> Staged:
        """A new file for a name. Raises StorageError."""
        ...

    def publish(self, staged: Sequence[Staged]) -> list[Outcome]:
        """Gives staged files their names, all durable on return, never over other bytes.

        Raises ConflictError where other bytes stand (both are kept), StorageError.
        """
        ...


class LocalSink:
    """A folder of the local file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._durable: set[Path] = set()

    def stage(self, name: str) -> Staged:
        """A new file under `<root>/.staging/<pid>-<counter>`; see `Sink.stage`."""
        check_name(name)
        folder = self.root / STAGING
        with storage_errors(folder, "write"):
            while True:
                path = folder / f"{os.getpid()}-{next(_counter)}"
                try:
                    return Staged(name, path)
                except FileNotFoundError:
                    folder.mkdir(parents=True, exist_ok=True)
                except FileExistsError:
                    continue  # Left by a killed process that had our number.

    def publish(self, staged: Sequence[Staged]) -> list[Outcome]:
        """See `Sink.publish`; the module says in which order things become durable."""
        for file in staged:
            file.seal()
        outcomes = []
        folders: dict[Path, None] = {}
        for file in staged:
            target = self.root / check_name(file.name)
            with storage_errors(target, "write"):
                target.parent.mkdir(parents=True, exist_ok=True)
                outcomes.append(self._place(file, target))
            folders |= dict.fromkeys([target.parent, *self._ancestors(target.parent)])
        for folder in folders:
            with storage_errors(folder, "write"):
                _sync_folder(folder)
        return outcomes

    def write(self, name: str, data: bytes) -> Outcome:
        """Stages and publishes a small file; see `Sink.publish`."""
        file = self.stage(name)
        try:
            file.write(data)
            return self.publish([file])[0]
        finally:
            file.discard()

    def mend(self, name: str, data: bytes, read: Callable[[bytes], object]) -> Outcome:
        """Writes a document that can be made again; what stands there torn is moved aside.

        read  raises ContractError for bytes that are not such a document
        """
        try:
            with storage_errors(self.root / name, "read"):
                with suppress(FileNotFoundError):
                    read((self.root / check_name(name)).read_bytes())
        except ContractError:
            self.set_aside(name)
        return self.write(name, data)

    def claim(self, name: str, data: bytes) -> bytes:
        """Publishes a small file where nothing stands yet; returns what stands there then."""
        target = self.root / check_name(name)
        file = self.stage(name)
        try:
            file.write(data)
            file.seal()
            with storage_errors(target, "write"):
                target.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileExistsError):
                    _link(file.path, target, self.root / STAGING)
                _sync_folder(target.parent)
                return target.read_bytes()
        finally:
            file.discard()

    def move(self, staged: Staged, folder: str) -> Path:
        """Keeps a staged file for inspection under `<root>/<folder>/<name>`; returns where."""
        staged.seal()
        target = self.root / check_name(f"{folder}/{staged.name}")
        with storage_errors(target, "write"):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged.path, target)
        return target

    def set_aside(self, name: str) -> Path:
        """Moves a published file that cannot be read to the conflicts; returns where."""
        source = self.root / check_name(name)
        with storage_errors(source, "write"):
            target = self._conflict_path(name, _file_sha256(source))
            os.replace(source, target)
        return target

    def _ancestors(self, folder: Path) -> list[Path]:
        """Folders above that may not be durable yet: the next one, the others once a process."""
        if folder == self.root:
            return []
        above = [path for path in folder.parents if path.is_relative_to(self.root)]
        late = [path for path in above[1:] if path not in self._durable]
        self._durable.update(late)
        return [*above[:1], *late]

    def _place(self, file: Staged, target: Path) -> Outcome:
        try:
            _link(file.path, target, self.root / STAGING)
        except FileExistsError:
            return self._same_or_conflict(file, target)
        return Outcome.WRITTEN

    def _same_or_conflict(self, file: Staged, target: Path) -> Outcome:
        standing = target.stat().st_size
        if standing == file.size and _file_sha256(target) == file.sha256:
            file.discard()
            return Outcome.IDENTICAL
        kept = self._conflict_path(file.name, file.sha256)
        os.replace(file.path, kept)
        raise ConflictError(
            f"{target}: other bytes stand under this name ({standing} bytes, new ones "
            f"{file.size}, sha256 {file.sha256[:12]}...); expected the same bytes, for a name is "
            f"written once. The new ones are kept in {kept}. Compare the two, and the versions "
            f"of fauxpay and pyarrow that made them; if the published one is damaged, remove it "
            f"and run the same command again."
        )

    def _conflict_path(self, name: str, digest: str) -> Path:
        path = self.root / CONFLICTS / f"{name}.{digest[:12]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


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
def storage_errors(path: Path, action: str) -> Iterator[None]:
    """Turns what the system says of a file into a StorageError with a remedy."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path}: cannot {action}: {error.strerror or error}. {_remedy(error)}"
        ) from error


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Make room or choose another folder with --out; the same command resumes."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Allow writing there or choose another folder with --out."
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "Raise the limit of open files (ulimit -n); the same command resumes."
    return "Look at the disk and the folder; the same command resumes."


def _link(source: Path, target: Path, locks: Path) -> None:
    """Gives the file its name, or raises FileExistsError; never replaces anything."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
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


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_COPY_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # Folders cannot be opened there; the rename itself is durable.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Sinks: where finished bytes go. They only write, and never over other bytes.

Order of a publication, so that a power cut leaves no name without its bytes:
1. every staged file is flushed and fsynced,
2. every name is made by a link that fails where the name exists,
3. every folder on the way is fsynced, whoever made it.
Whoever publishes a document that names files (a sidecar, a receipt) does so in a later call, so
that it can only be durable after them.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from fauxpay.delivery.files import (
    check_name,
    file_sha256,
    link,
    make_folder,
    storage_errors,
    sync_folder,
)
from fauxpay.delivery.staging import staged_name
from fauxpay.errors import ConflictError, ContractError
from fauxpay.storage.places import Place

STAGING = ".staging"
CONFLICTS = "conflicts"
_counter = itertools.count()
# Files that this process has staged and that nobody has discarded yet, written down before they
# are made: a signal may come at any moment.
_under_way: set[Path] = set()


class Outcome(Enum):
    """What publishing did: the bytes are new, or they stood there already."""

    WRITTEN = "written"
    IDENTICAL = "identical"


class Staged(io.RawIOBase, ABC):
    """A file that has no public name yet. `sha256` and `size` cover what was written so far."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.size = 0
        self._is_given_up = False
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes so far, 64 hex digits."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Appends all of the bytes; returns how many. Raises StorageError, as on a full disk.

        A file that was given up forgets them: encoders flush what they hold when they are closed.
        """
        view = memoryview(data).cast("B")
        if self._is_given_up:
            return len(view)
        self._append(view)
        self._hash.update(view)
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        """Bytes so far."""
        return self.size

    @abstractmethod
    def seal(self) -> None:
        """Makes the bytes durable, where they are; the file takes no more."""

    def discard(self) -> None:
        """Gives the file up, where it still has no public name."""
        self._is_given_up = True

    @abstractmethod
    def _append(self, view: memoryview) -> None: ...


class StagedFile(Staged):
    """A file of the local file system."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self.path = path
        self._file = path.open("xb", buffering=0)

    def _append(self, view: memoryview) -> None:
        with storage_errors(self.path, "write", self.name):
            written = 0
            while written < len(view):
                written += self._file.write(view[written:])

    def seal(self) -> None:
        """See `Staged.seal`."""
        if not self._file.closed:
            with storage_errors(self.path, "write", self.name):
                os.fsync(self._file.fileno())
                self._file.close()

    def discard(self) -> None:
        """Closes and removes the file, where it still has its staged name."""
        super().discard()
        self._file.close()
        self.path.unlink(missing_ok=True)
        _under_way.discard(self.path)


def discard_all() -> None:
    """Removes whatever this process has staged and not published, for when it is to end at once."""
    while _under_way:
        _under_way.pop().unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Document:
    """A small file that can be made again.

    read  raises ContractError for bytes that are not such a document
    """

    name: str
    data: bytes
    read: Callable[[bytes], object]


class Sink(Protocol):
    """Takes files under names, and documents that can be made again."""

    def stage(self, name: str) -> Staged:
        """A new file for a name. Raises StorageError."""
        ...

    def publish(self, staged: Sequence[Any]) -> list[Outcome]:
        """Gives files that it staged their names, all durable on return, never over other bytes.

        Raises ConflictError where other bytes stand (both are kept), StorageError.
        """
        ...

    def mend(self, documents: Sequence[Document]) -> list[Outcome]:
        """Writes documents that can be made again; what stands there torn is moved aside."""
        ...

    def claim(self, name: str, data: bytes) -> bytes:
        """Publishes a small file where nothing stands yet; returns what stands there then."""
        ...

    def move(self, staged: Any, folder: str) -> Place:
        """Keeps a staged file for inspection under `<root>/<folder>/<name>`; returns where."""
        ...

    def keep(self, name: str, data: bytes, folder: str) -> Place:
        """Keeps a small file, as `move` does, in place of an earlier one; durable on return."""
        ...

    def set_aside(self, name: str) -> Place:
        """Moves a published file that cannot be read to the conflicts; returns where."""
        ...


def sink_of(root: Place) -> Sink:
    """What writes below a root."""
    if isinstance(root, Path):
        return LocalSink(root)
    from fauxpay.delivery.object_sink import ObjectSink

    return ObjectSink(root)


class LocalSink:
    """A folder of the local file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # Folders whose own names are durable.
        self._named: set[Path] = set()

    def stage(self, name: str) -> StagedFile:
        """A new file under `<root>/.staging/<pid>-<home>-<n>`; see `Sink.stage`."""
        check_name(name)
        folder = self.root / STAGING
        with storage_errors(folder, "write"):
            while True:
                path = folder / staged_name(str(next(_counter)))
                _under_way.add(path)
                try:
                    return StagedFile(name, path)
                except FileNotFoundError:
                    make_folder(folder)
                except FileExistsError:
                    _under_way.discard(path)  # Left by a killed process that had our number.

    def publish(self, staged: Sequence[StagedFile]) -> list[Outcome]:
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
            folders[target.parent] = None
        self._sync(list(folders))
        return outcomes

    def mend(self, documents: Sequence[Document]) -> list[Outcome]:
        """Writes documents that can be made again; what stands there torn is moved aside."""
        files: list[StagedFile] = []
        try:
            for document in documents:
                path = self.root / check_name(document.name)
                try:
                    with storage_errors(path, "read"), suppress(FileNotFoundError):
                        document.read(path.read_bytes())
                except ContractError:
                    self.set_aside(document.name)
                files.append(self.stage(document.name))
                files[-1].write(document.data)
            return self.publish(files)
        finally:
            for file in files:
                file.discard()

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
                    link(file.path, target, self.root / STAGING)
                self._sync([target.parent])
                return target.read_bytes()
        finally:
            file.discard()

    def move(self, staged: StagedFile, folder: str) -> Path:
        """See `Sink.move`."""
        staged.seal()
        target = self.root / check_name(f"{folder}/{staged.name}")
        with storage_errors(target, "write"):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged.path, target)
        return target

    def keep(self, name: str, data: bytes, folder: str) -> Path:
        """See `Sink.keep`."""
        file = self.stage(name)
        try:
            file.write(data)
            target = self.move(file, folder)
            self._sync([target.parent])
            return target
        finally:
            file.discard()

    def set_aside(self, name: str) -> Path:
        """Moves a published file that cannot be read to the conflicts; returns where."""
        source = self.root / check_name(name)
        with storage_errors(source, "write"):
            target = self._conflict_path(name, file_sha256(source))
            os.replace(source, target)
        return target

    def _sync(self, folders: Sequence[Path]) -> None:
        """Makes names in folders durable, and the folders' own, each once, whoever made them."""
        above = [one for folder in folders for one in (folder, *folder.parents)]
        late = [one for one in above if one not in self._named and self.root in one.parents]
        for folder in dict.fromkeys([*folders, *(one.parent for one in late)]):
            with storage_errors(folder, "write"):
                sync_folder(folder)
        self._named.update(late)

    def _place(self, file: StagedFile, target: Path) -> Outcome:
        try:
            link(file.path, target, self.root / STAGING)
        except FileExistsError:
            try:
                return self._same_or_conflict(file, target)
            except ConflictError as error:
                error.located(file.name)
                raise
        return Outcome.WRITTEN

    def _same_or_conflict(self, file: StagedFile, target: Path) -> Outcome:
        standing = target.stat().st_size
        if standing == file.size and file_sha256(target) == file.sha256:
            file.discard()
            return Outcome.IDENTICAL
        kept = self._conflict_path(file.name, file.sha256)
        os.replace(file.path, kept)
        raise conflict(self.root, file, standing, kept)

    def _conflict_path(self, name: str, digest: str) -> Path:
        path = self.root / conflict_name(name, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def conflict_name(name: str, digest: str) -> str:
    """Where bytes are kept that are not those of a name."""
    return f"{CONFLICTS}/{name}.{digest[:12]}"


def conflict(root: Place, file: Staged, standing: int, kept: Place) -> ConflictError:
    """What other bytes under a name are called.

    standing  bytes of what stands there
    kept      where the new ones are
    """
    from fauxpay.receipts.explain import conflict_lines

    why = "".join(f"\n* {line}" for line in conflict_lines(root, file.name, kept))
    return ConflictError(
        f"{root / file.name}: other bytes stand under this name ({standing} bytes, new ones "
        f"{file.size}, sha256 {file.sha256[:12]}...); expected the same bytes, for a name is "
        f"written once. The new ones are kept in {kept}. If the published one is damaged, "
        f"remove it and run the same command again; else use what made it, or another root. "
        f"What is known of the two:{why}"
    )

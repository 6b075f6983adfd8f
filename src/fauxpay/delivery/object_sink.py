"""Object sinks: where finished bytes go in a bucket, by puts that fail where something stands.

Reads    what stands under a name, to tell the same bytes from others
Writes   objects; big files part by part below .staging/, then copied to their names
Draws    nothing
Sources  nothing

A put is whole or not at all, so nothing is torn. An answer that was lost is asked for again: what
stands then is our own, and says so by its bytes.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from io import BytesIO
from typing import Any

from fauxpay.delivery.files import check_name, file_sha256
from fauxpay.delivery.sinks import (
    CONFLICTS,
    STAGING,
    Document,
    Outcome,
    Staged,
    conflict,
    conflict_name,
)
from fauxpay.errors import ContractError, StorageError
from fauxpay.storage.clients import BACKOFF_SECONDS, is_passing, library, store_errors
from fauxpay.storage.objects import ObjectPath
from fauxpay.storage.places import REQUESTS_AT_ONCE

# A file is kept in memory up to here, then it goes out part by part while it is made.
WHOLE_BYTES_MAX = 32 << 20
PART_BYTES = 16 << 20
PARTS_AT_ONCE = 2
MENDS_MAX = 3


class StagedObject(Staged):
    """A file in memory; a big one in a bucket under a name that nobody reads."""

    def __init__(self, root: ObjectPath, name: str) -> None:
        super().__init__(name)
        self._staging = root / f"{STAGING}/{uuid.uuid4().hex}"
        self._memory: BytesIO | None = BytesIO()
        self._writer: Any = None

    @property
    def data(self) -> memoryview | None:
        """The bytes; None of a big file."""
        return None if self._memory is None else self._memory.getbuffer()

    @property
    def staging(self) -> ObjectPath:
        """Where a big file stands once it is sealed."""
        return self._staging

    def _append(self, view: memoryview) -> None:
        if self._memory is not None:
            self._memory.write(view)
            if self._memory.tell() > WHOLE_BYTES_MAX:
                self._send_off(self._memory.getbuffer())
                self._memory = None
            return
        with store_errors(str(self._staging), "write"):
            self._writer.write(view)

    def _send_off(self, so_far: memoryview) -> None:
        with store_errors(str(self._staging), "write"):
            self._writer = library().open_writer(
                self._staging.store,
                self._staging.key,
                buffer_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
            self._writer.write(so_far)

    def seal(self) -> None:
        """See `Staged.seal`."""
        if self._writer is not None and not self._writer.closed():
            with store_errors(str(self._staging), "write"):
                self._writer.close()

    def discard(self) -> None:
        """Forgets the bytes; parts of a big file that were sent are the bucket's to expire."""
        super().discard()
        is_sealed = self._writer is not None and self._writer.closed()
        self._memory, self._writer = None, None
        if is_sealed:
            with suppress(StorageError):
                self._staging.unlink(missing_ok=True)


def require_write_once(root: ObjectPath) -> None:
    """Raises StorageError for a store that puts a file although one stands there.

    Some servers that speak S3 ignore the condition: two writers would both be told that they won.
    """
    probe = root / f"{STAGING}/{uuid.uuid4().hex}"
    try:
        if _is_first(probe, lambda: probe.store.put(probe.key, b"1", mode="create")) and _is_first(
            probe, lambda: probe.store.put(probe.key, b"2", mode="create")
        ):
            raise StorageError(
                f"{root}: the store ignores If-None-Match, so it would put one file over another; "
                f"expected one with conditional puts. Choose another with --out."
            )
    finally:
        probe.unlink(missing_ok=True)


class ObjectSink:
    """A prefix of a bucket; see `Sink`."""

    def __init__(self, root: ObjectPath) -> None:
        self.root = root

    def stage(self, name: str) -> StagedObject:
        """See `Sink.stage`."""
        return StagedObject(self.root, check_name(name))

    def publish(self, staged: Sequence[StagedObject]) -> list[Outcome]:
        """See `Sink.publish`; several at a time, all done on return."""
        return list(_pool().map(self._place, staged))

    def mend(self, documents: Sequence[Document]) -> list[Outcome]:
        """See `Sink.mend`."""
        return list(_pool().map(self._mend, documents))

    def claim(self, name: str, data: bytes) -> bytes:
        """See `Sink.claim`."""
        target = self.root / check_name(name)
        return data if self._put(target, data) else target.read_bytes()

    def move(self, staged: StagedObject, folder: str) -> ObjectPath:
        """See `Sink.move`."""
        return self._moved(staged, f"{folder}/{staged.name}")

    def _moved(self, staged: StagedObject, name: str) -> ObjectPath:
        staged.seal()
        target = self.root / check_name(name)
        if staged.data is None:
            _insist(target, lambda: target.store.copy(staged.staging.key, target.key))
            staged.discard()
        else:
            self._overwrite(target, staged.data)
        return target

    def keep(self, name: str, data: bytes, folder: str) -> ObjectPath:
        """See `Sink.keep`."""
        target = self.root / check_name(f"{folder}/{name}")
        self._overwrite(target, data)
        return target

    def set_aside(self, name: str) -> ObjectPath:
        """See `Sink.set_aside`."""
        source = self.root / check_name(name)
        data = source.read_bytes()
        kept = self.keep(conflict_name(name, hashlib.sha256(data).hexdigest()), data, CONFLICTS)
        source.unlink(missing_ok=True)
        return kept

    def _place(self, file: StagedObject) -> Outcome:
        target = self.root / check_name(file.name)
        file.seal()
        is_new = self._copy(file, target) if file.data is None else self._put(target, file.data)
        if is_new:
            return Outcome.WRITTEN
        standing = target.stat().st_size
        if standing == file.size and file_sha256(target) == file.sha256:
            file.discard()
            return Outcome.IDENTICAL
        kept = self._moved(file, f"{CONFLICTS}/{conflict_name(file.name, file.sha256)}")
        raise conflict(self.root, file, standing, kept).located(file.name)

    def _mend(self, document: Document) -> Outcome:
        target = self.root / check_name(document.name)
        for _ in range(MENDS_MAX):
            if self._put(target, document.data):
                return Outcome.WRITTEN
            standing = target.read_bytes()
            if standing == document.data:
                return Outcome.IDENTICAL
            try:
                document.read(standing)
                break
            except ContractError:
                self.set_aside(document.name)
        file = self.stage(document.name)
        file.write(document.data)
        kept = self.keep(conflict_name(document.name, file.sha256), document.data, CONFLICTS)
        raise conflict(self.root, file, len(standing), kept).located(document.name)

    def _put(self, target: ObjectPath, data: bytes | memoryview) -> bool:
        """Whether nothing stood there, or nobody else's put came first."""
        return _is_first(target, lambda: target.store.put(target.key, data, mode="create"))

    def _copy(self, file: StagedObject, target: ObjectPath) -> bool:
        """The same of a big file that was sent already."""
        source = file.staging
        is_new = _is_first(
            target, lambda: target.store.copy(source.key, target.key, overwrite=False)
        )
        if is_new:
            file.discard()
        return is_new

    def _overwrite(self, target: ObjectPath, data: bytes | memoryview) -> None:
        _insist(target, lambda: target.store.put(target.key, data, use_multipart=False))


def _is_first(target: ObjectPath, put: Callable[[], object]) -> bool:
    try:
        _insist(target, put)
    except library().exceptions.AlreadyExistsError:
        return False
    return True


def _insist(target: ObjectPath, ask: Callable[[], object]) -> None:
    """Asks until there is an answer or patience ends.

    The client does so too, but not where an answer to a put was lost: it cannot know that putting
    again does no harm.
    """
    wait, longest = BACKOFF_SECONDS
    ends = time.monotonic() + target.patience_seconds
    while True:
        try:
            with store_errors(str(target), "write"):
                ask()
            return
        except StorageError as error:
            if not is_passing(error.__cause__) or time.monotonic() + wait > ends:
                raise
        time.sleep(wait)
        wait = min(2 * wait, longest)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="fauxpay-store")

"""Avro files: bodies in blocks of an object container file, uncompressed.

Reads    a file that a stream began, to go on with; one that a consumer left
Writes   an object container file
Draws    nothing
Sources  Apache Avro 1.12 specification: object container files

The mark between blocks is made of the run's id: a file tells whose stream it is, and is the same
twice at the same pace. A body begins with its sequence number, so the last block need not be read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.errors import ConflictError, ContractError, MissingExtraError
from fauxpay.streams.avro_binary import longs, text
from fauxpay.streams.avro_schema import canonical, event_schema
from fauxpay.streams.channels import FileChannel
from fauxpay.streams.envelope import Events

MAGIC = b"Obj\x01"
BLOCK_EVENTS = 4096
_SYNC_BYTES = 16
RECEIVED = pa.schema(
    [("id", pa.string()), ("type", pa.string()), ("place", pa.int64()), ("body", pa.large_binary())]
)


def header(run_id: str) -> bytes:
    """What a file of a run's stream begins with."""
    schema = json.dumps(event_schema(), separators=(",", ":"))
    metadata = b"".join(map(text, ("avro.schema", schema, "avro.codec", "null")))
    return MAGIC + _long(2) + metadata + _long(0) + _sync(run_id)


def _sync(run_id: str) -> bytes:
    return hashlib.sha256(f"fauxpay/{run_id}".encode()).digest()[:_SYNC_BYTES]


def _long(value: int) -> bytes:
    return longs(np.array([value]))[1].tobytes()


class AvroFileChannel(FileChannel):
    """A new object container file, or one that is gone on with."""

    def __init__(self, path: Path, is_resumed: bool, run_id: str) -> None:
        super().__init__(path, is_resumed, run_id)
        self._sync, self._header = _sync(run_id), header(run_id)
        if not is_resumed:
            self._write(memoryview(self._header))

    def next_sequence(self) -> int:
        """Where the file goes on: with its last whole block, which is cut off with what follows."""
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        begun = self._file.read(min(size, len(self._header)))
        if not self._header.startswith(begun):
            raise ConflictError(
                f"{self._name}: does not begin as an Avro stream of this run; expected a file that "
                f"`fauxpay stream --encoding avro` began. Name another."
            )
        end, following = 0, 0
        if len(begun) == len(self._header):
            end, following = self._last_block()
        self._file.truncate(end)
        self._file.seek(end)
        if not end:
            self._write(memoryview(self._header))
        return following

    def send(self, events: Events) -> None:
        """Writes blocks."""
        for begin in range(0, len(events), BLOCK_EVENTS):
            some = events.take(slice(begin, begin + BLOCK_EVENTS))
            self._block(len(some), some.text())

    def finish(self, last: bytes) -> None:
        """Writes the last event, a block of its own."""
        self._block(1, memoryview(last))

    def _block(self, count: int, body: memoryview) -> None:
        self._write(memoryview(_long(count) + _long(len(body))))
        self._write(body)
        self._write(memoryview(self._sync))

    def _last_block(self) -> tuple[int, int]:
        """Where the last whole block begins, and the first sequence number in it."""
        begin, found, sequence = len(self._header), len(self._header), 0
        while True:
            self._file.seek(begin)
            head = io.BytesIO(self._file.read(64))
            count, length = _read_long(head), _read_long(head)
            first = _read_long(head)
            if count is None or length is None or first is None:
                return found, sequence
            end = begin + len(_long(count)) + len(_long(length)) + length
            self._file.seek(end)
            if self._file.read(_SYNC_BYTES) != self._sync:
                return found, sequence
            found, sequence, begin = begin, first, end + _SYNC_BYTES


def _read_long(data: io.BytesIO) -> int | None:
    """A whole number; None where the data ends within."""
    value = 0
    for nth in range(10):
        one = data.read(1)
        if not one:
            return None
        value |= (one[0] & 0x7F) << (7 * nth)
        if one[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
    return None


def is_avro(path: Path) -> bool:
    """Whether a file begins as an Avro object container."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def received_bodies(path: Path) -> Iterator[pa.Table]:
    """What stands in a file, as RECEIVED says, a table for each block; any codec fastavro knows.

    Raises MissingExtraError without fastavro, ContractError for another schema or a torn file.
    """
    try:
        import fastavro
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "fastavro is not installed, which reads Avro files; `pip install 'fauxpay[avro]'` "
            "brings it"
        ) from error
    with path.open("rb") as file:
        try:
            blocks = fastavro.block_reader(file)
            schema = blocks.writer_schema
            if canonical(json.loads(blocks.metadata["avro.schema"])) != canonical(event_schema()):
                raise ValueError("another schema")
            for block in blocks:
                yield _received(fastavro, block, schema)
        except (ValueError, EOFError, IndexError, KeyError, StopIteration) as error:
            raise ContractError(
                f"{path}: {error or type(error).__name__}; expected an Avro file with the schema "
                f"that `fauxpay stream --schema avro` prints"
            ) from error


def _received(fastavro: Any, block: Any, schema: Any) -> pa.Table:
    """Events of a block with their bodies."""
    data = block.bytes_
    whole, begin, rows = data.getvalue(), data.tell(), list[dict[str, Any]]()
    for _ in range(block.num_records):
        event = fastavro.schemaless_reader(data, schema)
        end = data.tell()
        told = {"id": event["id"], "type": event["type"], "place": event["sequence"]}
        rows.append({**told, "body": whole[begin:end]})
        begin = end
    return pa.Table.from_pylist(rows, schema=RECEIVED)

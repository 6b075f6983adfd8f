"""Channels: where events go. Each takes a batch and returns when it may be given the next.

Reads    encoded events
Writes   standard output, a file, an HTTP endpoint; Kafka has a module of its own
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Literal, Protocol
from urllib.parse import urlsplit

from fauxpay.errors import ConfigError, ConflictError, MissingExtraError, StorageError
from fauxpay.foundations.addresses import masked
from fauxpay.streams.envelope import SEQUENCE_DIGITS, Events

Encoding = Literal["json", "avro"]
STDOUT = ("-", "stdout")
POST_EVENTS = 500
LINE_BYTES_MAX = 1 << 20
_SEQUENCE = b'"sequence":"'


class Channel(Protocol):
    """A receiver of events."""

    def send(self, events: Events) -> None:
        """Hands over events, in order; blocks while the receiver is busy."""
        ...

    def finish(self, last: bytes) -> None:
        """The event that ends the stream, once everything before it has arrived."""
        ...

    def flush(self) -> None:
        """Returns when all that was sent has arrived. Raises StorageError if it did not."""
        ...

    def close(self) -> None:
        """Lets go; sends nothing more."""
        ...


def open_channel(
    target: str, is_resumed: bool, encoding: Encoding = "json", run_id: str = ""
) -> Channel:
    """The channel of `--to`. Raises ConfigError for an unknown one, what opening it raises else.

    run_id  whose stream a file is
    """
    scheme = urlsplit(target).scheme
    if encoding == "avro" and (target in STDOUT or scheme in ("http", "https")):
        raise ConfigError(
            f"--to {masked(target)} --encoding avro: expected a file or kafka://HOST:PORT/PREFIX; "
            f"standard output and HTTP are JSON only"
        )
    if target in STDOUT:
        return LineChannel(sys.stdout.buffer, "standard output")
    if scheme in ("http", "https"):
        return HttpChannel(target)
    if scheme == "kafka":
        from fauxpay.streams.kafka import KafkaChannel

        return KafkaChannel(target, encoding)
    if scheme and scheme != "file":
        raise ConfigError(
            f"--to {masked(target)}: expected stdout, a file, kafka://HOST:PORT/PREFIX or "
            f"http://HOST:PORT/PATH"
        )
    if encoding == "avro":
        from fauxpay.streams.avro_files import AvroFileChannel

        return AvroFileChannel(file_of(target), is_resumed, run_id)
    return FileChannel(file_of(target), is_resumed, run_id)


def file_of(target: str) -> Path:
    """The path of a file target."""
    return Path(target.removeprefix("file://"))


class LineChannel:
    """Lines on an open stream, such as standard output."""

    going_on = "--resume does not know how far it came, but --from-offset may go on"

    def __init__(self, sink: IO[bytes], name: str) -> None:
        self._sink, self._name = sink, name

    def send(self, events: Events) -> None:
        """Writes; a full pipe blocks."""
        self._write(events.text())

    def finish(self, last: bytes) -> None:
        """Writes the last line."""
        self._write(memoryview(last))

    def flush(self) -> None:
        """Empties our buffer."""
        try:
            self._sink.flush()
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Leaves the stream to its owner."""

    def _write(self, text: memoryview) -> None:
        try:
            self._sink.write(text)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self._name}: {error.strerror or error}; expected to be able to write. What was "
            f"written stays; {self.going_on}."
        )


class FileChannel(LineChannel):
    """A new file of lines of a run, or one that is gone on with."""

    going_on = "the same command with --resume goes on"

    def __init__(self, path: Path, is_resumed: bool, run_id: str) -> None:
        try:
            file = path.open("r+b" if is_resumed and path.exists() else "x+b")
        except FileExistsError as error:
            raise ConflictError(
                f"{path}: there already; expected a new file. --resume goes on with it, or name "
                f"another."
            ) from error
        except OSError as error:
            raise StorageError(
                f"{path}: {error.strerror or error}; expected a place for a file"
            ) from error
        super().__init__(file, str(path))
        self._file, self._run_id = file, run_id

    def next_sequence(self) -> int:
        """Where the file goes on; a line that was torn is cut off. 0 for a new one."""
        size = self._file.seek(0, os.SEEK_END)
        begin = max(size - LINE_BYTES_MAX, 0)
        self._file.seek(begin)
        tail = self._file.read()
        end = tail.rfind(b"\n") + 1
        last = tail[:end].rstrip(b"\n").rpartition(b"\n")[2]
        following = _sequence_of(last, self._run_id, self._name) + 1 if last else 0
        self._file.truncate(begin + end)
        self._file.seek(begin + end)
        return following

    def flush(self) -> None:
        """Onto the disk."""
        super().flush()
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _sequence_of(line: bytes, run_id: str, name: str) -> int:
    """The sequence number of a line of the run's stream. Raises ConflictError for any other."""
    begin = line.find(_SEQUENCE) + len(_SEQUENCE)
    digits = line[begin : begin + SEQUENCE_DIGITS]
    if begin < len(_SEQUENCE) or not digits.isdigit():
        raise ConflictError(
            f"{name}: the last line is no event of a stream; expected a file that "
            f"`fauxpay stream` began. Name another."
        )
    if f'"source":"/fauxpay/runs/{run_id}"'.encode() not in line:
        raise ConflictError(
            f"{name}: the last line is of another run's stream; expected one of run {run_id}. "
            f"Name another file, or that run."
        )
    return int(digits)


class HttpChannel:
    """POSTs of CloudEvents batches (JSON arrays), again where the receiver is busy or away."""

    def __init__(self, url: str, tries: int = 8) -> None:
        try:
            import urllib3
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "urllib3 is not installed, which posts events; `pip install 'fauxpay[stream]'` "
                "brings it"
            ) from error
        self._url, self._name = url, masked(url)
        if not urlsplit(url).hostname:
            raise ConfigError(f"--to {self._name}: expected http://HOST:PORT/PATH")
        # A batch may arrive twice where an answer was lost: events have ids.
        retry = urllib3.Retry(
            total=tries,
            backoff_factor=0.2,
            backoff_max=10,
            status_forcelist=(408, 429, 500, 502, 503, 504),
            allowed_methods=("POST",),
            raise_on_status=False,
        )
        self._pool = urllib3.PoolManager(retries=retry, timeout=30.0)
        self._failure: type[Exception] = urllib3.exceptions.HTTPError

    def send(self, events: Events) -> None:
        """Posts up to POST_EVENTS at a time; the answer is waited for."""
        for begin in range(0, len(events), POST_EVENTS):
            text = bytes(events.take(slice(begin, begin + POST_EVENTS)).text())
            self._post(text)

    def finish(self, last: bytes) -> None:
        """Posts the last event."""
        self._post(last)

    def flush(self) -> None:
        """Nothing is under way: each answer was waited for."""

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def _post(self, lines: bytes) -> None:
        body = b"[" + lines.rstrip(b"\n").replace(b"\n", b",") + b"]"
        headers = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=headers)
        except self._failure as error:
            raise StorageError(
                f"{self._name}: {type(error).__name__}; expected an answer within the tries. The "
                f"same command with --resume goes on."
            ) from error
        if not 200 <= answer.status < 300:
            raise StorageError(
                f"{self._name}: answered {answer.status}; expected 2xx. Look at the receiver; the "
                f"same command with --resume goes on."
            )

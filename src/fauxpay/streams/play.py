"""Play: a run as it would have come in, from any place of its sequence on.

Reads    a run
Writes   events into a channel; where a broker or endpoint stands, below the root
Draws    nothing
Sources  nothing

Delivery is at least once: what was under way when a stream broke off comes again on --resume, with
the same ids and numbers.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fauxpay.delivery.replacing import replaced_below
from fauxpay.errors import ConfigError, ContractError
from fauxpay.readers.query import connected
from fauxpay.readers.run import Run
from fauxpay.storage.places import Place
from fauxpay.streams.avro_events import completed_avro, encode_avro
from fauxpay.streams.channels import STDOUT, Encoding, FileChannel, open_channel
from fauxpay.streams.envelope import Events, altered_lines, completed, encode
from fauxpay.streams.faults import Faults, Spoiled, renamed
from fauxpay.streams.order import KINDS, Piece, pieces
from fauxpay.streams.pace import Pace

if TYPE_CHECKING:
    import duckdb

BOOKMARKS = "streams"
SAVE_SECONDS = 2.0
Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a stream.

    target       stdout, a file, kafka://HOST:PORT/PREFIX or http://HOST:PORT/PATH
    only         kinds of events that are sent; the sequence is that of all
    from_offset  place in the sequence to begin at
    is_resumed   go on where an earlier stream to the target broke off; at from_offset where there
                 was none
    faults       what is imperfect; such a stream is made from its beginning or not at all
    encoding     json, or avro (files and Kafka; without faults)
    """

    target: str
    only: tuple[str, ...] = KINDS
    from_offset: int = 0
    is_resumed: bool = False
    faults: Faults | None = None
    encoding: Encoding = "json"


@dataclass(frozen=True, slots=True)
class Played:
    """What was sent.

    counts    events of the run by kind, sent or skipped
    sent      events handed over now
    first     place in the sequence of the first of them
    sha256    of all lines or bodies of the run as they are, whatever of them was sent
    faults    what was done to which event, as `faults.SCHEMA` says; None where none was asked for
    """

    counts: dict[str, int]
    sent: int
    first: int
    sha256: str
    faults: pa.Table | None = None


def play(run: Run, asked: Asked, pace: Pace, report: Report = lambda sent: None) -> Played:
    """Sends a run to its end, or raises and leaves a place to go on from.

    report  is told how many events were sent so far
    Raises ConfigError for a target or place that cannot be, StorageError where it takes no more or
    a place cannot be kept, ContractError where the one to go on from is damaged, ConflictError
    where a file is there already, or is of another run's stream.
    """
    if asked.faults is not None and (asked.is_resumed or asked.from_offset):
        raise ConfigError(
            "a stream with faults is made from its beginning; expected neither --resume nor "
            "--from-offset with --faults"
        )
    if asked.faults is not None and asked.encoding == "avro":
        raise ConfigError(
            "--encoding avro: a stream with faults is JSON only; expected no --faults"
        )
    # Before the target is opened: a new file that stays empty stands in the way the next time.
    for kind in KINDS:
        run.files(f"{kind}s")
    known = sum(run.rows.get(f"{kind}s", 0) for kind in KINDS)
    if asked.from_offset > known + 1:
        raise ConfigError(f"--from-offset {asked.from_offset}: run {run.run_id} has {known} events")
    place = Bookmark.of(run, asked.target, asked.only, asked.encoding)
    # Never beyond what an earlier stream came to: events between would not be sent at all.
    first = (place.read() if asked.is_resumed else 0) or asked.from_offset
    channel = open_channel(asked.target, asked.is_resumed, asked.encoding, run.run_id)
    try:
        if isinstance(channel, FileChannel) and asked.is_resumed:
            first = channel.next_sequence() or asked.from_offset
        place.save(first)  # Where it cannot be remembered, nothing is sent that nobody remembers.
        stream = _Stream(run, asked, first)
        saved = time.monotonic()
        for events in stream.events():
            for some in pace.slices(events.time_us):
                part = events.take(some)
                channel.send(part)
                stream.sent += len(part)
                report(stream.sent)
                if asked.faults is None and time.monotonic() - saved > SAVE_SECONDS:
                    channel.flush()
                    place.save(int(part.sequence[-1]) + 1)
                    saved = time.monotonic()
        played = stream.played()
        total = sum(played.counts.values())
        if first <= total:
            line = {**played.counts, "sha256": played.sha256}
            last = completed_avro if asked.encoding == "avro" else completed
            channel.finish(last(run.run_id, total, line))
        channel.flush()
        place.save(total + 1)
        return played
    finally:
        channel.close()


class _Stream:
    """The run's events from a place on, and what is known of all of them."""

    def __init__(self, run: Run, asked: Asked, first: int) -> None:
        self._run, self._asked, self._first = run, asked, first
        self._digest, self._counts = hashlib.sha256(), np.zeros(len(KINDS), dtype=np.int64)
        seed = int(run.receipt["seed"])
        self._spoiled = Spoiled(asked.faults, seed) if asked.faults is not None else None
        self.sent = 0

    def events(self) -> Iterator[Events]:
        """What is sent, in the order in which it is."""
        if self._spoiled is None:
            yield from self._wanted()
            return
        for events in self._wanted():
            yield from self._spoiled.passed(events)
        yield from self._spoiled.rest()

    def _wanted(self) -> Iterator[Events]:
        kinds = np.array([kind in self._asked.only for kind in KINDS])
        with connected(threads=1) as connection:
            for piece in pieces(self._run):
                if self._asked.encoding == "avro":
                    events = encode_avro(piece, self._run.run_id)
                else:
                    events = encode(connection, piece, self._run.run_id)
                # All lines are made even where they are skipped: the digest is of all.
                self._digest.update(events.text())
                self._counts += np.bincount(events.kind, minlength=len(KINDS))
                wanted = kinds[events.kind] & (events.sequence >= self._first)
                if self._spoiled is not None:
                    events = self._altered(connection, piece, events, wanted, self._spoiled)
                if wanted.all():
                    yield events
                elif wanted.any():
                    yield events.take(wanted)

    def _altered(
        self,
        connection: duckdb.DuckDBPyConnection,
        piece: Piece,
        events: Events,
        wanted: Any,
        spoiled: Spoiled,
    ) -> Events:
        """With the lines of those that are sent and whose clock or shape is another."""
        skew_us, is_changed = spoiled.altered(events.sequence, events.time_us, events.kind)
        skew_us, is_changed = np.where(wanted, skew_us, 0), is_changed & wanted
        spoiled.note_altered(events, skew_us, is_changed)
        for rows, names in (
            (np.flatnonzero((skew_us != 0) & ~is_changed), {}),
            (np.flatnonzero(is_changed), renamed(spoiled.faults.schema_change)),
        ):
            if rows.size:
                # Rows of transactions: no label is altered.
                own = piece.transactions.take(pa.array(piece.order[rows]))
                moved = pa.array(piece.time_us[rows] + skew_us[rows]).cast(own["event_time"].type)
                own = own.set_column(
                    own.column_names.index("event_time"), own.field("event_time"), moved
                )
                run_id = self._run.run_id
                lines = altered_lines(connection, own, events.sequence[rows], run_id, names)
                events = events.with_lines(rows, lines)
        return events

    def played(self) -> Played:
        counts = {kind: int(count) for kind, count in zip(KINDS, self._counts, strict=True)}
        faults = self._spoiled.table() if self._spoiled is not None else None
        return Played(counts, self.sent, self._first, self._digest.hexdigest(), faults)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a stream to a target came, in a file below the root; files tell it themselves."""

    root: Place | None
    name: str = ""

    @staticmethod
    def of(
        run: Run, target: str, only: tuple[str, ...] = KINDS, encoding: Encoding = "json"
    ) -> Bookmark:
        """The place of a run's stream of some kinds of events to a target."""
        if target in STDOUT or "://" not in target or target.startswith("file://"):
            return Bookmark(None)
        # A target may hold a password.
        words = (target, *only, *(("avro",) if encoding == "avro" else ()))
        name = hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]
        return Bookmark(run.root, f"{BOOKMARKS}/{run.run_id}-{name}.json")

    def read(self) -> int:
        """Place in the sequence of the first event that may not have arrived.

        Raises ContractError where the file does not say.
        """
        if self.root is None:
            return 0
        path = self.root / self.name
        try:
            following = json.loads(path.read_bytes())["next"]
        except FileNotFoundError:
            return 0
        except (ValueError, KeyError, TypeError):
            following = None
        if not isinstance(following, int) or following < 0:
            raise ContractError(
                f"{path}: does not say how far the stream came; expected what an earlier one left. "
                f"Remove it, and begin without --resume, or with --from-offset."
            )
        return following

    def save(self, following: int) -> None:
        """Remembers it, at once and as a whole."""
        if self.root is not None:
            data = json.dumps({"next": following}).encode()
            replaced_below(self.root, self.root / self.name, data)

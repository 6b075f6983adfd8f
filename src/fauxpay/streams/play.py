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
from pathlib import Path

import numpy as np

from fauxpay.delivery.replacing import replaced
from fauxpay.errors import ConfigError
from fauxpay.readers.query import connected
from fauxpay.readers.run import Run
from fauxpay.streams.channels import STDOUT, FileChannel, open_channel
from fauxpay.streams.envelope import Events, completed, encode
from fauxpay.streams.order import KINDS, pieces
from fauxpay.streams.pace import Pace

PLACES = "streams"
SAVE_SECONDS = 2.0
Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a stream.

    target       stdout, a file, kafka://HOST:PORT/PREFIX or http://HOST:PORT/PATH
    only         kinds of events that are sent; the sequence is that of all
    from_offset  place in the sequence to begin at
    is_resumed   go on where an earlier stream to the target broke off
    """

    target: str
    only: tuple[str, ...] = KINDS
    from_offset: int = 0
    is_resumed: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """What was sent.

    counts    events of the run by kind, sent or skipped
    sent      events handed over now
    first     place in the sequence of the first of them
    sha256    of all lines of the run, whatever of them was sent
    """

    counts: dict[str, int]
    sent: int
    first: int
    sha256: str


def play(run: Run, asked: Asked, pace: Pace, report: Report = lambda sent: None) -> Played:
    """Sends a run to its end, or raises and leaves a place to go on from.

    report  is told how many events were sent so far
    Raises ConfigError for a target or place that cannot be, StorageError where it takes no more,
    ConflictError where a file is there already.
    """
    place = Place.of(run, asked.target)
    first = max(asked.from_offset, place.read() if asked.is_resumed else 0)
    channel = open_channel(asked.target, asked.is_resumed)
    try:
        if isinstance(channel, FileChannel) and asked.is_resumed:
            first = max(asked.from_offset, channel.next_sequence())
        stream = _Stream(run, asked, first)
        saved = time.monotonic()
        for events in stream.events():
            for some in pace.slices(events.time_us):
                part = events.take(some)
                channel.send(part)
                stream.sent += len(part)
                report(stream.sent)
                if time.monotonic() - saved > SAVE_SECONDS:
                    channel.flush()
                    place.save(int(part.sequence[-1]) + 1)
                    saved = time.monotonic()
        played = stream.played()
        if first > sum(played.counts.values()) + 1:
            raise ConfigError(
                f"--from-offset {first}: run {run.run_id} has {sum(played.counts.values())} events"
            )
        if first <= sum(played.counts.values()):
            line = {**played.counts, "sha256": played.sha256}
            channel.finish(completed(run.run_id, sum(played.counts.values()), line))
        channel.flush()
        place.save(sum(played.counts.values()) + 1)
        return played
    finally:
        channel.close()


class _Stream:
    """The run's events from a place on, and what is known of all of them."""

    def __init__(self, run: Run, asked: Asked, first: int) -> None:
        self._run, self._asked, self._first = run, asked, first
        self._digest, self._counts = hashlib.sha256(), np.zeros(len(KINDS), dtype=np.int64)
        self.sent = 0

    def events(self) -> Iterator[Events]:
        kinds = np.array([kind in self._asked.only for kind in KINDS])
        with connected(threads=1) as connection:
            for piece in pieces(self._run):
                events = encode(connection, piece, self._run.run_id)
                # All lines are made even where they are skipped: the digest is of all.
                self._digest.update(events.text())
                self._counts += np.bincount(events.kind, minlength=len(KINDS))
                wanted = kinds[events.kind] & (events.sequence >= self._first)
                if wanted.all():
                    yield events
                elif wanted.any():
                    yield events.take(wanted)

    def played(self) -> Played:
        counts = {kind: int(count) for kind, count in zip(KINDS, self._counts, strict=True)}
        return Played(counts, self.sent, self._first, self._digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Place:
    """How far a stream to a target came, in a file below the root; files tell it themselves."""

    path: Path | None

    @staticmethod
    def of(run: Run, target: str) -> Place:
        """The place of a run's stream to a target."""
        if target in STDOUT or "://" not in target or target.startswith("file://"):
            return Place(None)
        name = hashlib.sha256(target.encode()).hexdigest()[:16]  # A target may hold a password.
        return Place(run.root / PLACES / f"{run.run_id}-{name}.json")

    def read(self) -> int:
        """Place in the sequence of the first event that may not have arrived."""
        if self.path is None or not self.path.exists():
            return 0
        return int(json.loads(self.path.read_bytes())["next"])

    def save(self, following: int) -> None:
        """Remembers it, at once and as a whole."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replaced(self.path.parents[1], self.path, json.dumps({"next": following}).encode())

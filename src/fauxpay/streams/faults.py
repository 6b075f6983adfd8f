"""Faults: imperfect delivery on request, and a table of what was done to which event.

Reads    encoded events, a file of faults
Writes   events that are lost, doubled, late, of a wrong clock or of another shape; their table
Draws    streams/{lost,duplicate,late,out_of_order,clock_skew}, and streams/<fault>/seconds
Sources  the user's file; nothing is imperfect unless it is asked for

Each fault is drawn at the event's place in the sequence: the same under any batch, target and pace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fauxpay.errors import ConfigError, ContractError
from fauxpay.foundations.draws import I64, draw, stream_key, uniform
from fauxpay.foundations.machine import refused
from fauxpay.foundations.strict_yaml import read_yaml
from fauxpay.streams.envelope import Events
from fauxpay.streams.order import TRANSACTION

SECOND_US = 1_000_000
DELAY_SECONDS_MAX = 7 * 86_400
SCHEMA = pa.schema(
    [
        ("sequence", pa.int64()),
        ("id", pa.string()),
        ("fault", pa.string()),
        ("seconds", pa.float64()),
    ]
)


def _ordered(span: tuple[float, float]) -> tuple[float, float]:
    if span[0] > span[1]:
        raise ValueError("expected the smaller number first")
    return span


_Share = Annotated[float, Field(ge=0, le=1)]
_Span = Annotated[
    tuple[
        Annotated[float, Field(ge=-DELAY_SECONDS_MAX, le=DELAY_SECONDS_MAX)],
        Annotated[float, Field(ge=-DELAY_SECONDS_MAX, le=DELAY_SECONDS_MAX)],
    ],
    AfterValidator(_ordered),
]
_Delay = Annotated[
    tuple[
        Annotated[float, Field(ge=0, le=DELAY_SECONDS_MAX)],
        Annotated[float, Field(ge=0, le=DELAY_SECONDS_MAX)],
    ],
    AfterValidator(_ordered),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Delayed(_Model):
    """A share of events, and by how many seconds of the world they come later."""

    share: _Share = 0.0
    seconds: _Delay = (0.0, 0.0)


class Skewed(_Model):
    """A share of transactions whose clock is wrong, and by how many seconds."""

    share: _Share = 0.0
    seconds: _Span = (0.0, 0.0)


class SchemaChange(_Model):
    """From an instant on transactions have other names, or lack columns."""

    at: datetime
    rename: dict[str, str] = {}
    drop: tuple[str, ...] = ()


class Faults(_Model):
    """What is imperfect.

    lost          share of events that never come
    duplicate     come a second time, so much later
    late          come so much later, as from a till that was offline
    out_of_order  change places with what follows within seconds
    clock_skew    transactions whose event time is wrong; they come when they would
    """

    lost: _Share = 0.0
    duplicate: Delayed = Delayed()
    late: Delayed = Delayed()
    out_of_order: Delayed = Delayed()
    clock_skew: Skewed = Skewed()
    schema_change: SchemaChange | None = None


def read_faults(path: Path, columns: list[str]) -> Faults:
    """The faults of a YAML file. Raises ConfigError: what is wrong, where, what is allowed."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); expected a file of faults") from error
    document = read_yaml(text, str(path)).value
    try:
        faults = Faults.model_validate(document or {})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{path}: {key}: {first['msg']}; got {first['input']!r}. Known: "
            f"{', '.join(Faults.model_fields)}"
        ) from error
    change = faults.schema_change
    if change is not None:
        if change.at.tzinfo is None:
            raise ConfigError(f"{path}: schema_change.at: expected an instant with its zone")
        for name in (*change.rename, *change.drop):
            if name not in columns:
                raise ConfigError(
                    f"{path}: schema_change: no column {name!r}; expected one of {columns}"
                )
        after = [change.rename.get(name, name) for name in columns if name not in change.drop]
        for name in after:
            if not name or after.count(name) > 1:
                raise ConfigError(
                    f"{path}: schema_change.rename: {after.count(name)} columns would be called "
                    f"{name!r}; expected a name of its own for each"
                )
    return faults


@dataclass(slots=True)
class Spoiled:
    """Events on their faulty way; holds back what is still under way."""

    faults: Faults
    seed: int
    _waiting: Events | None = None
    _due_us: I64 | None = None
    _told: list[pa.Table] = field(default_factory=list)

    def altered(self, sequence: I64, time_us: I64, kind: I64) -> tuple[I64, Any]:
        """(microseconds by which each clock is wrong, whether the shape is the later one)."""
        is_transaction = kind == TRANSACTION
        skew = self._seconds("clock_skew", self.faults.clock_skew, sequence)
        skew = np.where(is_transaction, skew, 0.0)
        change = self.faults.schema_change
        is_changed = np.zeros(sequence.size, dtype=np.bool_)
        if change is not None:
            is_changed = is_transaction & (time_us >= int(change.at.timestamp() * SECOND_US))
        return np.rint(skew * 1e3).astype(np.int64) * 1000, is_changed

    def passed(self, events: Events) -> Iterator[Events]:
        """What arrives by the end of a batch, of it and of those before."""
        number = events.sequence
        lost = self._chance("lost", self.faults.lost, number)
        late = self._seconds("late", self.faults.late, number)
        shuffled = self._seconds("out_of_order", self.faults.out_of_order, number)
        again = self._seconds("duplicate", self.faults.duplicate, number)
        twice = self._chance("duplicate", self.faults.duplicate.share, number) & ~lost
        self._tell("lost", events, lost, np.zeros(number.size))
        self._tell("late", events, (late > 0) & ~lost, late)
        self._tell("out_of_order", events, (shuffled > 0) & ~lost, shuffled)
        self._tell("duplicate", events, twice, again)
        due = events.time_us + np.rint((late + shuffled) * SECOND_US).astype(np.int64)
        copies = events.take(twice)
        copies_due = due[twice] + np.rint(again[twice] * SECOND_US).astype(np.int64)
        self._wait(joined([events.take(~lost), copies]), np.concatenate([due[~lost], copies_due]))
        yield from self._arrived(int(events.time_us[-1]))

    def rest(self) -> Iterator[Events]:
        """What is still under way when the run is over."""
        yield from self._arrived(None)

    def table(self) -> pa.Table:
        """What was done to which event, in order of the sequence."""
        whole = pa.concat_tables([SCHEMA.empty_table(), *self._told])
        return whole.sort_by([("sequence", "ascending"), ("fault", "ascending")])

    def note_altered(self, events: Events, skew_us: I64, is_changed: Any) -> None:
        """Remembers events that were told by a wrong clock or in another shape."""
        self._tell("clock_skew", events, skew_us != 0, skew_us / SECOND_US)
        self._tell("schema_change", events, is_changed, np.zeros(skew_us.size))

    def _chance(self, name: str, share: float, sequence: I64) -> Any:
        word = draw(stream_key(self.seed, f"streams/{name}"), sequence.view(np.uint64))
        return uniform(word) < share

    def _seconds(self, name: str, law: Delayed | Skewed, sequence: I64) -> Any:
        low, high = law.seconds
        word = draw(stream_key(self.seed, f"streams/{name}/seconds"), sequence.view(np.uint64))
        seconds = np.round(low + uniform(word) * (high - low), 3)
        return np.where(self._chance(name, law.share, sequence), seconds, 0.0)

    def _tell(self, fault: str, events: Events, rows: Any, seconds: Any) -> None:
        index = np.flatnonzero(rows)
        if not index.size:
            return
        self._told.append(
            pa.table(
                {
                    "sequence": pa.array(events.sequence[index]),
                    "id": events.id.take(pa.array(index)),
                    "fault": pa.array([fault] * index.size),
                    "seconds": pa.array(np.asarray(seconds, dtype=np.float64)[index]),
                },
                schema=SCHEMA,
            )
        )

    def _wait(self, events: Events, due_us: I64) -> None:
        if self._waiting is not None and self._due_us is not None:
            events = joined([self._waiting, events])
            due_us = np.concatenate([self._due_us, due_us])
        order = np.lexsort((events.sequence, due_us))
        self._waiting, self._due_us = events.take(order), due_us[order]

    def _arrived(self, until_us: int | None) -> Iterator[Events]:
        if self._waiting is None or self._due_us is None:
            return
        count = self._due_us.size
        end = count if until_us is None else int(np.searchsorted(self._due_us, until_us))
        if end:
            # Paced by arrival: a late event comes late.
            given = self._waiting.take(slice(0, end))
            yield given.at(self._due_us[:end])
        rest = np.arange(end, count)
        self._waiting, self._due_us = self._waiting.take(rest), self._due_us[end:]


def read_table(path: Path) -> pa.Table:
    """A table of faults. Raises ContractError for another file."""
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        if (told := refused(error, path)) is not None:
            raise told from error
        raise ContractError(f"{path}: {error}; expected a table of --fault-table") from error
    if not table.schema.equals(SCHEMA):
        raise ContractError(f"{path}: has {table.schema.names}; expected {SCHEMA.names}")
    return table


def joined(parts: list[Events]) -> Events:
    """Several as one."""
    lines = pa.chunked_array([part.lines for part in parts]).combine_chunks()
    own_id = pa.chunked_array([part.id for part in parts]).combine_chunks()
    numbers = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("key", "kind", "sequence", "time_us")
    ]
    return Events(lines, own_id, *numbers)


def renamed(change: SchemaChange | None) -> Mapping[str, str | None]:
    """Column -> its name after the change, None where it is dropped."""
    if change is None:
        return {}
    return {**change.rename, **dict.fromkeys(change.drop)}

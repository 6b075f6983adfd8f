"""Knowledge: the labels that a team would have had at an instant.

Reads    labels of a run
Writes   the last fact of each transaction that was known by then
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import datetime
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.errors import ConfigError, ContractError
from fauxpay.foundations.machine import refused

Instant = datetime.datetime | datetime.date | np.datetime64 | str


class HasTables(Protocol):
    """What `as_of` needs of a run: its tables as Arrow datasets."""

    def table(self, name: str) -> Any:
        """The dataset of a table."""


def as_of(run: HasTables, instant: Instant) -> pa.Table:
    """The label of each transaction that the bank had made up its mind on by an instant.

    run      a `fauxpay.Run`
    instant  timestamp (UTC where it names no zone), day (its midnight, UTC) or text in ISO form
    returns  rows of contract labels.yaml, the last known one of each transaction, by
             transaction_id; what is not in it counted as genuine then

    Raises ConfigError for what is no instant, ContractError where a file is damaged,
    StorageError where the system does not let it be read.
    """
    import pyarrow.dataset as ds

    until = pa.scalar(instant_us(instant), pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    try:
        known = run.table("labels").to_table(filter=ds.field("known_at") <= until)
    except (pa.ArrowException, OSError) as error:
        if (told := refused(error, "the labels of the run")) is not None:
            raise told from error
        first = str(error).partition("\n")[0]
        raise ContractError(
            f"a file of labels does not hold what its receipt says ({first}); expected it as it "
            f"was written. `fauxpay verify` names it."
        ) from error
    return last_known(known)


def last_known(facts: pa.Table) -> pa.Table:
    """The last fact of each transaction, by transaction_id."""
    if not facts.num_rows:
        return facts
    ordered = facts.sort_by([("transaction_id", "ascending"), ("known_at", "ascending")])
    ids = ordered.column("transaction_id").to_numpy()
    is_last = np.append(ids[1:] != ids[:-1], True)
    return ordered.filter(pa.array(is_last)).combine_chunks()


def instant_us(instant: Instant) -> int:
    """Microseconds since 1970-01-01, UTC. Raises ConfigError for what is no instant."""
    told: object = instant
    if isinstance(told, np.datetime64):
        told = told.astype("datetime64[us]").item()
    if isinstance(told, str):
        with suppress(ValueError):
            told = datetime.datetime.fromisoformat(told)
    # A missing value of pandas passes for a datetime, and is not itself.
    if not isinstance(told, datetime.date) or told != told:
        raise ConfigError(
            f"{instant!r} is no instant; expected a date, a datetime, or ISO 8601 such as "
            f"2026-03-01 or 2026-03-01T12:00:00Z"
        )
    if not isinstance(told, datetime.datetime):
        told = datetime.datetime.combine(told, datetime.time())
    if told.tzinfo is None:
        told = told.replace(tzinfo=datetime.UTC)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (told - epoch) // datetime.timedelta(microseconds=1)


def turned_to_fraud(facts: pa.Table) -> pa.Table:
    """The facts by which the bank came to take a transaction for fraud: the first, or a return."""
    ordered = facts.sort_by([("transaction_id", "ascending"), ("known_at", "ascending")])
    is_fraud = np.asarray(pc.equal(ordered.column("label").cast(pa.string()), "fraud").to_numpy())
    ids = ordered.column("transaction_id").to_numpy()
    was_fraud = np.zeros(ids.size, dtype=np.bool_)
    was_fraud[1:] = (ids[1:] == ids[:-1]) & is_fraud[:-1]
    return ordered.filter(pa.array(is_fraud & ~was_fraud))

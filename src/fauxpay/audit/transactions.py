"""Transactions: where an id comes from, by undoing the bijection that made it.

Reads    receipts, the catalog's cards, the partition file that must hold the row
Writes   nothing
Draws    nothing
Sources  nothing

An id is its address under a key: card, UTC day, class and slot come out of it with no index at
all. Any number gives some address, so the row is looked up: only that proves that it stands there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fauxpay.activity.addresses import (
    ATTACK,
    ORDINARY,
    RECURRING,
    REFUND,
    RETRY,
    REVERSAL,
    cards_of,
    classes,
    days_of,
    slots_of,
)
from fauxpay.audit.contents import cards_per_shard
from fauxpay.audit.who import Answer
from fauxpay.delivery.files import file_sha256
from fauxpay.errors import ContractError
from fauxpay.foundations.bijection import IdLaw
from fauxpay.receipts.identity import day_text
from fauxpay.receipts.listing import Listed, listed_runs
from fauxpay.storage.places import Place, local_copy

ID_MAX = 2**63 - 1
CLASS_NAMES = {
    ORDINARY: ("ordinary", "activity"),
    RECURRING: ("recurring", "activity"),
    REFUND: ("refund", "activity"),
    REVERSAL: ("reversal", "activity"),
    ATTACK: ("attack", "fraud"),
    RETRY: ("retry", "activity"),
}
"""Class to its name and the segment that makes it."""


@dataclass(frozen=True, slots=True)
class Address:
    """What an id says under the seed of a run."""

    card_index: int
    day: str
    event_class: int
    slot: int


def address_of(transaction_id: int, seed: int) -> Address:
    """The address that has this id under a seed; any number has one."""
    word = IdLaw.of(seed, "transactions").addresses(np.array([transaction_id], np.int64))
    day = int(days_of(word)[0])
    card, kind, slot = cards_of(word)[0], classes(word)[0], slots_of(word)[0]
    return Address(int(card), day_text(day), int(kind), int(slot))


def who_did(root: Place, transaction_id: int) -> list[Answer]:
    """Each world below a root in which the transaction stands, with its runs.

    Raises ContractError where it stands in none.
    """
    if not 0 <= transaction_id <= ID_MAX:
        raise ContractError(f"{transaction_id}: no transaction id; expected 0..{ID_MAX}")
    by_world: dict[tuple[str, int], list[Listed]] = {}
    for run in listed_runs(root):
        if not run.fault:
            key = (str(run.receipt["world_id"]), int(run.receipt["seed"]))
            by_world.setdefault(key, []).append(run)
    found = [
        answer
        for (_, seed), runs in by_world.items()
        if (answer := _found(root, transaction_id, address_of(transaction_id, seed), runs))
    ]
    if not found:
        raise ContractError(
            f"transaction {transaction_id}: in none of the {len(by_world)} worlds and seeds with a "
            f"verified run below {root}; expected an id of one of them. Give the root with --out."
        )
    return found


def _found(
    root: Place, transaction_id: int, address: Address, runs: Sequence[Listed]
) -> Answer | None:
    """The answer for one world and seed; None where the row does not stand there."""
    first = runs[0].receipt
    cards = next(entry["rows"] for entry in first["catalog"] if entry["name"] == "cards")
    if address.card_index >= cards or address.event_class not in CLASS_NAMES:
        return None
    own = [run for run in runs if _covers(run.receipt["window"], address.day)]
    if not own:
        return None
    shard = address.card_index // cards_per_shard(first)
    entry = _entry(own[0].receipt, address.day, shard)
    row = None if entry is None else _row(root / entry["path"], transaction_id)
    if entry is None or row is None:
        return None
    name, segment = CLASS_NAMES[address.event_class]
    is_sealed = file_sha256(root / entry["path"]) == entry["file_sha256"]
    facts = {
        "world_id": first["world_id"],
        "seed": first["seed"],
        "table": "transactions",
        "segment": segment,
        "class": name,
        "slot": address.slot,
        "card_index": address.card_index,
        "event_day": address.day,
        "shard": shard,
        **row,
    }
    notes = () if is_sealed else ("the file that holds it was changed after it was sealed",)
    subject = f"transaction {transaction_id}"
    return Answer(subject, "transaction", facts, tuple(own), is_sealed, entry["path"], notes)


def _covers(window: Mapping[str, str], day: str) -> bool:
    first, end = date.fromisoformat(window["from"]), date.fromisoformat(window["to"])
    return first <= date.fromisoformat(day) < end


def _entry(receipt: Mapping[str, Any], day: str, shard: int) -> Mapping[str, Any] | None:
    entries: Iterator[Mapping[str, Any]] = (
        entry
        for partition in receipt["partitions"]
        if (partition["event_day"], partition["shard"]) == (day, shard)
        for entry in partition["tables"]
        if entry["name"] == "transactions"
    )
    return next(entries, None)


def _row(path: Place, transaction_id: int) -> dict[str, Any] | None:
    """Where the row stands in a file and what it says; None where it does not, or no file is."""
    wanted = pa.scalar(transaction_id, pa.int64())
    before = 0
    try:
        with pq.ParquetFile(local_copy(path)) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, ["transaction_id"], use_threads=False)
                at = pc.index(ids["transaction_id"], wanted).as_py()
                if at >= 0:
                    row = file.read_row_group(group, use_threads=False).slice(at, 1).to_pylist()[0]
                    shown = ("event_time", "card_id", "merchant_id", "amount_minor", "currency")
                    return {"row": before + at, "values": {n: str(row[n]) for n in shown}}
                before += ids.num_rows
    except (OSError, pa.ArrowException, KeyError):
        return None  # No file, or another one in its place.
    return None

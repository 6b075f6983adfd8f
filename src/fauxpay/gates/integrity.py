"""Integrity: what no single column can show. Keys, money, civil time, dates and links agree.

Reads    transactions as written, the sealed catalog
Writes   findings
Draws    nothing

Rules about the row itself see every row. Rules that look things up in the catalog see one row in
SAMPLE_STEP, from a phase that moves from batch to batch: a mistake of the engine is systematic,
and a full join would cost more than making the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fauxpay.activity.rows import (
    ATM,
    CREDENTIAL_ON_FILE,
    ECOM,
    ENTRY_COUNT,
    MANUAL,
    MOTO,
    PURCHASE,
    WITHDRAWAL,
)
from fauxpay.catalog.world import World
from fauxpay.contracts.buffers import one_array, validity, values
from fauxpay.contracts.findings import Finding
from fauxpay.foundations import reference

SAMPLE_STEP = 256
DAY_US = 86_400_000_000
Offenders = NDArray[np.int64]
Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named check: `offenders` returns the rows that break it, of those that it is shown."""

    name: str
    column: str
    expected: str
    offenders: Callable[[Integrity, Columns], Offenders]


class Integrity:
    """The rules of one world; a batch is a record batch of `transactions`."""

    def __init__(self, world: World, reissued: Mapping[int, int]) -> None:
        """reissued: id of a replacement card -> position of the catalog's card."""
        self.world = world
        self._reissued = reissued
        self._cards = _Index(world.cards.id)
        self._merchants = _Index(world.merchants.id)
        self._terminals = _Index(world.terminals.id)
        self._phase = 0

    def check(self, batch: pa.RecordBatch | pa.Table) -> list[Finding]:
        """Findings of all rules; the schema of the batch is known to be right."""
        arrays = {name: one_array(batch.column(name)) for name in batch.schema.names}
        columns = {name: values(array) for name, array in arrays.items()}
        nulls = {f"{name} is null": _nulls(arrays[name]) for name in _NULLABLE}
        found = self._run(ROW_RULES, {**columns, **nulls}, np.arange(batch.num_rows))
        rows = np.arange(self._phase % SAMPLE_STEP, batch.num_rows, SAMPLE_STEP)
        self._phase += 1
        sample = {name: column[rows] for name, column in {**columns, **nulls}.items()}
        return found + self._run(LOOK_UP_RULES, sample, rows)

    def _run(self, rules: tuple[Rule, ...], columns: Columns, rows: Offenders) -> list[Finding]:
        found = []
        for rule in rules:
            broken = rule.offenders(self, columns)
            if broken.size:
                first = int(broken[0])
                shown = f"{rule.column}={columns[rule.column][first]}"
                found.append(
                    Finding(
                        check=rule.name,
                        table="transactions",
                        column=rule.column,
                        rows=int(rows.size),
                        offenders=int(broken.size),
                        first_row=int(rows[first]),
                        first_value=shown,
                        expected=rule.expected,
                    )
                )
        return found

    def card_positions(self, card_id: NDArray[np.int64]) -> Offenders:
        """Positions in the catalog of cards and of the cards that they replace; -1 for none."""
        position = self._cards.find(card_id)
        for row in np.flatnonzero(position < 0):
            position[row] = self._reissued.get(int(card_id[row]), -1)
        return position

    def merchant_positions(self, merchant_id: NDArray[np.int64]) -> Offenders:
        """Positions in the catalog of merchants; -1 for none."""
        return self._merchants.find(merchant_id)

    def terminal_positions(self, terminal_id: NDArray[np.int64]) -> Offenders:
        """Positions in the catalog of terminals; -1 for none."""
        return self._terminals.find(terminal_id)


class _Index:
    """Positions by id, by binary search in the sorted ids."""

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]

    def find(self, wanted: NDArray[np.int64]) -> Offenders:
        at = np.searchsorted(self._sorted, wanted).clip(0, self._sorted.size - 1)
        return np.where(self._sorted[at] == wanted, self._order[at], -1)


_NULLABLE = ("latitude", "ip_address", "original_transaction_id", "previous_transaction_id")


def _nulls(array: pa.Array) -> NDArray[np.bool_]:
    valid = validity(array)
    return np.zeros(len(array), dtype=np.bool_) if valid is None else ~valid


def _approval(_: Integrity, rows: Columns) -> Offenders:
    return np.flatnonzero((rows["response_code"] == 0) != rows["is_approved"])


_ENTRY_FITS = np.zeros((4, ENTRY_COUNT), dtype=np.bool_)
_ENTRY_FITS[[0, ATM], :MANUAL] = True
_ENTRY_FITS[MOTO, MANUAL] = True
_ENTRY_FITS[ECOM, MANUAL + 1 : CREDENTIAL_ON_FILE + 1] = True


def _entry(_: Integrity, rows: Columns) -> Offenders:
    case = rows["channel"] * np.int8(ENTRY_COUNT) + rows["entry_mode"]
    return np.flatnonzero(~_ENTRY_FITS.reshape(-1).take(case, mode="clip"))


def _presence(_: Integrity, rows: Columns) -> Offenders:
    remote = (rows["channel"] == ECOM) | (rows["channel"] == MOTO)
    return np.flatnonzero(rows["latitude is null"] != remote)


def _address(_: Integrity, rows: Columns) -> Offenders:
    return np.flatnonzero(~rows["ip_address is null"] & (rows["channel"] != ECOM))


def _original(_: Integrity, rows: Columns) -> Offenders:
    returns = rows["transaction_type"] > max(PURCHASE, WITHDRAWAL)
    return np.flatnonzero(rows["original_transaction_id is null"] == returns)


def _withdrawal(_: Integrity, rows: Columns) -> Offenders:
    wrong = (rows["transaction_type"] == WITHDRAWAL) & (rows["channel"] != ATM)
    wrong |= (rows["transaction_type"] == PURCHASE) & (rows["channel"] == ATM)
    return np.flatnonzero(wrong)


def _same_money(_: Integrity, rows: Columns) -> Offenders:
    same = rows["currency"] == rows["billing_currency"]
    return np.flatnonzero(same & (rows["amount_minor"] != rows["billing_amount_minor"]))


def _self_link(_: Integrity, rows: Columns) -> Offenders:
    own = rows["transaction_id"]
    return np.flatnonzero(
        (rows["previous_transaction_id"] == own) & ~rows["previous_transaction_id is null"]
    )


def _card(gate: Integrity, rows: Columns) -> Offenders:
    cards, at = gate.world.cards, gate.card_positions(rows["card_id"])
    wrong = (at < 0) | (cards.account_id[at] != rows["account_id"])
    wrong |= cards.customer_id[at] != rows["customer_id"]
    wrong |= cards.scheme[at] != rows["card_scheme"]
    wrong |= cards.currency[at] != rows["billing_currency"]
    return np.flatnonzero(wrong)


def _merchant(gate: Integrity, rows: Columns) -> Offenders:
    merchants, at = gate.world.merchants, gate.merchant_positions(rows["merchant_id"])
    wrong = (at < 0) | (merchants.mcc[at] != rows["mcc"])
    wrong |= merchants.country[at] != rows["merchant_country"]
    wrong |= merchants.city[at] != rows["merchant_city"]
    wrong |= merchants.currency[at] != rows["currency"]
    placed = ~rows["latitude is null"]
    wrong |= placed & (merchants.latitude[at] != rows["latitude"])
    return np.flatnonzero(wrong)


def _terminal(gate: Integrity, rows: Columns) -> Offenders:
    merchants, at = gate.world.merchants, gate.merchant_positions(rows["merchant_id"])
    terminal = gate.terminal_positions(rows["terminal_id"])
    first = merchants.first_terminal[at]
    inside = (terminal >= first) & (terminal < first + merchants.terminal_count[at])
    return np.flatnonzero(~inside | (at < 0))


def _card_dates(gate: Integrity, rows: Columns) -> Offenders:
    cards, at = gate.world.cards, gate.card_positions(rows["card_id"])
    day = rows["event_time"] // DAY_US
    return np.flatnonzero((day < cards.opened_day[at]) | (at < 0))


def _civil_time(gate: Integrity, rows: Columns) -> Offenders:
    """The offset is one that some zone of the world has at that instant; zones by the quarter."""
    if not rows["event_time"].size:
        return np.zeros(0, dtype=np.int64)
    day, of_day = np.divmod(rows["event_time"], DAY_US)
    first = int(day.min())
    date = (np.datetime64(0, "D") + first).astype(object)
    table = reference.offsets(list(gate.world.zones), date, int(day.max()) - first + 1)
    quarter = (day - first) * 96 + of_day // 900_000_000
    legal = (table[:, quarter] == rows["local_offset_minutes"]).any(axis=0)
    return np.flatnonzero(~legal)


ROW_RULES: tuple[Rule, ...] = (
    Rule("approval", "response_code", "is_approved exactly where the code is 00", _approval),
    Rule("entry_fits_channel", "entry_mode", "an entry mode that the channel allows", _entry),
    Rule("place_fits_channel", "channel", "coordinates where the card is present", _presence),
    Rule("address_fits_channel", "channel", "a network address for e-commerce alone", _address),
    Rule("returns_point_back", "transaction_type", "an original exactly for returns", _original),
    Rule("cash_at_machines", "transaction_type", "withdrawals at ATMs and only there", _withdrawal),
    Rule("same_currency_same_amount", "billing_amount_minor", "the amount itself", _same_money),
    Rule("no_self_link", "previous_transaction_id", "another row's id", _self_link),
)
LOOK_UP_RULES: tuple[Rule, ...] = (
    Rule("card_agrees", "card_id", "the account, customer, scheme of the catalog's card", _card),
    Rule("merchant_agrees", "merchant_id", "the catalog's trade, place, currency", _merchant),
    Rule("terminal_agrees", "terminal_id", "a terminal of the row's merchant", _terminal),
    Rule("card_is_open", "card_id", "a card opened on or before the event", _card_dates),
    Rule("civil_time", "local_offset_minutes", "an offset legal at that instant", _civil_time),
)
INTEGRITY_CHECKS = tuple(f"{rule.name} {rule.column}" for rule in (*ROW_RULES, *LOOK_UP_RULES))

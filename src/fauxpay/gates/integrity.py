"""Integrity: what no single column can show. Keys, money, civil time, dates and links agree.

Reads    transactions as written, the sealed catalog
Writes   findings
Draws    nothing

Every rule sees every row. Rules that look things up begin where the maker says that it took a key
from, and search for the key where it does not stand there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
from fauxpay.contracts.members import Claim
from fauxpay.foundations import reference

DAY_US = 86_400_000_000
_QUARTER_US = 900_000_000
_LAST_US = 2**63 - 1
Offenders = NDArray[np.int64]
Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A named check: `offenders` returns the rows that break it, of those that it is shown."""

    name: str
    column: str
    expected: str
    offenders: Callable[[Integrity, Columns], Offenders]


@dataclass(frozen=True, slots=True)
class Keys:
    """A world and where its keys stand: sorted once, for all of its shards."""

    world: World
    indexes: Mapping[str, _Index]

    @staticmethod
    def of(world: World) -> Keys:
        """The keys that transactions point to."""
        indexes = {
            "card_id": _Index(world.cards.id),
            "merchant_id": _Index(world.merchants.id),
            "terminal_id": _Index(world.terminals.id),
        }
        return Keys(world, indexes)

    def rules(self, reissues: pa.Table) -> Integrity:
        """The rules for cards of the catalog and those that took their place."""
        roots = pc.fill_null(reissues["root_card_id"], -1).to_numpy()
        positions = self.indexes["card_id"].find(roots).tolist()
        return Integrity(self, dict(zip(reissues["card_id"].to_pylist(), positions, strict=True)))


class Integrity:
    """The rules of one world; a batch is a record batch of `transactions`."""

    def __init__(self, keys: Keys, reissued: Mapping[int, int]) -> None:
        """reissued: id of a replacement card -> position of the catalog's card."""
        self.world = keys.world
        self._reissued = _Index(np.fromiter(reissued.keys(), np.int64, len(reissued)))
        self._replaced = np.fromiter(reissued.values(), np.int64, len(reissued))
        self._indexes = keys.indexes
        self._legal: tuple[int, NDArray[np.bool_]] | None = None
        self._unused: dict[str, tuple[tuple[int, int], NDArray[np.bool_]]] = {}

    def check(
        self, batch: pa.RecordBatch | pa.Table, claims: Mapping[str, Claim] | None = None
    ) -> list[Finding]:
        """Findings of all rules; the schema of the batch is known to be right.

        claims  by column: where its keys are said to stand in the world
        """
        arrays = {name: one_array(batch.column(name)) for name in batch.schema.names}
        columns: dict[str, Any] = {name: values(array) for name, array in arrays.items()}
        columns |= {f"{name} is null": _nulls(arrays[name]) for name in _NULLABLE}
        at = columns["event_time"]
        columns["first day"] = int(at.min(initial=_LAST_US)) // DAY_US
        columns["last day"] = int(at.max(initial=0)) // DAY_US
        columns |= {
            f"{name} at": self._positions(name, columns[name], (claims or {}).get(name))
            for name in self._indexes
        }
        columns |= {f"{owner} suspects": self._suspects(owner, columns) for owner in _OWNERS}
        found = []
        for rule in RULES:
            broken = rule.offenders(self, columns)
            if broken.size:
                first = int(broken[0])
                found.append(
                    Finding(
                        check=rule.name,
                        table="transactions",
                        column=rule.column,
                        rows=batch.num_rows,
                        offenders=int(broken.size),
                        first_row=first,
                        first_value=f"{rule.column}={columns[rule.column][first]}",
                        expected=rule.expected,
                    )
                )
        return found

    def _positions(self, name: str, ids: NDArray[np.int64], claim: Claim | None) -> Offenders:
        """Positions in the world of the keys of a column; -1 for none."""
        index = self._indexes[name]
        if claim is None:
            position, unsettled = np.full(ids.size, -1), np.arange(ids.size)
        else:
            position, unsettled = claim.position, index.refuted(ids, claim.position)
        if not unsettled.size:
            return position
        position = position.copy()
        position[unsettled] = index.find(ids[unsettled])
        if name == "card_id" and self._replaced.size:
            lost = unsettled[position[unsettled] < 0]
            found = self._reissued.find(ids[lost])
            position[lost] = np.where(found < 0, -1, self._replaced[found])
        return position

    def _suspects(self, owner: str, rows: Columns) -> Offenders:
        """Rows of cards or merchants that are not in use on all the days of the batch, or unknown.

        owner  "card" or "merchant". Whoever is in use from the first day to the last needs no look
               at its dates for each row: one bit tells.
        """
        days, at = (rows["first day"], rows["last day"]), rows[f"{owner}_id at"]
        known = self._unused.get(owner)
        if known is None or known[0] != days:
            table = self.world.cards if owner == "card" else self.world.merchants
            known = days, (table.opened_day > days[0]) | (table.closed_day <= days[1])
            self._unused[owner] = known
        suspected = known[1].take(at, mode="clip")
        suspected |= at < 0
        return np.flatnonzero(suspected)

    def legal_offsets(self, first_day: int, last_day: int) -> NDArray[np.bool_]:
        """Whether some zone of the world has an offset: bool[quarters from first_day on, 128].

        Offsets are counted in quarter-hours from -16 h on.
        """
        if self._legal is not None and self._legal[0] == first_day:
            known = self._legal[1]
            if known.shape[0] >= (last_day - first_day + 1) * 96:
                return known
        date = np.datetime64(first_day, "D").astype(object)
        table = reference.offsets(list(self.world.zones), date, last_day - first_day + 1)
        legal = np.zeros((table.shape[1], _OFFSETS), dtype=np.bool_)
        for zone in table:
            legal[np.arange(zone.size), zone // 15 + _OFFSETS // 2] = True
        self._legal = (first_day, legal)
        return legal


class _Index:
    """Positions by id, by binary search in the sorted ids."""

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._ids = ids
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]

    def find(self, wanted: NDArray[np.int64]) -> Offenders:
        if not self._sorted.size:
            return np.full(wanted.size, -1)
        at = np.searchsorted(self._sorted, wanted).clip(0, self._sorted.size - 1)
        return np.where(self._sorted[at] == wanted, self._order[at], -1)

    def refuted(self, wanted: NDArray[np.int64], position: NDArray[np.int64]) -> Offenders:
        """Rows whose id does not stand at the position."""
        return Claim(self._ids, position).refuted(wanted)


_OFFSETS = 128
_OWNERS = ("card", "merchant")
_NULLABLE = ("latitude", "ip_address", "original_transaction_id", "previous_transaction_id")


def _nulls(array: pa.Array) -> NDArray[np.bool_]:
    valid = validity(array)
    return np.zeros(len(array), dtype=np.bool_) if valid is None else ~valid


def _approval(_: Integrity, rows: Columns) -> Offenders:
    return np.flatnonzero((rows["response_code"] == 0) != rows["is_approved"])


ENTRY_FITS = np.zeros((4, ENTRY_COUNT), dtype=np.bool_)
ENTRY_FITS[[0, ATM], :MANUAL] = True
ENTRY_FITS[MOTO, MANUAL] = True
ENTRY_FITS[ECOM, MANUAL + 1 : CREDENTIAL_ON_FILE + 1] = True


def _entry(_: Integrity, rows: Columns) -> Offenders:
    case = rows["channel"] * np.int8(ENTRY_COUNT) + rows["entry_mode"]
    return np.flatnonzero(~ENTRY_FITS.reshape(-1).take(case, mode="clip"))


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
    cards, at = gate.world.cards, rows["card_id at"]
    wrong = cards.account_id.take(at, mode="clip") != rows["account_id"]
    wrong |= cards.customer_id.take(at, mode="clip") != rows["customer_id"]
    wrong |= cards.scheme.take(at, mode="clip") != rows["card_scheme"]
    wrong |= cards.product.take(at, mode="clip") != rows["card_product"]
    wrong |= cards.currency.take(at, mode="clip") != rows["billing_currency"]
    wrong |= at < 0
    return np.flatnonzero(wrong)


def _merchant(gate: Integrity, rows: Columns) -> Offenders:
    merchants, at = gate.world.merchants, rows["merchant_id at"]
    wrong = merchants.mcc.take(at, mode="clip") != rows["mcc"]
    wrong |= merchants.country.take(at, mode="clip") != rows["merchant_country"]
    wrong |= merchants.city.take(at, mode="clip") != rows["merchant_city"]
    wrong |= merchants.currency.take(at, mode="clip") != rows["currency"]
    moved = merchants.latitude.take(at, mode="clip") != rows["latitude"]
    moved |= merchants.longitude.take(at, mode="clip") != rows["longitude"]
    wrong |= moved & ~rows["latitude is null"]
    wrong |= at < 0
    return np.flatnonzero(wrong)


def _terminal(gate: Integrity, rows: Columns) -> Offenders:
    merchants, at = gate.world.merchants, rows["merchant_id at"]
    nth = rows["terminal_id at"] - merchants.first_terminal.take(at, mode="clip")
    wrong = (nth < 0) | (nth >= merchants.terminal_count.take(at, mode="clip"))
    return np.flatnonzero(wrong | (at < 0) | (rows["terminal_id at"] < 0))


def _card_dates(gate: Integrity, rows: Columns) -> Offenders:
    row: Offenders = rows["card suspects"]
    at, event_us = rows["card_id at"][row], rows["event_time"][row]
    opened_us = gate.world.cards.opened_day.take(at, mode="clip") * DAY_US
    return row.take(np.flatnonzero((event_us < opened_us) | (at < 0)))


def _card_closed(gate: Integrity, rows: Columns) -> Offenders:
    """Nothing happens on a card that is given up, refunds included."""
    row: Offenders = rows["card suspects"]
    at, event_us = rows["card_id at"][row], rows["event_time"][row]
    closed_us = gate.world.cards.closed_day.take(at, mode="clip") * DAY_US
    return row.take(np.flatnonzero((event_us >= closed_us) | (at < 0)))


def _in_business(gate: Integrity, rows: Columns) -> Offenders:
    """Refunds may come from a merchant that has closed since."""
    row: Offenders = rows["merchant suspects"]
    merchants, at, event_us = (
        gate.world.merchants,
        rows["merchant_id at"][row],
        rows["event_time"][row],
    )
    wrong = event_us < merchants.opened_day.take(at, mode="clip") * DAY_US
    wrong |= event_us >= merchants.closed_day.take(at, mode="clip") * DAY_US
    wrong &= rows["transaction_type"][row] <= max(PURCHASE, WITHDRAWAL)
    return row.take(np.flatnonzero(wrong | (at < 0)))


def _civil_time(gate: Integrity, rows: Columns) -> Offenders:
    """The offset is one that some zone of the world has at that instant."""
    if not rows["event_time"].size:
        return np.zeros(0, dtype=np.int64)
    first = rows["first day"]
    legal = gate.legal_offsets(first, rows["last day"])
    position = rows["event_time"] - first * DAY_US
    position //= _QUARTER_US
    position *= _OFFSETS
    quarters = rows["local_offset_minutes"] // 15
    position += quarters + _OFFSETS // 2
    is_legal = legal.reshape(-1).take(position, mode="clip")
    is_legal &= quarters * 15 == rows["local_offset_minutes"]
    return np.flatnonzero(~is_legal)


RULES: tuple[Rule, ...] = (
    Rule("approval", "response_code", "is_approved exactly where the code is 00", _approval),
    Rule("entry_fits_channel", "entry_mode", "an entry mode that the channel allows", _entry),
    Rule("place_fits_channel", "channel", "coordinates where the card is present", _presence),
    Rule("address_fits_channel", "channel", "a network address for e-commerce alone", _address),
    Rule("returns_point_back", "transaction_type", "an original exactly for returns", _original),
    Rule("cash_at_machines", "transaction_type", "withdrawals at ATMs and only there", _withdrawal),
    Rule("same_currency_same_amount", "billing_amount_minor", "the amount itself", _same_money),
    Rule("no_self_link", "previous_transaction_id", "another row's id", _self_link),
    Rule(
        "card_agrees", "card_id", "account, customer, scheme, product of the catalog's card", _card
    ),
    Rule("merchant_agrees", "merchant_id", "the catalog's trade, place, currency", _merchant),
    Rule("terminal_agrees", "terminal_id", "a terminal of the row's merchant", _terminal),
    Rule("card_is_open", "card_id", "a card opened on or before the event", _card_dates),
    Rule("card_is_not_closed", "card_id", "a card closed after the event or never", _card_closed),
    Rule("merchant_in_business", "merchant_id", "a merchant open on that day", _in_business),
    Rule("civil_time", "local_offset_minutes", "an offset legal at that instant", _civil_time),
)
INTEGRITY_CHECKS = tuple(f"{rule.name} {rule.column}" for rule in RULES)

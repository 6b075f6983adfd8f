"""Addresses: (card, UTC day, code) in 63 bits. The name of a cell and of all that happens in it.

33 bits of card, 18 of day (since 1970-01-01), 12 of code: 3 bits of class and 9 of slot. A second
or third try has its visit's slot, in 8 bits, and says in the ninth which of the two it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import I64, U64

CARD_SHIFT = 30
DAY_SHIFT = 12
CLASS_SHIFT = 9
SLOT_MASK = (1 << CLASS_SHIFT) - 1

ORDINARY, RECURRING, REFUND, REVERSAL, ATTACK, RETRY = range(6)
TRY_SHIFT = 8
_WORD = (1 << 64) - 1
_RETRY_BITS = (7 << CLASS_SHIFT) | (1 << TRY_SHIFT)


def cell_addresses(card: I64, day: Any) -> U64:
    """Addresses of cells; card i64[n], day a whole number or i64[n]."""
    address = card << np.int64(CARD_SHIFT)
    address |= np.asarray(day, dtype=np.int64) << np.int64(DAY_SHIFT)
    return address.view(np.uint64)


def code(event_class: int, slot: I64) -> I64:
    """Code of a class's slot inside a cell."""
    return slot | np.int64(event_class << CLASS_SHIFT)


def retry_codes(slot: I64, nth: int) -> I64:
    """Codes of what is tried again after visits were refused; nth is 0 or 1."""
    return code(RETRY, slot | np.int64(nth << TRY_SHIFT))


def in_cell(address: U64, own_code: I64) -> U64:
    """Addresses of codes in the cells that other addresses lie in."""
    cell = address & np.uint64(_WORD ^ ((1 << DAY_SHIFT) - 1))
    return cell | own_code.view(np.uint64)


def tried_first(address: U64) -> U64:
    """The visit's address for each retry, any other address itself."""
    found, retry = address.copy(), np.flatnonzero(classes(address) == RETRY)
    found[retry] &= np.uint64(_WORD ^ _RETRY_BITS)
    return found


def classes(address: U64) -> I64:
    """The class in each address or code."""
    return ((address >> np.uint64(CLASS_SHIFT)) & np.uint64(7)).view(np.int64)


def is_return(address: U64) -> Bool:
    """Whether each address or code is that of a refund or a reversal."""
    kind = classes(address)
    return np.asarray((kind == REFUND) | (kind == REVERSAL))


def slots_of(address: U64) -> I64:
    """The slot in each address."""
    return (address & np.uint64(SLOT_MASK)).view(np.int64)


def days_of(address: U64) -> I64:
    """The day in each address."""
    return ((address >> np.uint64(DAY_SHIFT)) & np.uint64((1 << 18) - 1)).view(np.int64)


def cards_of(address: U64) -> I64:
    """The card in each address."""
    return (address >> np.uint64(CARD_SHIFT)).view(np.int64)

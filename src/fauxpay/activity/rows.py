"""Rows: what the stages of a purchase hand to each other, one entry per row.

A row asks for its merchant, ticket and manner by `address`. For a refund or a reversal that is
the address of the purchase it takes back, so it repeats it without looking anything up; for a
subscription it is an address without a day, so every month is alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fauxpay.catalog.world import Bool
from fauxpay.foundations.draws import F64, I64, U64

LOCAL, ONLINE, CASH, TELEPHONE, SUBSCRIBED = range(5)
KIND_COUNT = 5
POS, ECOM, MOTO, ATM = range(4)
CHANNEL_OF_KIND = np.array([POS, ECOM, ATM, MOTO, ECOM], dtype=np.int8)
CHIP, CONTACTLESS, MAGSTRIPE, MANUAL, ECOMMERCE, CREDENTIAL_ON_FILE = range(6)
ENTRY_COUNT = 6
PIN, SIGNATURE, NO_AUTHENTICATION, OTP, FRICTIONLESS, DEVICE = range(6)
PURCHASE, WITHDRAWAL, REFUND_TYPE, REVERSAL_TYPE = range(4)
LOCAL_QUARTERS = 672


@dataclass(frozen=True, slots=True)
class Rows:
    """Context of n rows.

    card           i64[n]     card
    address        u64[n]     what the purchase's draws are asked by
    own_address    u64[n]     the row's own
    where_address  u64[n]     what the merchant is asked by: at times that of an earlier purchase
    place          i64[n]     where the card is
    in_transit     bool[n]    no card-present purchase on a day of travel
    local_quarter  i64[n]     quarter-hour of the local week, 0..671; more on days of sales
    record         i64[n, 4]  the card's record (activity.traits)
    traits         i64[n]     the record's packed traits
    country        i64[n]     of the card
    currency       i64[n]     of the account
    ticket_word    u64[n]     draws of how much and how
    billed         i64[k]     rows that are payments of subscriptions
    price_factor   f64[k]     their price over that which their address has
    price_times    i64[k]     how many monthly prices that factor holds
    """

    card: I64
    address: U64
    own_address: U64
    where_address: U64
    place: I64
    in_transit: Bool
    local_quarter: I64
    record: I64
    traits: I64
    country: I64
    currency: I64
    ticket_word: U64
    billed: I64
    price_factor: F64
    price_times: I64


@dataclass(frozen=True, slots=True)
class Where:
    """Kind of purchase, merchant, terminal and the merchant's packed traits, each i64[n]."""

    kind: I64
    merchant: I64
    terminal: I64
    traits: I64


@dataclass(frozen=True, slots=True)
class Ticket:
    """How much: amounts in minor units (f64[n], whole), and the depth of the upper tail, i64[n]."""

    amount: F64
    billing: F64
    tail_octave: I64


@dataclass(frozen=True, slots=True)
class Session:
    """Online rows but returns: their positions, device index (-1: none known) and address."""

    row: I64
    device: I64
    ip_address: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Manner:
    """Entry mode, authentication and response code of n rows, as codes of the contract."""

    entry_mode: NDArray[np.int8]
    authentication: NDArray[np.int8]
    response: NDArray[np.int8]

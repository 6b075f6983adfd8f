"""Accounts: what cards are billed to. A customer's debit cards share one, other cards have own.

Reads    customers, the products of their cards
Writes   accounts
Draws    accounts/age
Sources  parameters.yaml [accounts], config activity.epoch
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.catalog.columns import choices, shaped, texts
from fauxpay.catalog.customers import Customers, customer_ids
from fauxpay.catalog.laws import addresses, numbers_by, words
from fauxpay.catalog.places import Places
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, uniform

DAYS_PER_YEAR = 365.25
DAY_ZERO = date(1970, 1, 1)


def make_accounts(
    seed: int, epoch: date, customers: Customers, holder: I64, is_debit: Any, facts: Any
) -> Accounts:
    """The accounts that a list of cards needs, in the order of their first card.

    holder    i64[cards]   customer of each card, rising
    is_debit  bool[cards]
    facts     the section catalog of parameters.yaml
    """
    of_card, first_card = _shared(holder, is_debit)
    customer = holder[first_card]
    return Accounts(
        of_card=of_card,
        customer=customer,
        opened_day=_opened_days(seed, epoch, customers.age[customer], facts["accounts"]),
    )


def account_ids(seed: int, index: I64) -> I64:
    """Ids of accounts by index."""
    return IdLaw.of(seed, "accounts").ids(index.astype(np.uint64))


def accounts_table(seed: int, places: Places, customers: Customers, accounts: Accounts) -> pa.Table:
    """The contract's table of accounts."""
    return shaped(
        "accounts",
        {
            "account_id": account_ids(seed, np.arange(accounts.customer.size)),
            "customer_id": customer_ids(seed, accounts.customer),
            "currency": texts(places.currencies, customers.country[accounts.customer]),
            "opened_day": accounts.opened_day,
        },
    )


def _shared(holder: I64, is_debit: Any) -> tuple[I64, I64]:
    """(account of each card, first card of each account)."""
    debit_so_far = np.cumsum(is_debit)
    is_first_of_holder = np.concatenate(([True], holder[1:] != holder[:-1]))
    debit_before = (debit_so_far - is_debit)[is_first_of_holder]
    nth_debit = debit_so_far - debit_before[np.cumsum(is_first_of_holder) - 1]
    opens = ~is_debit | (nth_debit == 1)
    account = np.cumsum(opens) - 1
    current_account = np.zeros(int(holder[-1]) + 1, dtype=np.int64)
    opens_debit = opens & is_debit
    current_account[holder[opens_debit]] = account[opens_debit]
    return np.where(opens, account, current_account[holder]), np.flatnonzero(opens)


def _opened_days(seed: int, epoch: date, age: I64, facts: Mapping[str, Any]) -> I64:
    """Days since 1970, before the epoch by an exponential age, cut at what the age band allows."""
    least = float(facts["age_days_min"])
    mean = float(facts["age_years_mean"]) * DAYS_PER_YEAR
    bands = choices("customers", "age_band")
    years_max = numbers_by("accounts.age_years_max", facts["age_years_max"], bands)
    span = np.maximum(years_max * DAYS_PER_YEAR - least, 1.0)[age]
    u = uniform(words(seed, "accounts/age", addresses(age.size)))
    days = least - mean * np.log1p(-u * -np.expm1(-span / mean))
    # Rounded first: a day must not hang on the last bit of a logarithm.
    return (epoch - DAY_ZERO).days - np.floor(np.round(days, 6)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Accounts:
    """of_card i64[cards]: account of each card; customer, opened_day (since 1970) by account."""

    of_card: I64
    customer: I64
    opened_day: I64

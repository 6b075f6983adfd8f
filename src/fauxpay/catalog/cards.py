"""Cards: scheme, product, BIN, dates, and how much and where each is used.

Reads    customers, accounts
Writes   cards
Draws    cards/{product,scheme,issuer,contactless,expires,opened,is_new,new,closed,level,online}
Sources  parameters.yaml [cards], [countries], config activity.{epoch,rate_log_sd}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fauxpay.catalog.accounts import DAY_ZERO, Accounts, account_ids, make_accounts
from fauxpay.catalog.columns import Coded, choices, nullable_days, shaped, texts
from fauxpay.catalog.customers import Customers, customer_ids
from fauxpay.catalog.habits import levels, online_shares
from fauxpay.catalog.laws import (
    addresses,
    numbers_by,
    pick,
    pick_row,
    repeated,
    weights_by,
    words,
    zipf,
)
from fauxpay.catalog.lifetimes import NO_END, beginnings, begins_within, endings
from fauxpay.catalog.places import Places
from fauxpay.errors import ConfigError
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import F64, I64, U64, below, uniform

if TYPE_CHECKING:
    from fauxpay.config.model import Config


def make_cards(
    config: Config, places: Places, customers: Customers, facts: Mapping[str, Any]
) -> tuple[Cards, Accounts]:
    """The cards of the customers, in their order, and the accounts that they are billed to.

    facts  the section catalog of parameters.yaml
    """
    seed = config.catalog.seed
    holder, nth = repeated(customers.card_count)
    index = addresses(holder.size)
    country = customers.country[holder]
    product, scheme = _products_and_schemes(seed, country, places, facts)
    is_debit = product == choices("cards", "card_product").index("debit")
    epoch = config.activity.epoch
    accounts = make_accounts(seed, epoch, customers, holder, is_debit, facts)
    share = numbers_by(
        "cards.contactless_share", facts["cards"]["contactless_share"], places.countries
    )
    opened, closed = _lifetimes(seed, accounts.opened_day[accounts.of_card], epoch, facts)
    cards = Cards(
        customer=holder,
        product=product,
        scheme=scheme,
        bin=_bins(seed, accounts.of_card, (country, scheme, product), places, facts["cards"]),
        expires_on=_expiry_days(words(seed, "cards/expires", index), epoch, opened, facts["cards"]),
        is_contactless=uniform(words(seed, "cards/contactless", index)) < share[country],
        opened_day=opened,
        closed_day=closed,
        level=levels(config, places, customers, (holder, nth), facts),
        online_share=online_shares(seed, places, customers, holder, facts),
    )
    return cards, accounts


def cards_table(seed: int, cards: Cards, accounts: Accounts, facts: Mapping[str, Any]) -> pa.Table:
    """The contract's table of cards."""
    low, high = facts["cards"]["bin_range"]
    ids = IdLaw.of(seed, "cards").ids(addresses(cards.customer.size))
    return shaped(
        "cards",
        {
            "card_id": ids,
            "account_id": account_ids(seed, accounts.of_card),
            "customer_id": customer_ids(seed, cards.customer),
            "card_scheme": Coded(cards.scheme, choices("cards", "card_scheme")),
            "card_product": Coded(cards.product, choices("cards", "card_product")),
            "bin": texts([f"{code:06d}" for code in range(low, high + 1)], cards.bin),
            "expires_on": cards.expires_on,
            "is_contactless": cards.is_contactless,
            "opened_day": cards.opened_day,
            "closed_on": nullable_days(cards.closed_day, cards.closed_day == NO_END),
            "purchases_per_day": cards.level,
            "online_share": cards.online_share,
        },
    )


def scheme_laws(places: Places, facts: Mapping[str, Any]) -> tuple[F64, F64]:
    """(share of products by country, share of schemes by country and product).

    Credit-only schemes are given to credit cards alone, so often that the countries' scheme
    shares hold over all cards; where credit cards are too few for that, they have no others.
    returns  f64[countries, products], f64[countries * products, schemes]
    """
    schemes, products = choices("cards", "card_scheme"), choices("cards", "card_product")
    section = facts["countries"]
    product = weights_by(
        "countries.product_mix", section["product_mix"], places.countries, products
    )
    scheme = weights_by("countries.scheme_mix", section["scheme_mix"], places.countries, schemes)
    is_credit = np.array([name == "credit" for name in products])
    credit_only = np.isin(schemes, facts["cards"]["credit_only_schemes"])
    usual = np.where(credit_only, 0.0, scheme)
    usual /= np.maximum(usual.sum(axis=1, keepdims=True), 1e-12)
    special = np.where(credit_only, scheme, 0.0)
    wanted = special.sum(axis=1, keepdims=True)
    special /= np.maximum(wanted, 1e-12)
    weight = np.minimum(wanted / np.maximum(product[:, is_credit], 1e-12), 1.0)
    credit = weight * special + (1.0 - weight) * usual
    by_product = np.where(is_credit[None, :, None], credit[:, None, :], usual[:, None, :])
    return product, by_product.reshape(-1, len(schemes))


def _products_and_schemes(
    seed: int, country: I64, places: Places, facts: Mapping[str, Any]
) -> tuple[I64, I64]:
    index = addresses(country.size)
    product_share, scheme_share = scheme_laws(places, facts)
    product = pick_row(words(seed, "cards/product", index), country, product_share)
    row = country * product_share.shape[1] + product
    return product, pick_row(words(seed, "cards/scheme", index), row, scheme_share)


def _bins(
    seed: int, account: I64, kind: tuple[I64, I64, I64], places: Places, facts: Mapping[str, Any]
) -> I64:
    """Position in the BIN range: a BIN is one bank's cards of one scheme and product."""
    country, scheme, product = kind
    scheme_count = len(choices("cards", "card_scheme"))
    product_count = len(choices("cards", "card_product"))
    low, high = facts["bin_range"]
    room = (high - low + 1) // (len(places.countries) * scheme_count * product_count)
    issuers = min(int(facts["issuers"]), room)
    if issuers < 1:
        raise ConfigError(
            f"parameters.catalog.cards.bin_range: {low} to {high} is too small for "
            f"{len(places.countries)} countries; expected at least "
            f"{len(places.countries) * scheme_count * product_count} BINs"
        )
    share = zipf(np.arange(1, issuers + 1), float(facts["issuer_zipf_exponent"]))
    issuer = pick(words(seed, "cards/issuer", account.astype(np.uint64)), share)
    position: I64 = (country * issuers + issuer) * scheme_count + scheme
    return position * product_count + product


def _expiry_days(word: U64, epoch: date, opened_day: I64, facts: Mapping[str, Any]) -> I64:
    """Last day of the month of expiry, in days since 1970.

    Where openings are told for longer than cards are good, a card is good for a month at least.
    """
    first, last = facts["expiry_months"]
    reference = (epoch.year + int(facts["expiry_reference_years"]) - 1970) * 12 + epoch.month - 1
    month = reference + int(first) + below(word, int(last) - int(first) + 1)
    opened = opened_day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    next_month = (np.maximum(month, opened + 1) + 1).astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray(next_month.astype(np.int64) - 1)


def _lifetimes(
    seed: int, account_opened_day: I64, epoch: date, facts: Mapping[str, Any]
) -> tuple[I64, I64]:
    """(first day, day of closing or NO_END) of each card."""
    law, epoch_day = facts["cards"]["lifetimes"], (epoch - DAY_ZERO).days
    index = addresses(account_opened_day.size)
    rate = np.full(index.size, float(law["rate_per_year"]))
    before = _opened_days(words(seed, "cards/opened", index), account_opened_day, epoch)
    new = beginnings(words(seed, "cards/new", index), epoch_day, law)
    is_new = begins_within(words(seed, "cards/is_new", index), rate, law)
    opened = np.where(is_new, new, before)
    return opened, endings(words(seed, "cards/closed", index), opened, rate, (epoch_day, law))


def _opened_days(word: U64, account_opened_day: I64, epoch: date) -> I64:
    """A day from the opening of the account on and before the epoch, in days since 1970."""
    span = (epoch - DAY_ZERO).days - account_opened_day
    return account_opened_day + below(word, np.maximum(span, 1))


@dataclass(frozen=True, slots=True)
class Cards:
    """Arrays by card: codes, days since 1970, level relative to the mean, share 0..1.

    closed_day is NO_END where no end is told.
    """

    customer: I64
    product: I64
    scheme: I64
    bin: I64
    expires_on: I64
    is_contactless: Any
    opened_day: I64
    closed_day: I64
    level: F64
    online_share: F64

"""Customers: the adults of the households, each with the cards that are in use.

Reads    households
Writes   customers
Draws    customers/{income,profile,is_family,card_count}
Sources  parameters.yaml [customers], [households], [countries.cards_per_customer]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.catalog.columns import Coded, choices, shaped, texts
from fauxpay.catalog.households import Households, household_ids, household_laws
from fauxpay.catalog.laws import (
    addresses,
    normal,
    numbers_by,
    pick_row,
    repeated,
    significant,
    weights_by,
    words,
)
from fauxpay.catalog.places import Places
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import F64, I64, uniform

INCOME_DIGITS = 5


def make_customers(
    seed: int, places: Places, households: Households, facts: Mapping[str, Any]
) -> Customers:
    """Every adult of the households, in household order.

    facts  the section catalog of parameters.yaml
    """
    household, nth = repeated(households.adults)
    index = addresses(household.size)
    laws = household_laws(facts)
    head_age = households.age[household]
    age = np.where(nth == 2, laws.third_age[head_age], head_age)
    country = households.country[household]
    income_mean = income_by_age(facts)
    sd = float(facts["customers"]["income_log_sd"])
    spread = np.exp(sd * normal(words(seed, "customers/income", index)) - sd * sd / 2)
    counts = card_counts(facts, places.countries)
    return Customers(
        household=household,
        country=country,
        place=households.place[household],
        age=age,
        income_level=significant(income_mean[age] * spread, INCOME_DIGITS),
        profile=_profiles(seed, age, households.children[household] > 0, facts),
        card_count=1 + pick_row(words(seed, "customers/card_count", index), country, counts),
    )


def income_by_age(facts: Mapping[str, Any]) -> F64:
    """Mean income level of each age band; 1 is the mean over all customers."""
    bands = choices("customers", "age_band")
    mean = numbers_by("customers.income_by_age", facts["customers"]["income_by_age"], bands)
    return mean / float(mean @ household_laws(facts).customer_ages())


def card_counts(facts: Mapping[str, Any], countries: tuple[str, ...]) -> F64:
    """Probability of 1, 2, ... cards by country: geometric, cut at cards.count_max."""
    name = "countries.cards_per_customer"
    mean = numbers_by(name, facts["countries"]["cards_per_customer"], countries)
    ratio = 1.0 - 1.0 / np.maximum(mean, 1.0)
    weights = ratio[:, None] ** np.arange(int(facts["cards"]["count_max"]))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def customers_table(seed: int, places: Places, customers: Customers) -> pa.Table:
    """The contract's table of customers."""
    return shaped(
        "customers",
        {
            "customer_id": customer_ids(seed, np.arange(customers.household.size)),
            "household_id": household_ids(seed, customers.household),
            "place_id": places.id[customers.place],
            "country": texts(places.countries, customers.country),
            "age_band": Coded(customers.age, choices("customers", "age_band")),
            "income_level": customers.income_level,
            "profile": Coded(customers.profile, choices("customers", "profile")),
        },
    )


def customer_ids(seed: int, index: I64) -> I64:
    """Ids of customers by index."""
    return IdLaw.of(seed, "customers").ids(index.astype(np.uint64))


def _profiles(seed: int, age: I64, has_children: Any, facts: Mapping[str, Any]) -> I64:
    bands, profiles = choices("customers", "age_band"), choices("customers", "profile")
    section = facts["customers"]
    index = addresses(age.size)
    shares = weights_by("customers.profile", section["profile"], bands, profiles)
    profile = pick_row(words(seed, "customers/profile", index), age, shares)
    family = numbers_by("customers.family_share", section["family_share"], bands)[age]
    is_family = has_children & (uniform(words(seed, "customers/is_family", index)) < family)
    return np.where(is_family, profiles.index("family"), profile)


@dataclass(frozen=True, slots=True)
class Customers:
    """Arrays by customer: indexes of household, country, place, age band and profile."""

    household: I64
    country: I64
    place: I64
    age: I64
    income_level: F64
    profile: I64
    card_count: I64

    def trimmed(self, cards: int) -> Customers:
        """The customers who hold the first `cards` cards; the last one may hold fewer."""
        reached = np.cumsum(self.card_count)
        assert reached[-1] >= cards
        last = int(np.searchsorted(reached, cards))
        card_count = self.card_count[: last + 1].copy()
        card_count[last] -= reached[last] - cards
        rows = slice(0, last + 1)
        return Customers(
            household=self.household[rows],
            country=self.country[rows],
            place=self.place[rows],
            age=self.age[rows],
            income_level=self.income_level[rows],
            profile=self.profile[rows],
            card_count=card_count,
        )

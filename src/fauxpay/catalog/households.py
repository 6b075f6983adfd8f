"""Households: who lives together, and where. Not a table of its own; customers name theirs.

Reads    places
Writes   nothing
Draws    households/{country,place,age,adults,children}
Sources  parameters.yaml [households], [customers.age]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fauxpay.catalog.columns import choices
from fauxpay.catalog.laws import addresses, lists_by, pick, pick_row, weights_of, words
from fauxpay.catalog.places import Places
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import F64, I64, uniform


def make_households(seed: int, places: Places, facts: Mapping[str, Any], count: int) -> Households:
    """The first `count` households of a world; each is the same in any world with more.

    facts  the section catalog of parameters.yaml
    """
    index = addresses(count)
    laws = household_laws(facts)
    country = pick(words(seed, "households/country", index), places.share)
    age = pick(words(seed, "households/age", index), laws.age)
    return Households(
        country=country,
        place=homes(uniform(words(seed, "households/place", index)), country, places),
        age=age,
        adults=1 + pick_row(words(seed, "households/adults", index), age, laws.adults),
        children=pick_row(words(seed, "households/children", index), age, laws.children),
    )


def homes(u: F64, country: I64, places: Places) -> I64:
    """A place of the country for each u in [0, 1), in proportion to the people of its region."""
    reached = np.cumsum(places.weight)
    last = reached[places.first + places.count - 1]
    before = last - np.add.reduceat(places.weight, places.first)
    target = before[country] + np.floor(u * (last - before)[country]).astype(np.int64)
    return np.asarray(np.searchsorted(reached, target, side="right"), dtype=np.int64)


def household_ids(seed: int, index: I64) -> I64:
    """Ids of households by index."""
    return IdLaw.of(seed, "households").ids(index.astype(np.uint64))


def household_laws(facts: Mapping[str, Any]) -> HouseholdLaws:
    """The laws of the section catalog of parameters.yaml. Raises ConfigError for bad shares."""
    bands = choices("customers", "age_band")
    section = facts["households"]
    return HouseholdLaws(
        age=weights_of("customers.age", facts["customers"]["age"], bands),
        adults=lists_by("households.adults", section["adults"], bands),
        children=lists_by("households.children", section["children"], bands),
        third_age=np.array([bands.index(section["third_adult_age"][band]) for band in bands]),
    )


@dataclass(frozen=True, slots=True)
class Households:
    """Arrays by household: indexes of country, place and age band of the first adult; counts."""

    country: I64
    place: I64
    age: I64
    adults: I64
    children: I64

    def first(self, count: int) -> Households:
        """The first `count` of them."""
        return Households(
            country=self.country[:count],
            place=self.place[:count],
            age=self.age[:count],
            adults=self.adults[:count],
            children=self.children[:count],
        )


@dataclass(frozen=True, slots=True)
class HouseholdLaws:
    """age f64[bands]; adults, children f64[bands, counts]; third_age i64[bands]."""

    age: F64
    adults: F64
    children: F64
    third_age: I64

    def adults_mean(self) -> float:
        """Mean number of adults of a household."""
        return float(self.age @ self.adults @ np.array([1.0, 2.0, 3.0]))

    def customer_ages(self) -> F64:
        """Share of each age band among all adults."""
        at_least = np.cumsum(self.adults[:, ::-1], axis=1)[:, ::-1]
        share = self.age * (at_least[:, 0] + at_least[:, 1])
        np.add.at(share, self.third_age, self.age * at_least[:, 2])
        return np.asarray(share / share.sum())

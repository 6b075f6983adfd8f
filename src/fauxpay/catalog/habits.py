"""Habits: how much each card is used, and how much of it online.

Reads    customers
Writes   cards.purchases_per_day, cards.online_share
Draws    cards/{level,online}
Sources  parameters.yaml [cards.rate_*], [cards.online_*], config activity.rate_log_sd
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.catalog.columns import choices
from fauxpay.catalog.customers import Customers, card_counts, income_by_age
from fauxpay.catalog.households import household_laws
from fauxpay.catalog.laws import addresses, normal, numbers_by, significant, words
from fauxpay.catalog.places import Places
from fauxpay.foundations.draws import F64, I64, uniform

if TYPE_CHECKING:
    from fauxpay.config.model import Config

SHARE_DECIMALS = 4
# Beyond these the exponent of the beta law leaves what float64 can hold.
MEAN_ONLINE_MIN, MEAN_ONLINE_MAX = 0.001, 0.98


def levels(
    config: Config,
    places: Places,
    customers: Customers,
    owner: tuple[I64, I64],
    facts: Mapping[str, Any],
) -> F64:
    """Purchases of a card relative to the mean card: lognormal, sd of the log as configured.

    owner    (customer, nth card of the customer) of each card
    returns  f64[cards], mean 1 over cards in expectation in every country

    Age, income and the card's rank explain part of the spread and chance the rest. Where the
    configured spread is smaller than what they would explain, they explain all of it, shrunk.
    """
    holder, nth = owner
    country = customers.country[holder]
    elasticity = float(facts["cards"]["rate_income_elasticity"])
    base = _log_factors(facts)
    explained = base[customers.age[holder], np.minimum(nth, 1)]
    explained += elasticity * np.log(customers.income_level[holder])
    sd = float(config.activity.rate_log_sd)
    shrink, noise_sd, log_mean = _standard(sd, places, facts)
    z = normal(words(config.catalog.seed, "cards/level", addresses(holder.size)))
    log_level = shrink[country] * explained + noise_sd[country] * z - log_mean[country]
    return significant(np.exp(log_level), int(facts["cards"]["rate_digits"]))


def online_shares(
    seed: int, places: Places, customers: Customers, holder: I64, facts: Mapping[str, Any]
) -> F64:
    """Share of a card's purchases made online: around the mean of its country and age.

    The draw is beta(1, b), which has a closed form and the mean 1 / (1 + b); it is mixed with the
    mean itself so that the spread can be chosen.
    """
    section = facts["cards"]
    spread = min(float(section["online_spread"]), 1.0)
    mean = online_means(places, facts)[customers.country[holder], customers.age[holder]]
    u = uniform(words(seed, "cards/online", addresses(holder.size)))
    beta = -np.expm1(mean / (1.0 - mean) * np.log1p(-u))
    return np.round((1.0 - spread) * mean + spread * beta, SHARE_DECIMALS)


def online_means(places: Places, facts: Mapping[str, Any]) -> F64:
    """Mean online share by country and age band; a country's customers average to its share."""
    bands = choices("customers", "age_band")
    by_age = numbers_by("cards.online_by_age", facts["cards"]["online_by_age"], bands)
    by_age = by_age / float(by_age @ household_laws(facts).customer_ages())
    name = "countries.online_share"
    by_country = numbers_by(name, facts["countries"]["online_share"], places.countries)
    return np.clip(by_country[:, None] * by_age, MEAN_ONLINE_MIN, MEAN_ONLINE_MAX)


def _log_factors(facts: Mapping[str, Any]) -> F64:
    """Log of the rate by age band and by first or further card: f64[bands, 2]."""
    bands = choices("customers", "age_band")
    by_age = np.log(numbers_by("cards.rate_by_age", facts["cards"]["rate_by_age"], bands))
    further = np.log(float(facts["cards"]["rate_of_further_card"]))
    return np.asarray(by_age[:, None] + np.array([0.0, further]))


def _standard(sd: float, places: Places, facts: Mapping[str, Any]) -> tuple[F64, F64, F64]:
    """(shrink, sd of the noise, log of the mean) by country, from the laws and not from the rows.

    Taken from the rows, they would change when cards are added.
    """
    income_sd = float(facts["customers"]["income_log_sd"])
    elasticity = float(facts["cards"]["rate_income_elasticity"])
    # The lognormal part of income has the mean exp(-sd**2 / 2) of the log.
    log_income = np.log(income_by_age(facts)) - income_sd**2 / 2
    value = _log_factors(facts) + elasticity * log_income[:, None]
    counts = card_counts(facts, places.countries)
    first = 1.0 / (counts @ np.arange(1, counts.shape[1] + 1))
    rank = np.stack([first, 1.0 - first], axis=1)
    weight = household_laws(facts).customer_ages()[None, :, None] * rank[:, None, :]
    mean = (weight * value).sum(axis=(1, 2))
    variance = (weight * (value - mean[:, None, None]) ** 2).sum(axis=(1, 2))
    income_variance = (elasticity * income_sd) ** 2
    total_sd = np.sqrt(variance + income_variance)
    shrink = np.minimum(1.0, sd / np.maximum(total_sd, 1e-12))
    noise_variance = np.maximum(sd**2 - (shrink * total_sd) ** 2, 0.0)
    discrete = (weight * np.exp(shrink[:, None, None] * value)).sum(axis=(1, 2))
    log_mean = np.log(discrete) + (shrink**2 * income_variance + noise_variance) / 2
    return shrink, np.sqrt(noise_variance), log_mean

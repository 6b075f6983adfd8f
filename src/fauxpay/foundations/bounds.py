"""Bounds: how far some parameters go, where their shape alone does not say it.

Beyond them the engine divides by nothing, draws from an empty list or makes what the parameter
says untrue. A law of days is bounded by its members, which stand behind its name in brackets.
A text that names something else is held against what there is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from fauxpay.errors import ConfigError
from fauxpay.foundations.overrides import SUM_TOLERANCE

_CENTURY = 36_525
_NEVER = "0 means never"
BOUNDS: Mapping[str, tuple[float, float, str]] = {
    "catalog.accounts.age_years_mean": (0.1, 100, "ages are divided by it"),
    "catalog.cards.bin_range": (990_000, 999_999, "others are somebody's"),
    "catalog.cards.count_max": (1, 16, "every customer has a card"),
    "catalog.cards.lifetimes.told_years": (0, 20, "days are counted from the epoch on"),
    "catalog.cards.expiry_months": (0, 600, "dates have an end"),
    "catalog.cards.expiry_reference_years": (0, 50, "dates have an end"),
    "catalog.cards.issuers": (1, 1000, "every card has an issuer"),
    "catalog.cards.rate_by_age": (1e-6, 1e6, "its logarithm is taken"),
    "catalog.cards.rate_digits": (1, 12, "digits that any machine computes alike"),
    "catalog.cards.rate_of_further_card": (1e-6, 1e6, "its logarithm is taken"),
    "catalog.countries.price_level": (1e-6, 1e6, "prices are divided by it"),
    "catalog.customers.income_by_age": (1e-6, 1e6, "its logarithm is taken"),
    "catalog.devices.ip_bits": (8, 28, "addresses stay within their network of 28 bits"),
    "catalog.devices.ip_network": (4026531840, 4026531840, "others are somebody's"),
    "catalog.merchants.chains.count_max": (1, 255, "catalog.chain_share 0 means no chains"),
    "catalog.merchants.lifetimes.age_years_mean": (1, 1000, "ages are divided by it"),
    "catalog.merchants.lifetimes.told_years": (0, 20, "days are counted from the epoch on"),
    "catalog.places.metropolitan_reference": (1, 1e9, "populations are divided by it"),
    "catalog.places.built_up_density": (1, 1e6, "areas are divided by it"),
    "catalog.places.radius_km_max": (0.1, 1000, "a city has an area"),
    "catalog.places.radius_km_min": (0.1, 1000, "a city has an area"),
    "catalog.terminals.count_max": (1, 250, "every outlet has a terminal"),
    "activity.amounts.coarse_units": (1, 1e6, "amounts are divided by it"),
    "activity.amounts.credit_factor": (1e-3, 1e3, "its logarithm is taken"),
    "activity.favourites.exponent_factor": (0, 10, "steeper laws have one winner"),
    "activity.opening.weekday_factor": (0, 1, "a chance stays one"),
    "activity.trips.gap_median_minutes": (1, 600, "a trip is one of a day"),
    "activity.commute.km_half": (1, 20_000, "distances are divided by it"),
    "activity.recurring.churn_per_year": (0, 12, f"once a month is most; {_NEVER}"),
    "activity.recurring.price_changes_per_year": (0, 12, f"once a month is most; {_NEVER}"),
    "activity.recurring.idle_share": (0, 0.9, "the other terms carry all subscriptions"),
    "activity.amounts.listed_prices": (1, 1000, "a list has some prices"),
    "activity.recurring.plans": (1, 16, "addresses have room for sixteen"),
    "activity.recurring.subscriptions_max": (0, 8, "addresses have room for eight"),
    "activity.returns.found_share": (0.01, 1, "what is asked for is divided by it"),
    "activity.returns.refund_lag_days[median]": (1, 30, "a refund is asked for within 30 days"),
    "activity.returns.refund_lag_days[log_sd]": (0.3, 5, "narrower laws may have no day at all"),
    "activity.returns.refund_lag_days[max]": (7, 30, "a refund is asked for within 30 days"),
    "activity.countries.default.abroad.online_share": (0, 0.99, "some is bought at home"),
    "activity.countries.default.abroad.telephone_share": (0, 0.99, "some is bought at home"),
    "activity.speed.kmh_max": (300, 100_000, "who is slower cannot make the trips that are told"),
    "activity.speed.near_seconds_max": (0, 345, "250 purchases in a row must fit into a day"),
    "activity.trips.apart_seconds_min": (0, 120, "250 purchases must fit into half a day"),
    "activity.trips.apart_seconds_more": (0, 60, "250 purchases must fit into half a day"),
    "activity.moving.told_years": (0, 20, "days are counted from the epoch on"),
    "activity.travel.days_min": (2, 7, "there and back, and not above days_max"),
    "activity.travel.days_max": (7, 32, "a trip fits a block of 32 days, days_min fits in it"),
    "activity.favourites.rank_max": (1, 65_535, "addresses have room for so many ranks"),
    "activity.online.guest_hosts_bits": (0, 16, "a power of two"),
    "activity.recurring.batch_hours": (0, 23, "hours of a day"),
    "fraud.bin_attack.campaign_days": (8, 3650, "a wave ends within its era"),
    "fraud.bin_attack.merchants": (1, 10_000, "there is one to go to"),
    "fraud.bin_attack.range_share": (0.01, 1, "rates are divided by it"),
    "fraud.bin_attack.wave_hours": (1, 168, "a wave ends within its era"),
    "fraud.campaigns.at_once": (1, 1000, "somebody is at work"),
    "fraud.campaigns.cards": (1, 10**9, "cards are divided by it"),
    "fraud.campaigns.days": (1, 3650, "an era has a day at least"),
    "fraud.card_not_received.renewal_years": (1, 100, "times are divided by it"),
    "fraud.card_testing.merchants": (1, 10_000, "there is one to go to"),
    "fraud.data_breach.campaign_days": (1, 3650, "an era has a day at least"),
    "fraud.data_breach.campaigns_at_once": (1, 1000, "somebody is at work"),
    "fraud.data_breach.customer_share": (1e-6, 1, "rates are divided by it"),
    "fraud.data_breach.merchants": (1, 10_000, "there is one to go to"),
    "fraud.data_breach.of_candidates": (1, 1000, "one is picked"),
    "fraud.data_breach.ranks": (1, 100, "all of them are looked at for every card that is asked"),
    "fraud.data_breach.window_days": (1, 365, "all of them are looked at"),
    "fraud.drift.period_days": (1, _CENTURY, "times are divided by it"),
    "fraud.drift.swing": (0, 1, "a rate does not fall below nothing"),
    "fraud.drift.step_days": (1, _CENTURY, "times are divided by it"),
    "fraud.exposure.exposure_max": (1, 1000, "risks are divided by it"),
    "fraud.exposure.online_activity_mean": (1e-3, 1000, "risks are divided by it"),
    "fraud.fashion.period_days": (1, _CENTURY, "times are divided by it"),
    "fraud.fashion.step_days": (1, _CENTURY, "times are divided by it"),
    "fraud.friendly_fraud.dear_cents": (1, 1e9, "tickets are divided by it"),
    "fraud.friendly_fraud.window_days": (1, 365, "all of them are looked at"),
    "fraud.merchant_bust_out.campaign_days": (1, 3650, "an era has a day at least"),
    "fraud.merchant_bust_out.campaigns_at_once": (1, 1000, "somebody is at work"),
    "fraud.merchant_bust_out.of_candidates": (1, 1000, "one is picked"),
    "fraud.mule_ring.campaign_days": (1, 3650, "an era has a day at least"),
    "fraud.mule_ring.campaigns_at_once": (1, 1000, "somebody is at work"),
    "fraud.mule_ring.desks": (1, 64, "there is one to sit at"),
    "fraud.mule_ring.merchants": (1, 10_000, "there is one to go to"),
    "fraud.mule_ring.reach_bits": (0, 16, "a power of two"),
    "fraud.phishing.merchants": (1, 10_000, "there is one to go to"),
    "fraud.refund_abuse.window_days": (1, 365, "all of them are looked at"),
    "fraud.skimming.campaign_days": (1, 3650, "an era has a day at least"),
    "fraud.skimming.window_days": (1, 365, "all of them are looked at"),
    "fraud.workplace.desks": (1, 64, "there is one to sit at"),
    "fraud.worth.pieces_max": (1, 1000, "something is bought"),
}
"""Lowest and highest value of a parameter, and why there is an end.

Of a list or a mapping without a member in brackets it holds for every number in it.
"""
CHOICES: Mapping[str, str] = {
    "activity.amounts.class_of_category": "activity.amounts.classes",
    "activity.amounts.listed_classes": "activity.amounts.classes",
    "activity.amounts.classes[ending]": "activity.countries.default.endings",
    "catalog.households.third_adult_age": "catalog.customers.age",
    "catalog.merchants.floor_opening": "activity.opening.open_hours",
    "labels.families": "labels.reason_codes.visa",
}
"""Texts that name a key of another parameter, or a parameter of a group, which stands behind."""


_OWN_TEXTS = ("labels.reason_codes",)
"""Groups whose texts stand in a contract: allowed are those that are shipped with any of them."""


def bound_fault(name: str, value: object) -> str | None:
    """What is wrong with a value of the right shape, or None.

    name  that of the pack `default` where it is a fact of a country
    """
    for path, member in _members(value):
        bound = BOUNDS.get(f"{name}[{path[-1]}]" if path else name) or BOUNDS.get(name)
        if bound is None or isinstance(member, str):
            continue
        low, high, why = bound
        assert isinstance(member, (int, float)), "shapes agree already"
        if not low <= member <= high:
            return f"{_at(path)}allowed is {low:.10g} to {high:.10g}: {why}"
    return None


def require_room(shares: Mapping[str, float], rest: str) -> None:
    """Raises ConfigError where shares of one whole, by parameter, leave less than nothing.

    rest  what has what they leave
    """
    if math.fsum(shares.values()) > 1 + SUM_TOLERANCE:
        told = " and ".join(f"{name} {share}" for name, share in shares.items())
        raise ConfigError(
            f"parameters: {told} leave less than nothing for {rest}; expected at most 1 together. "
            f"Lower one of them."
        )


def choice_fault(name: str, value: object, shipped: Mapping[str, Any]) -> str | None:
    """What is wrong with the texts of a value of the right shape, or None.

    shipped  the value of every parameter by name
    """
    own = next((group for group in _OWN_TEXTS if name.startswith(f"{group}.")), None)
    for path, member in _members(value):
        source = CHOICES.get(f"{name}[{path[-1]}]" if path else name) or CHOICES.get(name)
        if not isinstance(member, str) or (source is None and own is None):
            continue
        known = _keys(source, shipped) if source else _texts(f"{own}.", shipped)
        if member not in known:
            return f"{_at(path)}allowed is one of {', '.join(known)}"
    return None


def _keys(source: str, shipped: Mapping[str, Any]) -> list[str]:
    """Keys of a parameter, or names of the parameters of a group."""
    if source in shipped:
        return [str(key) for key in shipped[source]]
    prefix = f"{source}."
    return [other.removeprefix(prefix) for other in shipped if other.startswith(prefix)]


def _texts(prefix: str, shipped: Mapping[str, Any]) -> list[str]:
    """All texts of the parameters of a group."""
    found = [
        member
        for other, value in shipped.items()
        if other.startswith(prefix)
        for _, member in _members(value)
    ]
    return list(dict.fromkeys(text for text in found if isinstance(text, str)))


def _members(
    value: object, path: tuple[object, ...] = ()
) -> Iterator[tuple[tuple[object, ...], object]]:
    """(keys that lead there, scalar) of every scalar in a value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _members(item, (*path, key))
    elif isinstance(value, list):
        for nth, item in enumerate(value):
            yield from _members(item, (*path, nth))
    else:
        yield path, value


def _at(path: tuple[object, ...]) -> str:
    return f"at {''.join(f'[{key}]' for key in path)}: " if path else ""

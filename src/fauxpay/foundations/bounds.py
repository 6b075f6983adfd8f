"""Bounds: how far some parameters go, where their shape alone does not say it.

Beyond them the engine divides by nothing, draws from an empty list or makes what the parameter
says untrue. A law of days is bounded by its members, which stand behind its name in brackets.
"""

from __future__ import annotations

from collections.abc import Mapping

_NEVER = "0 means never"
BOUNDS: Mapping[str, tuple[float, float, str]] = {
    "catalog.cards.count_max": (1, 16, "every customer has a card"),
    "catalog.cards.lifetimes.told_years": (0, 20, "days are counted from the epoch on"),
    "catalog.devices.ip_bits": (8, 28, "addresses stay within their network of 28 bits"),
    "catalog.merchants.chains.count_max": (1, 255, "catalog.chain_share 0 means no chains"),
    "catalog.merchants.lifetimes.age_years_mean": (1, 1000, "ages are divided by it"),
    "catalog.merchants.lifetimes.told_years": (0, 20, "days are counted from the epoch on"),
    "catalog.places.metropolitan_reference": (1, 1e9, "populations are divided by it"),
    "catalog.terminals.count_max": (1, 250, "every outlet has a terminal"),
    "activity.recurring.churn_per_year": (0, 12, f"once a month is most; {_NEVER}"),
    "activity.recurring.price_changes_per_year": (0, 12, f"once a month is most; {_NEVER}"),
    "activity.recurring.idle_share": (0, 0.9, "the other terms carry all subscriptions"),
    "activity.recurring.subscriptions_max": (0, 8, "addresses have room for eight"),
    "activity.returns.found_share": (0.01, 1, "what is asked for is divided by it"),
    "activity.returns.refund_lag_days[median]": (1, 30, "a refund is asked for within 30 days"),
    "activity.returns.refund_lag_days[log_sd]": (0.3, 5, "narrower laws may have no day at all"),
    "activity.returns.refund_lag_days[max]": (7, 30, "a refund is asked for within 30 days"),
    "activity.countries.default.abroad.online_share": (0, 0.99, "some is bought at home"),
    "activity.speed.kmh_max": (300, 100_000, "who is slower cannot make the trips that are told"),
    "activity.speed.near_seconds_max": (0, 345, "250 purchases in a row must fit into a day"),
    "activity.trips.apart_seconds_min": (0, 300, "250 purchases must fit into a day"),
    "activity.moving.told_years": (0, 20, "days are counted from the epoch on"),
    "activity.travel.days_min": (2, 7, "there and back, and not above days_max"),
    "activity.travel.days_max": (7, 32, "a trip fits a block of 32 days, days_min fits in it"),
}
"""Lowest and highest value of a parameter, and why there is an end."""


def bound_fault(name: str, value: object) -> str | None:
    """What is wrong with a value of the right shape, or None.

    name  that of the pack `default` where it is a fact of a country
    """
    members = {name: value}
    if isinstance(value, Mapping):
        members = {f"{name}[{key}]": item for key, item in value.items()}
    for member, number in members.items():
        low, high, why = BOUNDS.get(member, (None, None, ""))
        if low is None or high is None:
            continue
        assert isinstance(number, (int, float)), "shapes agree already"
        if not low <= number <= high:
            at = f"at {member.removeprefix(name)}: " if member != name else ""
            return f"{at}allowed is {low:g} to {high:g}: {why}"
    return None

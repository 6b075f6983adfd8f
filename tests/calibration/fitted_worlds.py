"""A world that is unlike the default in every knob that is fitted, and its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fauxpay
from fauxpay.config.model import Config
from fauxpay.foundations.parameters import load_parameters
from fauxpay.readers.run import Run
from fauxpay.readers.run import open as open_store

COUNTRIES = {"BR": 0.2, "DE": 0.3, "GB": 0.5}
WEEK = [0.9, 0.95, 1.0, 1.05, 1.2, 1.1, 0.8]
SCALED_CLASSES = {"grocery": 1.6, "convenience": 0.7, "fast_food": 1.3, "restaurant": 0.8}


def of_countries(fact: str, values: dict[str, Any]) -> dict[str, Any]:
    """Overrides of a fact of the countries' packs."""
    return {f"activity.countries.{country}.{fact}": value for country, value in values.items()}


def changed_parameters() -> dict[str, Any]:
    """Overrides of the unlike world."""
    shipped = load_parameters()
    online = shipped.value("catalog.countries.online_share")
    declines = shipped.value("activity.outcome.decline_share")
    classes = shipped.value("activity.amounts.classes")
    for name, factor in SCALED_CLASSES.items():
        classes[name]["median"] = round(classes[name]["median"] * factor)
    hours = shipped.value("activity.rhythm.hours")
    for kinds in hours.values():
        kinds["workday"] = kinds["workday"][-2:] + kinds["workday"][:-2]
    return {
        "catalog.countries.online_share": {**online, "GB": 0.36, "DE": 0.14, "BR": 0.28},
        **of_countries("payment.contactless_share", {"GB": 0.6, "DE": 0.5, "BR": 0.8}),
        **of_countries("payment.atm_share", {"GB": 0.07, "DE": 0.05, "BR": 0.09}),
        **of_countries("abroad.online_share", {"GB": 0.2, "DE": 0.08, "BR": 0.1}),
        **of_countries("week.day_of_week", dict.fromkeys(COUNTRIES, WEEK)),
        "activity.outcome.decline_share": {**declines, "pos": 0.03, "ecom": 0.1},
        "activity.amounts.classes": classes,
        "activity.rhythm.hours": hours,
        "activity.rhythm.week_log_sd": 0.3,
        "activity.entry.credential_on_file_share": 0.55,
        "activity.channels.moto_share": 0.02,
    }


def unlike(cards: int, days: tuple[str, str], out: Path) -> Config:
    """The config of the unlike world."""
    return Config(
        catalog={"cards": cards, "merchants": 6000, "seed": 5, "countries": COUNTRIES}
        | {"merchant_zipf_exponent": 0.8},
        activity={
            "purchases_per_card_day": 1.6,
            "rate_log_sd": 0.7,
            "favourite_zipf_exponent": 1.3,
            "trip_share": 0.15,
            "refund_share": 0.035,
            "reversal_share": 0.01,
            "recurring_per_card": 3.2,
        },
        fraud={
            "card_testing_per_card_year": 0.3,
            "lost_stolen_per_card_year": 0.2,
            "drift": False,
        },
        labels={"found_share": 0.7},
        parameters=changed_parameters(),
        run={"from": days[0], "to": days[1], "seed": 9, "executor": "serial", "out": str(out)},
    )


def made(config: Config) -> Run:
    """The run that a config asks for."""
    fauxpay.generate(config)
    return open_store(Path(config.run.out)).latest()

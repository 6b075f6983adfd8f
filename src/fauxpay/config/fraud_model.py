"""Fraud in the config: how much of each kind, its drift, and campaigns of one's own."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

from fauxpay.config.fields import Day, Factor, Rate, Section, in_key_order, setting

RATE_MAX = 0.05


class CampaignConfig(Section):
    """A campaign that is scheduled, over what goes on all the time."""

    typology: str = setting("card_testing", "kind of fraud", "name")
    start_day: Day = setting(date(2026, 3, 1), "first day of thefts", "UTC day", alias="from")
    end_day: Day = setting(date(2026, 4, 1), "last day, exclusive", "UTC day", alias="to")
    per_card_year: float = setting(
        0.1, "rate while it lasts", "compromised cards per card and year", gt=0, le=50
    )
    mcc: Annotated[dict[str, Factor], BeforeValidator(in_key_order)] = setting(
        {}, "how much merchant categories are liked", "factors by category"
    )
    countries: Annotated[dict[str, Factor], BeforeValidator(in_key_order)] = setting(
        {}, "how much countries are liked for purchases abroad", "factors by country"
    )


class FraudConfig(Section):
    """What thieves do."""

    enabled: bool = setting(True, "whether there is fraud at all", "true or false")
    rate: float | None = setting(
        None,
        "share of the transactions that are fraud: scales all rates below alike",
        "share of rows; null for the rates as they stand",
        ge=0,
        le=RATE_MAX,
    )
    drift: bool = setting(
        True,
        "whether kinds, shops, machines and manners of fraud change with the months",
        "true or false",
    )
    card_testing_per_card_year: float = setting(
        0.0124,
        "cards whose credentials are stolen, tested and used up online",
        "compromised cards per card and year",
        ge=0,
        le=5,
    )
    lost_stolen_per_card_year: float = setting(
        0.0145,
        "cards lost or stolen and used nearby",
        "compromised cards per card and year",
        ge=0,
        le=5,
    )
    account_takeover_per_card_year: float = setting(
        0.0016, "accounts taken over by a login", "accounts per card and year", ge=0, le=5
    )
    application_fraud_per_card_year: float = setting(
        0.0004, "invented customers who spend all at once", "cards per card and year", ge=0, le=5
    )
    bin_attack_per_card_year: float = setting(
        0.005,
        "card numbers guessed in waves, most of them wrong",
        "cards per card and year",
        ge=0,
        le=5,
    )
    card_not_received_per_card_year: float = setting(
        0.0008, "renewed cards stolen from the post", "cards per card and year", ge=0, le=5
    )
    data_breach_per_card_year: float = setting(
        0.008,
        "cards stolen from a merchant that they were used at",
        "cards per card and year",
        ge=0,
        le=5,
    )
    friendly_fraud_per_card_year: float = setting(
        0.008,
        "genuine purchases that their own customer disputes",
        "disputes per card and year",
        ge=0,
        le=5,
    )
    merchant_bust_out_per_card_year: float = setting(
        0.0025,
        "stolen cards charged by a merchant that is gone soon",
        "cards per card and year",
        ge=0,
        le=5,
    )
    mule_ring_per_card_year: float = setting(
        0.0009,
        "cards of hired customers, loaded from shared machines and emptied",
        "cards per card and year",
        ge=0,
        le=5,
    )
    phishing_per_card_year: float = setting(
        0.0064, "customers talked into a one-time password", "cards per card and year", ge=0, le=5
    )
    refund_abuse_per_card_year: float = setting(
        0.0016,
        "purchases paid back although the goods are kept",
        "refunds per card and year",
        ge=0,
        le=5,
    )
    skimming_per_card_year: float = setting(
        0.0036,
        "cards copied at a till or cash machine and used by stripe",
        "cards per card and year",
        ge=0,
        le=5,
    )
    more: Annotated[dict[str, Rate], BeforeValidator(in_key_order)] = setting(
        {}, "typologies of installed packages, by name", "compromised cards per card and year"
    )
    campaigns: list[CampaignConfig] = setting(
        [],
        "campaigns on top of that: typology, from, to, per_card_year, mcc, countries of each",
        "campaigns",
        max_length=50,
    )

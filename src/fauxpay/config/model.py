"""The config: the only definition of what can be asked, with units, bounds and defaults.

The commented config, the JSON Schema, the environment names, the flags and every message are made
from these fields. Values are not converted: a text is no number, true is no 1.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fauxpay.config.combinations import combination_faults
from fauxpay.config.messages import InvalidConfig, problems_of

CARD_INDEX_MAX = 2**31 - 1
SHARD_CARDS_MAX = 2**24
SEED_MAX = 2**63 - 1
# The days that the reference tables for civil time and holidays cover (2018-01-01 up to 2036-01-01)
# but one at either end: a UTC day reaches into the local dates before and after it.
FIRST_DAY = date(2018, 1, 2)
LAST_DAY = date(2035, 12, 31)


def setting(default: Any, description: str, unit: str, **bounds: Any) -> Any:
    """A field with what every field must have: description, unit, and bounds where they apply."""
    return Field(default, description=description, json_schema_extra={"x-unit": unit}, **bounds)


def section(model: Any, description: str) -> Any:
    """A field that is a group of settings."""
    return Field(default_factory=model, description=description)


def _day(value: object) -> object:
    """ISO days only: pydantic itself would take a number for seconds since 1970."""
    if isinstance(value, datetime) or not isinstance(value, (str, date)):
        raise PydanticCustomError("day", "not a day")
    if isinstance(value, date):
        return value
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day", "not a day") from None
    if day.isoformat() != value:
        raise PydanticCustomError("day", "not a day")
    return day


def _folder(value: object) -> object:
    """A folder name as text. Addresses and ~ would silently make oddly named folders."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        return value
    if "://" in value:
        raise PydanticCustomError("folder", "a local folder; object stores cannot be written yet")
    if not value.strip() or "\0" in value or value.startswith("~"):
        raise PydanticCustomError("folder", "a folder, written out in full (~ is not expanded)")
    return value


def _own_folder(value: object) -> object:
    """As `_folder`, and without "..": where one's own files are read from is written out."""
    value = _folder(value)
    if isinstance(value, str) and ".." in PurePath(value).parts:
        raise PydanticCustomError("folder", "a folder, written out in full (without ..)")
    return value


def _sorted(value: object) -> object:
    """In the order of keys, so that the order in a file is no part of the world."""
    return dict(sorted(value.items(), key=str)) if isinstance(value, dict) else value


Day = Annotated[date, BeforeValidator(_day)]
Folder = Annotated[str, BeforeValidator(_folder)]
OwnFolder = Annotated[str, BeforeValidator(_own_folder)]
Share = Annotated[float, Field(gt=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=5)]
Factor = Annotated[float, Field(ge=0, le=100)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class CatalogConfig(_Section):
    """Who and where."""

    mode: Literal["build", "load"] = setting(
        "build",
        "where the world comes from: build makes it or reuses a sealed one, load never builds",
        "choice",
    )
    path: OwnFolder | None = setting(
        None, "folder of one's own catalog Parquet files, used instead of a made one", "folder"
    )
    seed: int = setting(2026, "seed of the world, not of the run", "seed", ge=0, le=SEED_MAX)
    cards: int = setting(25_000, "cards of the world", "cards", ge=1, le=CARD_INDEX_MAX)
    merchants: int = setting(
        60_000, "merchants, online ones included", "merchants", ge=1, le=CARD_INDEX_MAX
    )
    places: int = setting(400, "cities that take part", "places", ge=1, le=40_000)
    countries: Annotated[dict[str, Share], BeforeValidator(_sorted)] = setting(
        {"DE": 0.14, "ES": 0.08, "FR": 0.12, "GB": 0.18, "JP": 0.08, "US": 0.40},
        "share of the households by country (ISO 3166 alpha-2)",
        "shares that sum to 1",
    )
    merchant_zipf_exponent: float = setting(
        1.5, "Zipf law of merchants' popularity inside a place and trade", "exponent", ge=0, le=3
    )
    chain_share: float = setting(
        0.35, "outlets that belong to a chain", "share of merchants", ge=0, le=1
    )
    online_merchant_share: float = setting(
        0.12, "merchants that sell online only", "share of merchants", ge=0, le=1
    )


class ActivityConfig(_Section):
    """When, where and how much."""

    realism: Literal["v1", "v2"] = setting(
        "v2",
        "kind of activity: v2 has behaviour, v1 is the control group of independent draws",
        "choice",
    )
    epoch: Day = setting(
        date(2025, 1, 1), "nothing happens before it", "UTC day", ge=FIRST_DAY, lt=LAST_DAY
    )
    purchases_per_card_day: float = setting(
        1.12, "mean purchases of a card", "purchases per card and day", gt=0, le=20
    )
    rate_log_sd: float = setting(
        0.95, "spread of the cards' own rates", "standard deviation of the log", ge=0, le=2
    )
    favourite_zipf_exponent: float = setting(
        1.5, "Zipf law of a card's own ranked merchants", "exponent", ge=0, le=3
    )
    trip_share: float = setting(
        0.35,
        "further purchases of a day that belong to the trip of an earlier one",
        "share of further purchases",
        ge=0,
        le=1,
    )
    travel_share: float = setting(
        0.02, "days that a card is away from home", "share of card-days", ge=0, le=1
    )
    refund_share: float = setting(
        0.02, "purchases that are refunded", "share of purchases", ge=0, le=1
    )
    reversal_share: float = setting(
        0.004, "purchases that are reversed", "share of purchases", ge=0, le=1
    )
    recurring_per_card: float = setting(
        2.0, "mean subscriptions of a card", "subscriptions per card", ge=0, le=50
    )


class CampaignConfig(_Section):
    """A campaign that is scheduled, over what goes on all the time."""

    typology: str = setting("card_testing", "kind of fraud", "name")
    start_day: Day = setting(date(2026, 3, 1), "first day of thefts", "UTC day", alias="from")
    end_day: Day = setting(date(2026, 4, 1), "last day, exclusive", "UTC day", alias="to")
    per_card_year: float = setting(
        0.1, "rate while it lasts", "compromised cards per card and year", gt=0, le=50
    )
    mcc: Annotated[dict[str, Factor], BeforeValidator(_sorted)] = setting(
        {}, "how much merchant categories are liked", "factors by category"
    )
    countries: Annotated[dict[str, Factor], BeforeValidator(_sorted)] = setting(
        {}, "how much countries are liked for purchases abroad", "factors by country"
    )


class FraudConfig(_Section):
    """What thieves do."""

    enabled: bool = setting(True, "whether there is fraud at all", "true or false")
    rate: float | None = setting(
        None,
        "share of the transactions that are fraud: scales all rates below alike",
        "share of rows, or null for the rates as they stand",
        ge=0,
        le=0.05,
    )
    drift: bool = setting(
        True, "whether kinds, shops and machines of fraud change with the months", "true or false"
    )
    card_testing_per_card_year: float = setting(
        0.0185,
        "cards whose credentials are stolen, tested and used up online",
        "compromised cards per card and year",
        ge=0,
        le=5,
    )
    lost_stolen_per_card_year: float = setting(
        0.0115,
        "cards lost or stolen and used nearby",
        "compromised cards per card and year",
        ge=0,
        le=5,
    )
    account_takeover_per_card_year: float = setting(
        0.0016, "accounts taken over by a login", "accounts per card and year", ge=0, le=5
    )
    application_fraud_per_card_year: float = setting(
        0.0005, "invented customers who spend all at once", "cards per card and year", ge=0, le=5
    )
    bin_attack_per_card_year: float = setting(
        0.005, "card numbers guessed in waves, most of them wrong", "cards per card and year", ge=0, le=5
    )
    card_not_received_per_card_year: float = setting(
        0.0009, "renewed cards stolen from the post", "cards per card and year", ge=0, le=5
    )
    data_breach_per_card_year: float = setting(
        0.0105, "cards stolen from a merchant that they were used at", "cards per card and year", ge=0, le=5
    )
    friendly_fraud_per_card_year: float = setting(
        0.008, "genuine purchases that their own customer disputes", "disputes per card and year", ge=0, le=5
    )
    merchant_bust_out_per_card_year: float = setting(
        0.0025, "stolen cards charged by a merchant that is gone soon", "cards per card and year", ge=0, le=5
    )
    mule_ring_per_card_year: float = setting(
        0.001, "cards of hired customers, loaded from shared machines and emptied", "cards per card and year", ge=0, le=5
    )
    phishing_per_card_year: float = setting(
        0.007, "customers talked into a one-time password", "cards per card and year", ge=0, le=5
    )
    refund_abuse_per_card_year: float = setting(
        0.0016, "purchases paid back although the goods are kept", "refunds per card and year", ge=0, le=5
    )
    skimming_per_card_year: float = setting(
        0.0024, "cards copied at a till or cash machine and used by stripe", "cards per card and year", ge=0, le=5
    )
    more: Annotated[dict[str, Rate], BeforeValidator(_sorted)] = setting(
        {}, "typologies of installed packages, by name", "compromised cards per card and year"
    )
    campaigns: list[CampaignConfig] = setting(
        [], "campaigns on top of that, each with typology, from, to, per_card_year", "campaigns",
        max_length=50,
    )


class LabelsConfig(_Section):
    """What the bank learns, and when."""

    enabled: bool = setting(True, "whether labels are made", "true or false")
    found_share: float = setting(
        0.88, "approved frauds that the bank ever learns of", "share of frauds", ge=0, le=1
    )
    false_share: float = setting(
        0.00002, "genuine rows that are labelled fraud", "share of genuine rows", ge=0, le=1
    )


class OutputConfig(_Section):
    """How files look; part of the world, because it changes their bytes."""

    compression: Literal["snappy", "zstd", "lz4", "none"] = setting(
        "snappy", "compression of the Parquet files", "choice"
    )
    row_group_rows: int = setting(
        131_072, "rows of a Parquet row group at most", "rows", ge=256, le=16_777_216
    )
    cards_per_shard: int = setting(
        1_000_000, "cards whose rows share a file of a day", "cards", ge=1, le=SHARD_CARDS_MAX
    )


class RunConfig(_Section):
    """One request; never part of the world."""

    seed: int = setting(1, "seed of the activity", "seed", ge=0, le=SEED_MAX)
    start_day: Day = setting(
        date(2026, 3, 1),
        "first day, inclusive",
        "UTC day",
        alias="from",
        ge=FIRST_DAY,
        lt=LAST_DAY,
    )
    end_day: Day = setting(
        date(2026, 4, 1), "last day, exclusive", "UTC day", alias="to", gt=FIRST_DAY, le=LAST_DAY
    )
    out: Folder = setting(
        "./fauxpay-out", "where the files go, from the working directory", "folder"
    )
    executor: Literal["serial", "processes"] = setting(
        "processes", "what runs the partitions; the bytes are the same", "choice"
    )
    workers: int = setting(
        0,
        "processes at work, 0 for one per core; the bytes are the same",
        "processes",
        ge=0,
        le=1024,
    )
    chunk_rows: int = setting(
        65_536,
        "rows filled at a time: memory only, never bytes",
        "rows",
        ge=256,
        le=1_048_576,
    )


class Config(_Section):
    """Everything that can be asked of fauxpay. Raises ConfigError that lists every problem."""

    catalog: CatalogConfig = section(CatalogConfig, "who and where: part of the world")
    activity: ActivityConfig = section(ActivityConfig, "when, where and how much")
    fraud: FraudConfig = section(FraudConfig, "campaigns of thieves")
    labels: LabelsConfig = section(LabelsConfig, "what the bank learns, and when")
    output: OutputConfig = section(OutputConfig, "the look of the files: part of the world")
    parameters: Annotated[dict[str, Any], BeforeValidator(_sorted)] = setting(
        {}, "facts to replace: dotted name of parameters.yaml -> value", "as the parameter"
    )
    run: RunConfig = section(RunConfig, "one request, never part of the world")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InvalidConfig(problems_of(error, type(self))) from None

    @model_validator(mode="after")
    def _combinations(self) -> Config:
        faults = combination_faults(self)
        if faults:
            raise PydanticCustomError("combination", "impossible", {"faults": faults})
        return self

    @classmethod
    def load(cls, path: Path | str) -> Config:
        """The config of a YAML file; keys that it does not name have their defaults."""
        from fauxpay.config.sources import resolve

        return resolve(Path(path), {}, (), {}).config

    def with_values(self, values: Mapping[str, object]) -> Config:
        """A checked copy with other values: `{"run.seed": 2, "catalog.cards": 100}`."""
        from fauxpay.config.sources import merged

        return type(self)(**merged(self.model_dump(by_alias=True), values))

    def world_document(self) -> dict[str, Any]:
        """What the parameter hash covers: everything but the request and where things lie.

        The files of one's own catalog enter a world's identity by their digests, not by `path`.
        """
        document = self.model_dump(mode="json", by_alias=True, exclude={"run"})
        del document["catalog"]["mode"], document["catalog"]["path"]
        return document

"""The config: the only definition of what can be asked, with units, bounds and defaults.

The commented config, the JSON Schema, the environment names, the flags and every message are made
from these fields. Values are not converted: a text is no number, true is no 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fauxpay.config.combinations import combination_faults
from fauxpay.config.executors import OURS as EXECUTORS
from fauxpay.config.fields import CARD_INDEX_MAX as CARD_INDEX_MAX
from fauxpay.config.fields import FIRST_DAY as FIRST_DAY
from fauxpay.config.fields import LAST_DAY as LAST_DAY
from fauxpay.config.fields import (
    PATIENCE_SECONDS,
    Day,
    ExecutorName,
    OwnFolder,
    Root,
    Section,
    Share,
    in_key_order,
    section,
    setting,
)
from fauxpay.config.fields import SEED_MAX as SEED_MAX
from fauxpay.config.fields import SHARD_CARDS_MAX as SHARD_CARDS_MAX
from fauxpay.config.fraud_model import FraudConfig
from fauxpay.config.messages import InvalidConfig, problems_of


class CatalogConfig(Section):
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
    countries: Annotated[dict[str, Share], BeforeValidator(in_key_order)] = setting(
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


class ActivityConfig(Section):
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
        1.0, "Zipf law of a card's own ranked merchants", "exponent", ge=0, le=3
    )
    trip_share: float = setting(
        0.5,
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
    postings: bool = setting(
        True, "whether it is told when transactions come into the books", "true or false"
    )


class LabelsConfig(Section):
    """What the bank learns, and when."""

    enabled: bool = setting(True, "whether labels are made", "true or false")
    found_share: float = setting(
        0.88, "approved frauds that the bank ever learns of", "share of frauds", ge=0, le=1
    )
    false_share: float = setting(
        0.00002, "genuine rows that are labelled fraud", "share of genuine rows", ge=0, le=1
    )


class OutputConfig(Section):
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


class RunConfig(Section):
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
    out: Root = setting(
        "./fauxpay-out",
        "where the files go, from the working directory; or s3://, gs://, az:// with a bucket",
        "folder or address",
    )
    patience_seconds: float = setting(
        PATIENCE_SECONDS,
        "how long a request to an object store is tried again, with growing pauses",
        "seconds",
        gt=0,
        le=86_400,
    )
    executor: ExecutorName = setting(
        "processes", "what runs the partitions; the bytes are the same", "choice", choices=EXECUTORS
    )
    workers: int = setting(
        0,
        "processes at work, 0 for one per core of the machine or cluster; the bytes are the same",
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
    format: Literal["parquet", "delta", "iceberg"] = setting(
        "parquet",
        "tables that a run that passed is committed to, below tables/; parquet: the files alone",
        "choice",
    )
    report: bool = setting(
        True, "whether a new run gets report.html beside its receipt", "true or false"
    )


def without_numpy(value: Any) -> Any:
    """The same values as Python has them: a whole number of an array is a whole number."""
    if isinstance(value, Mapping):
        return {key: without_numpy(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_numpy(one) for one in value]
    # Known by its class, so that to read a config costs no import of NumPy.
    kinds = {(each.__module__, each.__name__) for each in type(value).__mro__}
    return value.item() if ("numpy", "generic") in kinds else value


class Config(Section):
    """Everything that can be asked of fauxpay. Raises ConfigError that lists every problem."""

    catalog: CatalogConfig = section(CatalogConfig, "who and where: part of the world")
    activity: ActivityConfig = section(ActivityConfig, "when, where and how much")
    fraud: FraudConfig = section(FraudConfig, "campaigns of thieves")
    labels: LabelsConfig = section(LabelsConfig, "what the bank learns, and when")
    output: OutputConfig = section(OutputConfig, "the look of the files: part of the world")
    parameters: Annotated[dict[str, Any], BeforeValidator(in_key_order)] = setting(
        {}, "facts to replace: dotted name of parameters.yaml -> value", "as the parameter"
    )
    run: RunConfig = section(RunConfig, "one request, never part of the world")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**without_numpy(values))
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
        if self.parameters:
            from fauxpay.foundations.parameters import load_parameters

            # As the engine has them: 1 and 1.0 name the same world.
            known = load_parameters(self.parameters)
            document["parameters"] = {name: known.value(name) for name in self.parameters}
        return document

"""Combinations: settings that are fine alone and impossible together, or against reference data."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from fauxpay.config.merchants import floors, least_merchants
from fauxpay.config.typologies import CONTROL_GROUP, unknown_names, unknown_typologies
from fauxpay.config.typologies import OURS as TYPOLOGIES
from fauxpay.foundations.overrides import DEFAULT, TYPOLOGY
from fauxpay.foundations.parameters import override_faults
from fauxpay.foundations.reference import reference
from fauxpay.storage.objects import is_address

if TYPE_CHECKING:
    from fauxpay.config.model import Config

SHARE_TOLERANCE = 1e-6
# A place needs a few kinds of shop and a cash machine before anybody can live there.
MERCHANTS_PER_PLACE_MIN = 5
# File names number the shards of a day with four digits.
SHARDS_MAX = 10_000

_TYPOLOGY_TEXT = "lower-case letters, digits and _, beginning with a letter"

# Parameters by typology, which may name those of installed packages.
_BY_TYPOLOGY = (
    *("fraud.drift.side", "labels.found", "labels.sources"),
    *("labels.disputes", "labels.dispute_days"),
)

Fault = tuple[str, object, str]


def combination_faults(config: Config) -> list[Fault]:
    """(dotted key, value, what is wrong) of every setting that does not fit the others."""
    own = (
        *_time_faults(config),
        *_place_faults(config),
        *_country_faults(config),
        *_size_faults(config),
        *_fraud_faults(config),
        *_typology_faults(config),
    )
    return [
        *((key, value, f"allowed is {text}") for key, value, text in own),
        *(
            (f"parameters.{name}", value, text)
            for name, value, text in override_faults(config.parameters)
        ),
    ]


def _time_faults(config: Config) -> Iterator[Fault]:
    run, epoch = config.run, config.activity.epoch
    if run.end_day <= run.start_day:
        yield "run.to", run.end_day, f"a day after run.from, which is {run.start_day}"
    if run.start_day < epoch:
        yield "run.from", run.start_day, f"{epoch} (activity.epoch) or a later day"


def _place_faults(config: Config) -> Iterator[Fault]:
    run = config.run
    if run.out.startswith("memory://") and run.executor not in ("serial", "processes"):
        yield "run.out", run.out, f"a place that workers of {run.executor} see; memory:// is not"
    if run.format == "iceberg" and is_address(run.out):
        allowed = "parquet or delta in an object store; `fauxpay commit --catalog` has Iceberg"
        yield "run.format", run.format, allowed
    if run.format == "delta" and run.out.startswith("memory://"):
        yield "run.format", run.format, "parquet, for nothing else sees this process's memory"


def _country_faults(config: Config) -> Iterator[Fault]:
    countries = config.catalog.countries
    if not countries:
        yield "catalog.countries", {}, "at least one country and its share"
        return
    known = _country_currencies()
    rates = _first_rate_days()
    for country in countries:
        key, share = f"catalog.countries.{country}", countries[country]
        currency = known.get(country)
        if currency is None:
            yield key, share, f"a known country code (ISO 3166 alpha-2){_hint(country)}"
        elif currency not in rates:
            yield key, share, f"a country whose currency has exchange rates; {currency} has none"
        elif config.activity.epoch < rates[currency]:
            allowed = f"{rates[currency]} or later, the first exchange rate of {currency}"
            yield "activity.epoch", config.activity.epoch, f"{allowed} ({country})"
    total = math.fsum(countries.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        yield "catalog.countries", countries, f"shares that sum to 1; these sum to {total:.6g}"


def _size_faults(config: Config) -> Iterator[Fault]:
    catalog = config.catalog
    if catalog.places < len(catalog.countries):
        allowed = f"at least {len(catalog.countries)}, one for each of catalog.countries"
        yield "catalog.places", catalog.places, allowed
    cities = sum(_city_counts().get(country, 0) for country in catalog.countries)
    if 0 < cities < catalog.places:
        allowed = f"at most {cities}, the known cities of catalog.countries"
        yield "catalog.places", catalog.places, allowed
    shops = catalog.merchants * (1 - catalog.online_merchant_share)
    if shops < catalog.places * MERCHANTS_PER_PLACE_MIN:
        allowed = (
            f"at least {MERCHANTS_PER_PLACE_MIN} merchants that are not online only for each of "
            f"the {catalog.places} places (lower catalog.places to at most "
            f"{int(shops // MERCHANTS_PER_PLACE_MIN)}, or raise catalog.merchants)"
        )
        yield "catalog.merchants", catalog.merchants, allowed
    else:
        yield from _floor_faults(config)
    returned = config.activity.refund_share + config.activity.reversal_share
    if returned > 1:
        value = config.activity.refund_share
        allowed = f"with activity.reversal_share at most 1 in all; they sum to {returned:.6g}"
        yield "activity.refund_share", value, allowed
    shards = -(-catalog.cards // config.output.cards_per_shard)
    if shards > SHARDS_MAX:
        allowed = f"enough that catalog.cards make at most {SHARDS_MAX} shards; these make {shards}"
        yield "output.cards_per_shard", config.output.cards_per_shard, allowed


def _floor_faults(config: Config) -> Iterator[Fault]:
    """Before anything is built: whether each place and country can have its first merchants."""
    catalog = config.catalog
    if catalog.path is not None or not catalog.countries:
        return
    shops, online = floors(catalog.places, len(catalog.countries), config.parameters)
    least = least_merchants(shops, online, catalog.online_merchant_share)
    if least is None:
        share = catalog.online_merchant_share
        yield "catalog.online_merchant_share", share, "less than 1, for places have shops"
    elif catalog.merchants < least:
        allowed = (
            f"at least {least}, for {catalog.places} places have {shops // catalog.places} shops "
            f"each and {len(catalog.countries)} countries "
            f"{online // len(catalog.countries)} online merchants each; or choose fewer of them"
        )
        yield "catalog.merchants", catalog.merchants, allowed


def _fraud_faults(config: Config) -> Iterator[Fault]:
    unknown = unknown_typologies(config.fraud)
    for nth, campaign in enumerate(config.fraud.campaigns):
        key = f"fraud.campaigns.{nth}"
        if campaign.end_day <= campaign.start_day:
            yield f"{key}.to", campaign.end_day, f"a day after from, {campaign.start_day}"
        if not TYPOLOGY.fullmatch(campaign.typology):
            yield f"{key}.typology", campaign.typology, _TYPOLOGY_TEXT
        elif campaign.typology in unknown:
            yield f"{key}.typology", campaign.typology, unknown[campaign.typology]
        for mcc, factor in campaign.mcc.items():
            if mcc not in _categories():
                yield (
                    f"{key}.mcc.{mcc}",
                    factor,
                    "a merchant category code that there is (ISO 18245)",
                )
        for country, factor in campaign.countries.items():
            if country not in _country_currencies():
                allowed = f"a known country code (ISO 3166 alpha-2){_hint(country)}"
                yield f"{key}.countries.{country}", factor, allowed
    for name, rate in config.fraud.more.items():
        if not TYPOLOGY.fullmatch(name):
            yield f"fraud.more.{name}", rate, f"a name of {_TYPOLOGY_TEXT}"
        elif name in TYPOLOGIES:
            yield (
                f"fraud.more.{name}",
                rate,
                f"a name that is not ours; set fraud.{name}_per_card_year",
            )
        elif name in unknown:
            yield f"fraud.more.{name}", rate, unknown[name]


def _typology_faults(config: Config) -> Iterator[Fault]:
    """Parameters by typology that name one that nobody offers."""
    for name in _BY_TYPOLOGY:
        value = config.parameters.get(name)
        if isinstance(value, dict):
            named = [key for key in value if isinstance(key, str) and TYPOLOGY.fullmatch(key)]
            for key, allowed in unknown_names(
                key for key in named if key not in (DEFAULT, CONTROL_GROUP)
            ).items():
                yield f"parameters.{name}.{key}", value[key], allowed


def _hint(country: str) -> str:
    if country == "UK":
        return "; did you mean GB?"
    near = difflib.get_close_matches(country.upper(), _country_currencies(), n=1, cutoff=0.99)
    return f"; did you mean {near[0]}?" if near else ""


@cache
def _country_currencies() -> dict[str, str]:
    table = reference("countries")
    return dict(
        zip(table["country"].to_pylist(), table["currency"].to_pylist(), strict=True),
    )


@cache
def _categories() -> frozenset[str]:
    return frozenset(reference("merchant_categories")["mcc"].to_pylist())


@cache
def _city_counts() -> dict[str, int]:
    counts = pc.value_counts(reference("places")["country"]).to_pylist()
    return {str(entry["values"]): int(entry["counts"]) for entry in counts}


@cache
def _first_rate_days() -> dict[str, date]:
    """The first day with a rate by currency; the euro is what rates are against."""
    # Sorted by currency and day. A group_by, and an Arrow array of Python values, would import
    # pandas where it is installed, which takes longer than all the rest of a run that is found.
    table = reference("exchange_rates")
    runs = pc.run_end_encode(table["currency"].combine_chunks())
    starts = [0, *runs.run_ends.to_pylist()[:-1]]
    days = [table["day"][start].as_py() for start in starts]
    return {"EUR": date.min, **dict(zip(runs.values.to_pylist(), days, strict=True))}

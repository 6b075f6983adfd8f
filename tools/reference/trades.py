"""Merchant categories: what a merchant sells, as card messages say it.

Reads    iso18245 (ISO 18245 codes and those that the schemes add)
Writes   merchant_categories(mcc, description, industry)
"""

from __future__ import annotations

import csv
from importlib.resources import files

import iso18245
import pyarrow as pa

MERCHANT_CATEGORIES = pa.schema(
    [
        pa.field("mcc", pa.string(), nullable=False),
        pa.field("description", pa.string(), nullable=False),
        pa.field("industry", pa.string(), nullable=False),
    ]
)

# ISO's own words first, then a public agency's, then those of the schemes.
WORDINGS = (
    "iso_description",
    "usda_description",
    "visa_description",
    "mastercard_description",
    "amex_description",
    "stripe_description",
)
# The package's lists have lost these to a search and replace.
REPAIRED = {"Truck StopIteration": "Truck Stop"}


def _description(category: iso18245.MCC) -> str:
    wording = next(getattr(category, name) for name in WORDINGS if getattr(category, name))
    wording = " ".join(wording.split())
    return REPAIRED.get(wording, wording)


def _private_industries() -> list[tuple[str, str, str]]:
    text = (files("iso18245") / "data" / "private_ranges.csv").read_text(encoding="utf-8")
    return [(first, last, name) for first, last, name in list(csv.reader(text.splitlines()))[1:]]


def _industry(category: iso18245.MCC, private: list[tuple[str, str, str]]) -> str:
    """The ISO range of a code; 3000-3999 is private use: airlines, car rental, lodging."""
    for first, last, name in private:
        if first <= category.mcc <= last:
            return name
    return category.range.description


def merchant_categories() -> pa.Table:
    """MERCHANT_CATEGORIES, one row per code that is in use, sorted by code."""
    private = _private_industries()
    return pa.Table.from_pylist(
        [
            {
                "mcc": category.mcc,
                "description": _description(category),
                "industry": _industry(category, private),
            }
            for category in iso18245.get_all_mccs()
        ],
        schema=MERCHANT_CATEGORIES,
    )

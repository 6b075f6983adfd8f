"""Merchants: how many a world needs, so that nobody lives or shops where there are none.

Reads    nothing
Writes   nothing
Draws    nothing
Sources  parameters.yaml [catalog.merchants.floor, catalog.merchants.online.floor]
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from fauxpay.foundations.parameters import load_parameters

FLOORS = ("catalog.merchants.floor", "catalog.merchants.online.floor")
"""Parameters: trades of the first shops of a place, of the first online merchants of a country."""


def online_count(total: int, share: float, least: int) -> int:
    """Online merchants among some merchants: their share, and at least so many."""
    return max(math.floor(total * share + 0.5), least)


def least_merchants(shops_min: int, online_min: int, share: float) -> int | None:
    """The least merchants that hold both, at a share of online ones; None where all are online."""
    if share >= 1.0:
        return None if shops_min else online_min
    least = max(shops_min + online_min, math.ceil((shops_min - 1) / (1.0 - share)))
    while least - online_count(least, share, online_min) < shops_min:
        least += 1
    return least


def floors(
    places: int, countries: int, overrides: Mapping[str, object] | None = None
) -> tuple[int, int]:
    """(shops, online merchants) that so many places and countries need at least.

    overrides  of parameters, already found to be usable
    """
    lengths = []
    for name in FLOORS:
        value = (overrides or {}).get(name)
        lengths.append(len(value if isinstance(value, list) else load_parameters().value(name)))
    return lengths[0] * places, lengths[1] * countries

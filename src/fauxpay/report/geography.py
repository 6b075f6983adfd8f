"""Geography: where merchants stand and where money is spent, without a map of anybody else's.

Reads    merchants, transactions(latitude, longitude, billing_amount_minor, ...), money
Writes   nothing
Draws    nothing
Sources  reference exchange_rates (of the first day)
"""

from __future__ import annotations

import math
from bisect import bisect
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fauxpay.report.drawing import INK, MUTED, PAPER, SERIES, WIDTH, drawn, svg_of
from fauxpay.report.parts import Figure, Section, table_of
from fauxpay.report.tables import Tables

CELLS_SHOWN = 1500
CITIES_SHOWN = 600
MAPS_SHOWN = 4
COUNTRIES_NAMED = 6
GAP_DEGREES = 25.0
HEIGHT_MIN, HEIGHT_MAX = 1.6, 3.4
PLACES_LISTED = 25
LABELS = 8
LABELS_OF_COUNTRY = 6
_MERCHANTS = f"""
    SELECT floor(longitude)::INTEGER AS x, floor(latitude)::INTEGER AS y, count(*)
    FROM merchants WHERE presence <> 'online' AND latitude IS NOT NULL
    GROUP BY ALL ORDER BY 3 DESC, x, y LIMIT {CELLS_SHOWN}
"""
_SPENDING = """
    SELECT merchant_city, merchant_country, billing_currency, unit, per_eur, count(*),
           sum(billing_amount_minor)::HUGEINT,
           sum(floor(longitude * 100)::BIGINT)::HUGEINT, sum(floor(latitude * 100)::BIGINT)::HUGEINT
    FROM transactions LEFT JOIN money ON money.currency = billing_currency
    WHERE latitude IS NOT NULL AND transaction_type IN ('purchase', 'withdrawal') AND is_approved
    GROUP BY ALL ORDER BY ALL
"""
_COUNTRIES = """
    SELECT merchant_country, count(*) AS payments,
           count(*) FILTER (channel IN ('pos', 'atm')) AS at_place
    FROM transactions GROUP BY ALL ORDER BY payments DESC, merchant_country LIMIT 40
"""


@dataclass(slots=True)
class Place:
    """Payments of a city, all currencies together; x and y are sums of hundredths of degrees."""

    city: str
    country: str
    payments: int = 0
    euros: float = 0.0
    x: int = 0
    y: int = 0

    @property
    def point(self) -> tuple[float, float]:
        """Mean longitude and latitude of its payments."""
        return self.x / self.payments / 100, self.y / self.payments / 100


def geography(tables: Tables) -> Section:
    """Maps of merchants and spending by part of the world, and payments by country."""
    title = "Places: merchants and spending"
    lead = (
        "Every circle is a city; its area is what was spent there with a card in hand, turned into "
        "euros at the rates of the first day. Squares are degrees with merchants."
    )
    found = [] if tables.is_empty else _places(tables)
    countries = table_of(
        "Payments by country of the merchant",
        ("country", "payments", "of them card present"),
        [] if tables.is_empty else tables.rows(_COUNTRIES),
    )
    if not found:
        nothing = ("The run has no approved payment at a place.",)
        return Section("geography", title, lead, tables=(countries,), notes=nothing)
    cells = tables.rows(_MERCHANTS)
    parts = parts_of_world(found)
    total = sum(place.euros for place in found)
    figures = [
        _figure(number, part, cells, total) for number, part in enumerate(parts[:MAPS_SHOWN], 1)
    ]
    left = sum(map(len, parts[MAPS_SHOWN:]))
    notes = (f"{left:,} cities in other parts of the world are not drawn.",) if left else ()
    return Section("geography", title, lead, tuple(figures), (countries,), notes)


def parts_of_world(places: list[Place]) -> list[list[Place]]:
    """Cities in groups without a wide gap of longitude, the group with the most value first.

    places  the largest first, as each group then is too
    """
    longitudes = sorted(place.point[0] for place in places)
    edges = [(west + east) / 2 for west, east in pairwise(longitudes) if east - west > GAP_DEGREES]
    groups: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        groups[bisect(edges, place.point[0])].append(place)
    return sorted(groups.values(), key=lambda one: -sum(place.euros for place in one))


def _figure(number: int, places: list[Place], cells: list[tuple[Any, ...]], total: float) -> Figure:
    value: dict[str, float] = defaultdict(float)
    for place in places:
        value[place.country] += place.euros
    names = sorted(value, key=lambda country: (-value[country], country))
    where = ", ".join(names[:COUNTRIES_NAMED]) + (" …" if len(names) > COUNTRIES_NAMED else "")
    share = f", {sum(value.values()) / total:.0%} of the value" if total else ""
    name = (
        f"Map of merchants and spending in {where}: {len(places):,} cities{share}; the largest is "
        f"{places[0].city}"
    )
    listed = [
        (p.city, p.country, p.payments, round(p.euros), p.euros / total if total else None)
        for p in places[:PLACES_LISTED]
    ]
    return Figure(
        f"Spending in {where}",
        svg_of(_drawing(cells, places[:CITIES_SHOWN]), f"geography-{number}", name),
        table_of(
            f"The cities with the most spending in {where}",
            ("city", "country", "payments", "value, EUR", "share of value"),
            listed,
        ),
        f"{len(places):,} cities{share}.",
    )


def _places(tables: Tables) -> list[Place]:
    """Cities by value, the largest first."""
    places: dict[tuple[str, str], Place] = {}
    for city, country, _, unit, rate, count, minor, x, y in tables.rows(_SPENDING):
        place = places.setdefault((city, country), Place(city, country))
        place.payments += count
        place.euros += int(minor) / unit / rate if unit and rate else 0.0
        place.x += int(x)
        place.y += int(y)
    return sorted(places.values(), key=lambda one: (-one.euros, one.country, one.city))


def _drawing(cells: list[tuple[Any, ...]], places: list[Place]) -> str:
    points = [place.point for place in places]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    padding = max(0.5, 0.06 * max(max(xs) - min(xs), max(ys) - min(ys)))
    west, east = min(xs) - padding, max(xs) + padding
    south, north = min(ys) - padding, max(ys) + padding
    # A degree of longitude is as much shorter as the middle of the map lies further north.
    narrow = math.cos(math.radians((south + north) / 2))
    height = 0.38 + (WIDTH - 0.72) * (north - south) / ((east - west) * max(0.2, narrow))
    if height > HEIGHT_MAX:
        more = (east - west) * (height / HEIGHT_MAX - 1) / 2
        west, east, height = west - more, east + more, HEIGHT_MAX
    height = max(HEIGHT_MIN, height)
    cells = [cell for cell in cells if west <= cell[0] + 0.5 <= east]
    largest = max((place.euros for place in places), default=0.0)
    with drawn(height, (0.5, 0.22, 0.3, 0.08)) as (axes, made):
        axes.scatter(
            [x + 0.5 for x, _, _ in cells], [y + 0.5 for _, y, _ in cells],
            s=3, marker="s", color=MUTED, alpha=0.45, linewidths=0,
        )  # fmt: skip
        axes.scatter(
            *zip(*points, strict=True),
            s=[3 + 260 * (place.euros / largest if largest else 0) for place in places],
            color=SERIES[0], alpha=0.55, edgecolors=PAPER, linewidths=0.3,
        )  # fmt: skip
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        for place in _labelled(places, east - west, north - south):
            x, y = place.point
            is_far_east = x > west + 0.8 * (east - west)
            axes.annotate(
                place.city, (x, y), (-4 if is_far_east else 4, 3), textcoords="offset points",
                fontsize=8, color=INK, ha="right" if is_far_east else "left",
            )  # fmt: skip
        axes.xaxis.set_major_formatter(
            lambda v, _: f"{abs(v):g}°{'W' if v < 0 else 'E' if v else ''}"
        )
        axes.yaxis.set_major_formatter(lambda v, _: f"{abs(v):g}°{'S' if v < 0 else 'N'}")
        axes.tick_params(labelsize=8)
    return made[0]


def _labelled(places: list[Place], wide: float, high: float) -> list[Place]:
    """The largest cities whose names have room, a few of each country.

    wide, high  degrees that the map shows
    """
    chosen: list[Place] = []
    of_country: dict[str, int] = defaultdict(int)
    for place in places:
        x, y = place.point
        has_room = all(
            abs(x - other.point[0]) > wide / 4.5 or abs(y - other.point[1]) > high / 8
            for other in chosen
        )
        if has_room and of_country[place.country] < LABELS_OF_COUNTRY:
            chosen.append(place)
            of_country[place.country] += 1
        if len(chosen) == LABELS:
            break
    return chosen

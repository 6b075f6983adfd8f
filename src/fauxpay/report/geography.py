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
from fauxpay.report.parts import Figure, Section, many, table_of
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
LABEL_SIZE = 8
LETTER_WIDTH = 0.6
OFFSETS = ((4, 3), (-4, 3), (4, -9), (-4, -9))  # points; the first that covers least
LEFT, RIGHT, BELOW, ABOVE = 0.6, 0.28, 0.3, 0.08  # inches around a map
Box = tuple[float, float, float, float]
"""Left, bottom, right and top."""
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
    listed = (countries,) if countries.rows else ()
    if not found:
        nothing = ("The run has no approved payment at a place.",)
        return Section("geography", title, lead, tables=listed, notes=nothing)
    cells = tables.rows(_MERCHANTS)
    parts = parts_of_world(found)
    total = sum(place.euros for place in found)
    names = part_names(parts[:MAPS_SHOWN])
    figures = [
        _figure(number, part, names[number - 1], cells, total)
        for number, part in enumerate(parts[:MAPS_SHOWN], 1)
    ]
    left = sum(map(len, parts[MAPS_SHOWN:]))
    notes: tuple[str, ...] = ()
    if left:
        are = many(left, "city in another part", "cities in other parts")
        notes = (f"{are} of the world {'is' if left == 1 else 'are'} not drawn.",)
    return Section("geography", title, lead, tuple(figures), listed, notes)


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


def part_names(parts: list[list[Place]]) -> list[str]:
    """Countries of each part, those with the most value first; its largest city if not alone."""
    names = []
    for places in parts:
        value: dict[str, float] = defaultdict(float)
        for place in places:
            value[place.country] += place.euros
        found = sorted(value, key=lambda country: (-value[country], country))
        names.append(", ".join(found[:COUNTRIES_NAMED]) + (" …" * (len(found) > COUNTRIES_NAMED)))
    return [
        f"{name} around {places[0].city}" if names.count(name) > 1 else name
        for name, places in zip(names, parts, strict=True)
    ]


def _figure(number: int, places: list[Place], where: str, cells: list[tuple[Any, ...]],
            total: float) -> Figure:  # fmt: skip
    share = f", {sum(place.euros for place in places) / total:.0%} of the value" if total else ""
    cities = many(len(places), "city", "cities")
    name = (
        f"Map of merchants and spending in {where}: {cities}{share}; the largest is "
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
        f"{cities}{share}.",
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
    side = WIDTH - LEFT - RIGHT
    height = BELOW + ABOVE + side * (north - south) / ((east - west) * max(0.2, narrow))
    if height > HEIGHT_MAX:
        more = (east - west) * (height / HEIGHT_MAX - 1) / 2
        west, east, height = west - more, east + more, HEIGHT_MAX
    height = max(HEIGHT_MIN, height)
    cells = [cell for cell in cells if west <= cell[0] + 0.5 <= east]
    largest = max((place.euros for place in places), default=0.0)
    areas = [3 + 260 * (place.euros / largest if largest else 0) for place in places]
    wide, high = 72 * side, 72 * (height - BELOW - ABOVE)
    with drawn(height, (LEFT, RIGHT, BELOW, ABOVE)) as (axes, made):
        axes.scatter(
            [x + 0.5 for x, _, _ in cells], [y + 0.5 for _, y, _ in cells],
            s=3, marker="s", color=MUTED, alpha=0.45, linewidths=0,
        )  # fmt: skip
        axes.scatter(
            *zip(*points, strict=True), s=areas,
            color=SERIES[0], alpha=0.55, edgecolors=PAPER, linewidths=0.3,
        )  # fmt: skip
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        circles = [
            ((x - west) / (east - west) * wide, (y - south) / (north - south) * high, area**0.5 / 2)
            for (x, y), area in zip(points, areas, strict=True)
        ]
        for place, at in labels_of(places, circles, wide, high):
            axes.annotate(
                place.city, place.point, at, textcoords="offset points", fontsize=LABEL_SIZE,
                color=INK, ha="right" if at[0] < 0 else "left",
            )  # fmt: skip
        # Few, because a name such as 139.25°E is long, and steps of a small map have many digits.
        axes.xaxis.set_major_locator(_few(4))
        axes.yaxis.set_major_locator(_few(4))
        axes.xaxis.set_major_formatter(
            lambda v, _: f"{abs(v):g}°{'W' if v < 0 else 'E' if v else ''}"
        )
        axes.yaxis.set_major_formatter(
            lambda v, _: f"{abs(v):g}°{'S' if v < 0 else 'N' if v else ''}"
        )
        axes.tick_params(labelsize=8)
    return made[0]


def _few(count: int) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(count, steps=[1, 2, 2.5, 5, 10])


def labels_of(
    places: list[Place], circles: list[tuple[float, float, float]], wide: float, high: float
) -> list[tuple[Place, tuple[int, int]]]:
    """The largest cities whose names have room, a few of each country, and where a name stands.

    circles  x, y and radius of each place, in points from the lower left corner
    returns  a place and the offset of its name in points; to the left of it where negative
    """
    chosen: list[tuple[Place, tuple[int, int]]] = []
    taken: list[Box] = []
    of_country: dict[str, int] = defaultdict(int)
    for place, (x, y, radius) in zip(places, circles, strict=True):
        own = (x - radius, y - radius, x + radius, y + radius)
        # A circle in that of a larger city has no name: it would be read as the larger one's.
        if of_country[place.country] < LABELS_OF_COUNTRY and not _overlaps(own, taken):
            boxes = {
                at: _box_of(place.city, x + at[0], y + at[1], is_left=at[0] < 0) for at in OFFSETS
            }
            free = [
                at
                for at, box in boxes.items()
                if box[0] >= 0 and box[2] <= wide + 12 and 0 <= box[1] < high - 2
                if not _overlaps(box, taken)
            ]
            if free:
                at = min(free, key=lambda one: _covered(boxes[one], circles))
                chosen.append((place, at))
                taken.append(boxes[at])
                of_country[place.country] += 1
        if len(chosen) == LABELS:
            break
        taken.append((own[0] - 2, own[1] - 2, own[2] + 2, own[3] + 2))  # Named or not.
    return chosen


def _covered(box: Box, circles: list[tuple[float, float, float]]) -> float:
    """How much of circles a name would touch: each could be taken for the city that it names."""
    return sum(
        radius
        for x, y, radius in circles
        if _overlaps(box, [(x - radius - 2, y - radius - 2, x + radius + 2, y + radius + 2)])
    )


def _box_of(name: str, x: float, y: float, *, is_left: bool) -> Box:
    """About the room of a name: no font is asked, because the reader's own is used."""
    width = LETTER_WIDTH * LABEL_SIZE * len(name)
    return (x - width, y, x, y + LABEL_SIZE) if is_left else (x, y, x + width, y + LABEL_SIZE)


def _overlaps(one: Box, others: list[Box]) -> bool:
    return any(
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
        for other in others
    )

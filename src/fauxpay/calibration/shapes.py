"""Shapes: knobs of time, countries, channels, entry, answers and amounts.

Reads    statistics of the table and of the mirror
Writes   knobs
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fauxpay.calibration.knobs import (
    DEFAULT,
    Knobs,
    Note,
    behind,
    ratios_of,
    scaled_by_country,
    significant,
)
from fauxpay.calibration.statistics import Cell, Statistics

HOURS = "activity.rhythm.hours"
WEEKDAYS = "activity.rhythm.day_of_week"
MONTHS = "activity.rhythm.month"
CLASSES = "activity.amounts.classes"
ENDINGS = "activity.amounts.endings"
DECLINES = "activity.outcome.decline_share"
COUNTRIES = "catalog.countries"
HOUR_MAX = 1000
BY_COUNTRY = {
    # statistic -> (parameter, how)
    ("channel", "ecom"): ("catalog.countries.online_share", "online share of each country's cards"),
    ("channel", "atm"): ("activity.channels.atm_share", "withdrawals of each country's cards"),
    ("channel", "moto"): ("activity.channels.moto_share", "mail and telephone orders"),
    ("entry", "contactless"): (
        "activity.entry.contactless_share",
        "taps of card-present purchases",
    ),
    ("entry", "magstripe"): ("activity.entry.magstripe_share", "stripes of card-present purchases"),
    ("entry", "credential_on_file"): (
        "activity.entry.credential_on_file_share",
        "stored credentials of online purchases",
    ),
}
# The order of shares in an ending profile.
_ENDINGS = ("exact", "whole", "99", "95", "50", "whole")


def correct_shapes(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Moves each shape by the ratio of what is seen to what the mirror made."""
    _correct_countries(knobs, seen, made)
    for key, (name, how) in BY_COUNTRY.items():
        _correct_share(knobs, (seen, made), key, (name, how))
    _correct_list(knobs, (seen, made), "weekday", WEEKDAYS, "mean purchases of each weekday")
    _correct_list(knobs, (seen, made), "month", MONTHS, "mean purchases of each month's days")
    _correct_hours(knobs, seen, made)
    _correct_declines(knobs, seen, made)
    _correct_amounts(knobs, seen, made)
    _correct_endings(knobs, seen, made)


def _correct_countries(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    own, mirror = seen.below("country"), made.below("country")
    now = knobs.values.get(COUNTRIES)
    if not own or now is None:
        return
    total = sum(cell.value for cell in own.values())
    made_total = sum(cell.value for name, cell in mirror.items() if name in now)
    moved = {}
    for name, share in now.items():
        if name in own and name in mirror:
            share *= (own[name].value / total) / (mirror[name].value / made_total)
        moved[name] = share
    put_countries(knobs, moved, behind(own, "cards of each country"))


def put_countries(knobs: Knobs, weights: Mapping[str, float], note: Note) -> None:
    """Countries as shares that sum to 1 as written."""
    total = sum(weights.values())
    shares = {name: max(round(weights[name] / total, 5), 1e-5) for name in sorted(weights)}
    largest = max(shares, key=lambda name: shares[name])
    shares[largest] = round(shares[largest] + 1 - math.fsum(shares.values()), 9)
    knobs.put_setting(COUNTRIES, shares, note)


def _correct_share(
    knobs: Knobs, pair: tuple[Statistics, Statistics], key: Any, named: tuple[str, str]
) -> None:
    """A share that stands alone, or by country."""
    (seen, made), (name, how) = pair, named
    cell, mirror, now = seen.cells.get(key), made.value(*key), knobs.parameter(name)
    if cell is None or not mirror or now is None:
        why = "too few cards" if key in seen.suppressed else "its columns are not there"
        knobs.leave(name, why if mirror else "the mirror made none, so there is no scale")
        return
    overall = cell.value / mirror
    note = Note(how, cell.rows, cell.cards)
    if isinstance(now, dict):
        ratios = ratios_of(seen.below(*key), made.below(*key))
        if not ratios:
            ratios = {country: overall for country in now if country != DEFAULT}
        knobs.put_parameter(name, scaled_by_country(now, ratios, overall), note)
    else:
        knobs.put_parameter(name, significant(min(now * overall, 0.95)), note)


def _correct_list(
    knobs: Knobs, pair: tuple[Statistics, Statistics], word: str, name: str, how: str
) -> None:
    """A list whose first entry is the cell "1", and so on; scaled to the mean that it had."""
    own, mirror = pair[0].below(word), pair[1].below(word)
    now = knobs.parameter(name)
    if now is None or len(own) < len(now) or len(mirror) < len(now):
        why = "needs twelve whole months" if word == "month" else "some days have too few cards"
        knobs.leave(name, why)
        return
    ratio = ratios_of(own, mirror)
    moved = [value * ratio.get(str(nth), 1.0) for nth, value in enumerate(now, start=1)]
    scale = sum(now) / sum(moved)
    knobs.put_parameter(name, [significant(value * scale) for value in moved], behind(own, how))


def _correct_hours(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Every lifestyle's curve by the same ratios: a table does not say who lives how."""
    now = knobs.parameter(HOURS)
    own = {kind: seen.below("hour", kind) for kind in ("workday", "weekend")}
    if not all(own.values()) or not isinstance(now, dict):
        knobs.leave(HOURS, "too few cards")
        return
    for kind, cells in own.items():
        ratios = ratios_of(cells, made.below("hour", kind))
        _scale_hours(now, kind, ratios)
    every = {f"{kind}{hour}": cell for kind, cells in own.items() for hour, cell in cells.items()}
    how = "purchases by local hour, workday and weekend: all lifestyles are moved alike"
    knobs.put_parameter(HOURS, now, behind(every, how))


def _scale_hours(node: dict[str, Any], kind: str, ratios: Mapping[str, float]) -> None:
    """Scales the lists called `kind` wherever they stand below a node, as whole numbers."""
    for name, child in node.items():
        if isinstance(child, dict):
            _scale_hours(child, kind, ratios)
        elif name == kind and isinstance(child, list):
            moved = [weight * ratios.get(str(hour), 1.0) for hour, weight in enumerate(child)]
            top = max(moved)
            node[name] = [max(round(weight / top * HOUR_MAX), 1) for weight in moved]


def _correct_declines(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    now = knobs.parameter(DECLINES)
    own = {name: cell for name, cell in seen.below("decline").items() if name in (now or {})}
    if not own:
        knobs.leave(DECLINES, "needs is_approved and channel, with declines of enough cards")
        return
    ratios = ratios_of(own, made.below("decline"))
    moved = {name: significant(min(v * ratios.get(name, 1.0), 0.95)) for name, v in now.items()}
    knobs.put_parameter(DECLINES, moved, behind(own, f"declines by {', '.join(sorted(own))}"))


def _correct_amounts(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Median and spread of each class, by differences of the logs within each currency."""
    now = knobs.parameter(CLASSES)
    groups = {name: seen.below("amount", name) for name in [*(now or {}), "all"]}
    groups = {name: cells for name, cells in groups.items() if cells}
    if not groups:
        knobs.leave(CLASSES, "needs amount, of enough cards")
        return
    shift: dict[str, tuple[float, float]] = {}
    for name, cells in groups.items():
        names = [name] if name != "all" else list(now)
        mirror = _pooled(made, names, is_by_currency="?" not in cells and name != "all")
        pairs = [(cell, mirror[money]) for money, cell in cells.items() if money in mirror]
        rows = sum(cell.rows for cell, _ in pairs)
        if rows:
            mean = sum(own.rows * (own.value - other.value) for own, other in pairs) / rows
            spread = sum(own.rows * (own.spread**2 - other.spread**2) for own, other in pairs)
            shift[name] = (mean, spread / rows)
    for name, law in now.items():
        mean, spread = shift.get(name, shift.get("all", (0.0, 0.0)))
        law["median"] = max(round(law["median"] * math.exp(mean)), 1)
        if name in shift:
            law["log_sd"] = significant(math.sqrt(max(law["log_sd"] ** 2 + spread, 0.0025)), 3)
    cells = {f"{n} {m}": cell for n, own in groups.items() for m, cell in own.items()}
    how = f"log amounts within currency, of {', '.join(sorted(shift))}"
    knobs.put_parameter(CLASSES, now, behind(cells, how))


def _pooled(made: Statistics, names: list[str], *, is_by_currency: bool) -> dict[str, Cell]:
    """Cells of classes by currency, or all in one where the table knows no currencies."""
    cells = [(money, one) for name in names for money, one in made.below("amount", name).items()]
    if is_by_currency:
        return dict(cells)
    rows = sum(one.rows for _, one in cells)
    if not rows:
        return {}
    mean = sum(one.rows * one.value for _, one in cells) / rows
    square = sum(one.rows * (one.spread**2 + (one.value - mean) ** 2) for _, one in cells) / rows
    whole = Cell(mean, rows, max(one.cards for _, one in cells), math.sqrt(square))
    return dict.fromkeys(["?", *(money for money, _ in cells)], whole)


def _correct_endings(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    now = knobs.parameter(ENDINGS)
    used: dict[str, Cell] = {}
    for profile, shares in (now or {}).items():
        own, mirror = seen.below("ending", profile), made.below("ending", profile)
        ratios = ratios_of(own, mirror)
        if not ratios or profile == "notes" or len(shares) != len(_ENDINGS):
            continue
        moved = [
            share * ratios.get(name, 1.0) for share, name in zip(shares, _ENDINGS, strict=True)
        ]
        total = sum(moved)
        now[profile] = [round(share / total, 4) for share in moved]
        now[profile][0] = round(now[profile][0] + 1 - math.fsum(now[profile]), 9)
        used |= {f"{profile} {name}": cell for name, cell in own.items()}
    if used:
        knobs.put_parameter(ENDINGS, now, behind(used, "last two digits by ending profile"))
    else:
        knobs.leave(ENDINGS, "needs amounts in currencies of hundredths, and mcc")

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

from fauxpay.activity.tickets import ENDINGS
from fauxpay.calibration.knobs import (
    SHARE_MAX,
    Knobs,
    Note,
    behind,
    ratios_of,
    scaled_by_country,
    significant,
)
from fauxpay.calibration.statistics import Cell, Statistics
from fauxpay.foundations.parameters import COUNTRIES as PACKS
from fauxpay.foundations.reference import reference

HOURS = "activity.rhythm.hours"
WEEK = "week.day_of_week"
MONTH = "week.month"
CLASSES = "activity.amounts.classes"
DECLINES = "activity.outcome.decline_share"
COUNTRIES = "catalog.countries"
HOUR_MAX = 1000
ONLINE = "catalog.countries.online_share"
ALONE: dict[tuple[str, ...], tuple[str, str]] = {
    # statistic -> (parameter, how)
    ("channel", "moto"): ("activity.channels.moto_share", "mail and telephone orders"),
    ("entry", "credential_on_file"): (
        "activity.entry.credential_on_file_share",
        "stored credentials of online purchases",
    ),
}
OF_PACKS: dict[tuple[str, ...], tuple[str, str]] = {
    # statistic by country -> (fact of the countries' packs, how)
    ("channel", "atm"): ("payment.atm_share", "withdrawals of the country's cards"),
    ("abroad",): ("abroad.online_share", "online purchases in other countries"),
    ("entry", "contactless"): ("payment.contactless_share", "taps of card-present purchases"),
    ("entry", "magstripe"): ("payment.magstripe_share", "stripes of card-present purchases"),
}
# What endings look like in the last two digits; those that cannot be told apart move together.
_SEEN_AS = dict.fromkeys(("fives", "notes", "round sums"), "whole")
_ENDINGS = tuple(_SEEN_AS.get(name, name) for name in ENDINGS)
_CASH = "notes"


def correct_shapes(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Moves each shape by the ratio of what is seen to what the mirror made."""
    _correct_countries(knobs, seen, made)
    for alone, named in ALONE.items():
        _correct_share(knobs, (seen, made), alone, named)
    _correct_online(knobs, seen, made)
    for key, named in OF_PACKS.items():
        _correct_packs(knobs, (seen, made), key, named)
    _correct_weekdays(knobs, seen, made)
    _correct_months(knobs, seen, made)
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
    """A share that is one for all countries."""
    (seen, made), (name, how) = pair, named
    cell, mirror, now = seen.cells.get(key), made.value(*key), knobs.parameter(name)
    if cell is None or not mirror or now is None:
        knobs.leave(name, _why(seen, key, mirror))
        return
    value = significant(min(now * cell.value / mirror, SHARE_MAX))
    knobs.put_parameter(name, value, Note(how, cell.rows, cell.cards))


def _why(seen: Statistics, key: Any, mirror: float | None) -> str:
    if key in seen.suppressed:
        return "too few cards"
    return "its columns are not there" if mirror else "the mirror made none, so there is no scale"


def _correct_online(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    key = ("channel", "ecom")
    cell, mirror, now = seen.cells.get(key), made.value(*key), knobs.parameter(ONLINE)
    if cell is None or not mirror or now is None:
        knobs.leave(ONLINE, _why(seen, key, mirror))
        return
    overall = cell.value / mirror
    ratios = ratios_of(seen.below(*key), made.below(*key))
    ratios = ratios or dict.fromkeys(knobs.countries(), overall)
    note = Note("online share of each country's cards", cell.rows, cell.cards)
    knobs.put_parameter(ONLINE, scaled_by_country(now, ratios, overall), note)


def _correct_packs(
    knobs: Knobs, pair: tuple[Statistics, Statistics], key: Any, named: tuple[str, str]
) -> None:
    """A share of the countries' packs: by country where it can be told, else by one ratio."""
    (seen, made), (fact, how) = pair, named
    cell, mirror, now = seen.cells.get(key), made.value(*key), knobs.of_countries(fact)
    if cell is None or not mirror or not now:
        knobs.leave(f"{PACKS}.*.{fact}", _why(seen, key, mirror))
        return
    own = seen.below(*key)
    ratios = ratios_of(own, made.below(*key))
    if not own:
        ratios = dict.fromkeys(now, cell.value / mirror)
    for country, ratio in ratios.items():
        if country in now:
            value = significant(min(now[country] * ratio, SHARE_MAX))
            behind_it = own.get(country, cell)
            note = Note(how, behind_it.rows, behind_it.cards)
            knobs.put_parameter(f"{PACKS}.{country}.{fact}", value, note)


def _correct_weekdays(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Each country's week, where all of its days have cards enough; else the ratios of all."""
    now = knobs.of_countries(WEEK)
    every = seen.below("weekday"), made.below("weekday")
    if not now or len(every[0]) < 7:
        knobs.leave(f"{PACKS}.*.{WEEK}", "some days have too few cards")
        return
    for country, week in now.items():
        own = seen.below("weekday", country), made.below("weekday", country)
        chosen = own if min(map(len, own)) == 7 else every
        if _last_day_of_rest(country) != 7:
            knobs.leave(f"{PACKS}.{country}.{WEEK}", "its week does not end on Sunday")
            continue
        moved = _scaled_list(week, ratios_of(*chosen))
        note = behind(chosen[0], "mean purchases of each weekday")
        knobs.put_parameter(f"{PACKS}.{country}.{WEEK}", moved, note)


def _last_day_of_rest(country: str) -> int:
    """ISO weekday of the last day of a country's weekend; the packs count a week up to it."""
    known = [row for row in reference("weekends").to_pylist() if row["country"] == country]
    rest = set(known[-1]["rest_days"]) if known else {6, 7}
    return next((day for day in rest if day % 7 + 1 not in rest), 7)


def _correct_months(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    own, now = seen.below("month"), knobs.of_countries(MONTH)
    if not now or len(own) < 12:
        knobs.leave(f"{PACKS}.*.{MONTH}", "needs twelve whole months")
        return
    ratios = ratios_of(own, made.below("month"))
    moved = {country: _scaled_list(year, ratios) for country, year in now.items()}
    knobs.put_of_countries(MONTH, moved, behind(own, "mean purchases of each month's days"))


def _scaled_list(now: list[float], ratios: Mapping[str, float]) -> list[float]:
    """A list whose first entry is the cell "1", and so on; its sum stays."""
    moved = [value * ratios.get(str(nth), 1.0) for nth, value in enumerate(now, start=1)]
    scale = sum(now) / sum(moved)
    return [significant(value * scale) for value in moved]


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
        mirror = _pooled(made, names, is_by_currency="?" not in cells)
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
    """Cells of classes together, by currency; all in one where the table knows no currencies."""
    cells: dict[str, list[Cell]] = {}
    for name in names:
        for money, one in made.below("amount", name).items():
            cells.setdefault(money, []).append(one)
    if is_by_currency:
        return {money: _together(ones) for money, ones in cells.items()}
    if not cells:
        return {}
    return dict.fromkeys(["?", *cells], _together([one for ones in cells.values() for one in ones]))


def _together(cells: list[Cell]) -> Cell:
    """Mean and spread over the rows of all cells."""
    if len(cells) == 1:
        return cells[0]
    rows = sum(one.rows for one in cells)
    mean = sum(one.rows * one.value for one in cells) / rows
    square = sum(one.rows * (one.spread**2 + (one.value - mean) ** 2) for one in cells) / rows
    return Cell(mean, rows, max(one.cards for one in cells), math.sqrt(square))


def _correct_endings(knobs: Knobs, seen: Statistics, made: Statistics) -> None:
    """Every country's profile by the same ratios; what it never had it does not get."""
    fitted = False
    told = knobs.parameters().of_country(next(iter(knobs.countries())))["endings"]
    for profile in [name for name in told if name != _CASH]:
        own = seen.below("ending", profile)
        ratios = ratios_of(own, made.below("ending", profile))
        now = knobs.of_countries(f"endings.{profile}")
        if not ratios:
            continue
        moved = {country: _ended(shares, ratios) for country, shares in now.items()}
        note = behind(own, f"last two digits of tickets of the kind {profile}")
        knobs.put_of_countries(f"endings.{profile}", moved, note)
        fitted = True
    if not fitted:
        knobs.leave(f"{PACKS}.*.endings", "needs amounts in currencies of hundredths, and mcc")


def _ended(shares: list[float], ratios: Mapping[str, float]) -> list[float]:
    moved = [share * ratios.get(name, 1.0) for share, name in zip(shares, _ENDINGS, strict=True)]
    rounded = [round(share / sum(moved), 4) for share in moved]
    largest = rounded.index(max(rounded))
    rounded[largest] = round(rounded[largest] + 1 - math.fsum(rounded), 9)
    return rounded

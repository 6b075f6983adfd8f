"""Mixes: the queries that fill the statistics of time, countries, channels, entry and amounts.

Reads    a card table, through DuckDB
Writes   nothing
Draws    nothing
Sources  reference currencies
"""

from __future__ import annotations

from fauxpay.calibration.statistics import Cell, Key, Source, Statistics
from fauxpay.foundations.reference import reference
from fauxpay.readers.query import literal

MONTHS_MIN = 12


def measure_mixes(source: Source, found: Statistics) -> None:
    """Every mix that the columns allow."""
    _countries(source, found)
    _hours(source, found)
    _days_of_week(source, found)
    _months(source, found)
    if "channel" in source.has:
        _channels(source, found)
    if {"channel", "merchant_country"} <= source.has:
        _abroad(source, found)
    if {"channel", "entry_mode"} <= source.has:
        _entries(source, found)
    if "is_approved" in source.has:
        _declines(source, found)
    if "amount" in source.has:
        _amounts(source, found)
        _endings(source, found)


def _hours(source: Source, found: Statistics) -> None:
    """Share of the purchases in each local hour, on weekends and on other days."""
    rows = source.ask(
        f"select case when isodow(local_) >= 6 then 'weekend' else 'workday' end, hour(local_), "
        f"count(*), count(distinct card) from {source.rows(('local_at',))} where spontaneous "
        f"group by all"
    )
    total = {kind: sum(r[2] for r in rows if r[0] == kind) for kind in ("weekend", "workday")}
    for kind, hour, count, cards in rows:
        cell = Cell(count / total[kind], count, cards)
        found.put(("hour", kind, str(hour)), cell, source.k)


def _days_of_week(source: Source, found: Statistics) -> None:
    """Mean purchases of each weekday, relative to the week, Monday 1: of all, and by country."""
    asked: dict[Key, str] = {("weekday",): source.rows(("local_at",))}
    if source.home():
        asked |= {
            ("weekday", country): f"(select * from {source.rows_with_home(('local_at',))} "
            f"where home_ = {literal(country)})"
            for country in found.below("country")
        }
    for key, rows in asked.items():
        _week(source, found, key, rows)


def _week(source: Source, found: Statistics, key: Key, source_rows: str) -> None:
    rows = source.ask(
        f"select isodow(local_), count(*) / count(distinct local_::date), count(*), "
        f"count(distinct card) from {source_rows} where spontaneous "
        f"and local_::date between date '{source.window.start}' + 1 "
        f"and date '{source.window.end}' - 2 group by 1"
    )
    if len(rows) == 7:
        mean = sum(row[1] for row in rows) / 7
        for day, value, count, cards in rows:
            found.put((*key, str(day)), Cell(value / mean, count, cards), source.k)


def _months(source: Source, found: Statistics) -> None:
    """Mean purchases a day of each month, where all twelve are there in whole."""
    rows = source.ask(
        f'select month("at"), count(*) / count(distinct "at"::date), count(*), '
        f'count(distinct card), count(distinct "at"::date) from {source.rows(())} '
        f"where spontaneous group by 1"
    )
    if len(rows) == MONTHS_MIN and min(row[4] for row in rows) >= 28:
        mean = sum(row[1] for row in rows) / MONTHS_MIN
        for month, value, count, cards, _ in rows:
            found.put(("month", str(month)), Cell(value / mean, count, cards), source.k)


def _countries(source: Source, found: Statistics) -> None:
    """Cards by country."""
    if source.home() is None:
        return
    rows = source.ask(
        f"select home_, count(*), count(distinct card) from {source.rows_with_home(())} "
        f"where home_ is not null group by 1"
    )
    for country, count, cards in rows:
        found.put(("country", country), Cell(float(cards), count, cards), source.k)


def _channels(source: Source, found: Statistics) -> None:
    """Share of the purchases by channel: of all cards, and of the cards of each country."""
    of_country = "home_" if source.home() else "null"
    rows_sql = source.rows_with_home(("channel",)) if source.home() else source.rows(("channel",))
    is_all, groups = _and_all(of_country)
    rows = source.ask(
        f"select {of_country}, count(*), "
        + ", ".join(
            f"count(*) filter (channel = '{c}'), count(distinct card) filter (channel = '{c}')"
            for c in ("ecom", "atm", "moto")
        )
        + f", {is_all} from {rows_sql} where spontaneous and channel is not null {groups}"
    )
    for nth, channel in enumerate(("ecom", "atm", "moto")):
        column = 2 + 2 * nth
        for row in rows:
            if not row[1] or (row[0] is None and not row[-1]):
                continue
            key = ("channel", channel) if row[-1] else ("channel", channel, row[0])
            found.put(key, Cell(row[column] / row[1], row[1], row[column + 1]), source.k)


def _abroad(source: Source, found: Statistics) -> None:
    """Share of online purchases in another country than the card's, by the card's country."""
    rows = source.ask(
        f"select home_, count(*), count(*) filter (home_ <> merchant_country), "
        f"count(distinct card) filter (home_ <> merchant_country) "
        f"from {source.rows_with_home(('channel', 'merchant_country'))} "
        f"where spontaneous and channel = 'ecom' and merchant_country is not null "
        f"and home_ is not null {_and_all('home_')[1]}"
    )
    for country, count, crossing, cards in rows:
        if count:
            key = ("abroad",) if country is None else ("abroad", country)
            found.put(key, Cell(crossing / count, count, cards), source.k)


def _entries(source: Source, found: Statistics) -> None:
    """Contactless and stripe shares by the merchant's country; stored credentials online."""
    columns = ["channel", "entry_mode"]
    country = "null"
    if "merchant_country" in source.has:
        columns.append("merchant_country")
        country = "merchant_country"
    asked = (("contactless", "pos"), ("magstripe", "pos"), ("credential_on_file", "ecom"))
    is_all, groups = _and_all(country, "channel")
    rows = source.ask(
        f"select {country}, channel, {is_all}, count(*), "
        + ", ".join(
            f"count(*) filter (entry_mode = '{mode}'), "
            f"count(distinct card) filter (entry_mode = '{mode}')"
            for mode, _ in asked
        )
        + f" from {source.rows(columns)} where spontaneous and channel in ('pos', 'ecom') "
        f"and entry_mode is not null {groups} order by 1, 2"
    )
    for nth, (mode, channel) in enumerate(asked):
        for place, where, is_of_all, total, *sums in rows:
            if where != channel or (place is None and not is_of_all):
                continue
            count, cards = sums[2 * nth : 2 * nth + 2]
            key = ("entry", mode) if is_of_all else ("entry", mode, place)
            found.put(key, Cell(count / total, total, cards), source.k)


def _and_all(place: str, *beside: str) -> tuple[str, str]:
    """(whether a group is of all places, GROUP BY): there a card counts once, wherever it was.

    place  a column, or "null" where all there is is one place
    """
    if place == "null":
        return "true", f"group by {', '.join(beside)}" if beside else ""
    groups = f"({', '.join((place, *beside))}), ({', '.join(beside)})"
    return f"grouping({place}) = 1", f"group by grouping sets ({groups})"


def _declines(source: Source, found: Statistics) -> None:
    """Share of declined requests by channel, recurring ones for themselves."""
    channel = "channel" if "channel" in source.has else "'all'"
    columns = ["is_approved", *(["channel"] if "channel" in source.has else [])]
    rows = source.ask(
        f"select case when recurring_ then 'recurring' else {channel} end, count(*), "
        f"count(*) filter (not is_approved), count(distinct card) filter (not is_approved) "
        f"from {source.rows(columns)} where paid and is_approved is not null group by 1"
    )
    for name, count, declined, cards in rows:
        if name is not None:
            found.put(("decline", name), Cell(declined / count, count, cards), source.k)


def _classed(source: Source, columns: list[str]) -> str:
    """Paid rows with their amount class and ending profile."""
    if "mcc" not in source.has:
        return f"(select *, 'all' as class_, 'all' as profile_ from {source.rows(columns)})"
    other = "(select profile_ from classes where class_ = 'other' limit 1)"
    rows = source.rows([*columns, "mcc"])
    return (
        f"(select r.*, coalesce(class_, 'other') as class_, coalesce(profile_, {other}) "
        f"as profile_ from {rows} r left join classes c on r.mcc = c.mcc)"
    )


def _amounts(source: Source, found: Statistics) -> None:
    """Mean and spread of the log amounts by class and currency."""
    has_currency = "currency" in source.has
    currency = "currency" if has_currency else "'?'"
    columns = ["amount", *(["currency"] if has_currency else [])]
    rows = source.ask(
        f"select class_, {currency}, avg(ln(amount)), coalesce(stddev_samp(ln(amount)), 0), "
        f"count(*), count(distinct card) from {_classed(source, columns)} "
        f"where paid and amount > 0 group by all"
    )
    for name, money, mean, spread, count, cards in rows:
        if money is not None:
            cell = Cell(mean, count, cards, spread)
            found.put(("amount", name, money), cell, source.k)


def _endings(source: Source, found: Statistics) -> None:
    """Shares of .00, .99, .95 and .50 by ending profile, in currencies of hundredths."""
    table = reference("currencies").to_pylist()
    hundredths = sorted(row["currency"] for row in table if row["minor_digits"] == 2)
    where = "true"
    columns = ["amount"]
    if "currency" in source.has:
        columns.append("currency")
        where = f"currency in ({', '.join(repr(str(name)) for name in hundredths)})"
    cents = "(round(amount * 100)::bigint % 100)"
    rows = source.ask(
        f"select profile_, case {cents} when 0 then 'whole' when 99 then '99' when 95 then '95' "
        f"when 90 then '90' "
        f"when 50 then '50' else 'exact' end, count(*), count(distinct card) "
        f"from {_classed(source, columns)} where paid and amount > 0 and {where} group by all"
    )
    total: dict[str, int] = {}
    for profile, _, count, _ in rows:
        total[profile] = total.get(profile, 0) + count
    for profile, ending, count, cards in rows:
        found.put(("ending", profile, ending), Cell(count / total[profile], count, cards), source.k)

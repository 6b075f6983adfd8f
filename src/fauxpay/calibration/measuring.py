"""Measuring: the queries that fill the statistics of rates, habits and fraud.

Reads    a card table, through DuckDB
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import math

from fauxpay.calibration.counts import rate_law, unseen_merchants
from fauxpay.calibration.mixes import measure_mixes
from fauxpay.calibration.statistics import Cell, Source, Statistics

GAP_MINUTES = 45
WEEKS_MIN = 4
ROWS_OF_CARD_MIN = 10
YEAR_DAYS = 365.25
MONTH_DAYS = 30.4


def measure(source: Source) -> Statistics:
    """All statistics of a table that its columns allow."""
    found = Statistics(source.window)
    _rates(source, found)
    _weeks(source, found)
    _returns(source, found)
    _gaps(source, found)
    if "merchant" in source.has:
        _merchants(source, found)
    if "label" in source.has:
        _fraud(source, found)
    if {"label", "known_at"} <= source.has:
        _knowledge(source, found)
    measure_mixes(source, found)
    return found


def _days(source: Source) -> int:
    return len(source.window.days())


def _rates(source: Source, found: Statistics) -> None:
    """Cards, with those that did nothing; purchases of a card and day; spread of the rates."""
    counts = {
        int(purchases): int(cards)
        for purchases, cards in source.ask(
            f"select n, count(*) from (select card, count(*) filter (spontaneous) as n "
            f"from {source.rows(())} group by card) group by n"
        )
    }
    seen = sum(cards for purchases, cards in counts.items() if purchases)
    rows = sum(purchases * cards for purchases, cards in counts.items())
    if not seen:
        found.suppressed.add(("rate",))
        return
    law = rate_law(counts)
    cards = seen / max(1.0 - law.share_unseen(), 0.05)
    found.put(("cards",), Cell(cards, rows, seen), source.k)
    found.put(("rate",), Cell(rows / (cards * _days(source)), rows, seen), source.k)
    found.put(("rate_log_sd",), Cell(law.log_sd, rows, seen), source.k)


def _weeks(source: Source, found: Statistics) -> None:
    """How much more a card's purchases of one week hang together than those of two weeks."""
    week = "date_trunc('week', \"at\")"
    whole = (
        f'select {week} as w from (select distinct "at"::date as d, {week} as w '
        f"from {source.rows(())}) group by w having count(*) = 7"
    ).replace(f"select {week} as w from", "select w from")
    query = (
        f"with counted as (select card, {week} as w, count(*) as n from {source.rows(())} "
        f"where spontaneous and {week} in ({whole}) group by all), "
        f"means as (select w, sum(n)::double as m from counted group by w), "
        f"scaled as (select card, n * (n - 1) / (m * m) as pairs, n / m as x from counted "
        f"join means using (w)), "
        f"by_card as (select card, sum(pairs) as inside, sum(x) * sum(x) - sum(x * x) as across "
        f"from scaled group by card) "
        f"select sum(inside), sum(across), count(*), (select count(*) from means), "
        f"(select sum(n) from counted) from by_card"
    )
    inside, across, cards, weeks, rows = source.ask(query)[0]
    if not cards or weeks < WEEKS_MIN or not across:
        return
    ratio = (inside / weeks) / (across / (weeks * (weeks - 1)))
    found.put(("week_excess",), Cell(ratio - 1.0, int(rows), cards), source.k)


def _returns(source: Source, found: Statistics) -> None:
    """Refunds and reversals per purchase; subscriptions paid per card and month."""
    query = (
        "select count(*) filter (spontaneous), "
        "count(*) filter (kind_ = 'refund'), count(distinct card) filter (kind_ = 'refund'), "
        "count(*) filter (kind_ = 'reversal'), count(distinct card) filter (kind_ = 'reversal'), "
        "count(*) filter (recurring_), count(distinct card) filter (recurring_) "
        f"from {source.rows(())}"
    )
    spontaneous, refunds, refunders, reversals, reversers, bills, billed = source.ask(query)[0]
    if not spontaneous:
        return
    if "kind" in source.has:
        found.put(("refund",), Cell(refunds / spontaneous, refunds, refunders), source.k)
        found.put(("reversal",), Cell(reversals / spontaneous, reversals, reversers), source.k)
    cards = found.value("cards")
    if "is_recurring" in source.has and cards:
        months = _days(source) / MONTH_DAYS
        found.put(("recurring",), Cell(bills / cards / months, bills, billed), source.k)


def _gaps(source: Source, found: Statistics) -> None:
    """How many purchases follow one of the same card and day within the hour of a trip."""
    query = (
        f"select count(*), count(*) filter (gap < {GAP_MINUTES}), count(distinct card) from ("
        f'select card, date_diff(\'second\', lag("at") over (partition by card, "at"::date '
        f'order by "at"), "at") / 60.0 as gap from {source.sample(())} where spontaneous) '
        f"where gap is not null"
    )
    further, short, cards = source.ask(query)[0]
    if further:
        found.put(("short_gaps",), Cell(short / further, further, cards), source.k)


def _merchants(source: Source, found: Statistics) -> None:
    """Merchants; how likely two purchases of a card, or of two cards, are at one merchant."""
    seen, once, twice, cards, rows = source.ask(
        f"select count(*), count(*) filter (n = 1), count(*) filter (n = 2), "
        f"(select count(distinct card) from {source.rows(())}), sum(n) from ("
        f"select merchant, count(*) as n from {source.rows(('merchant',))} "
        f"where merchant is not null group by merchant)"
    )[0]
    if not seen:
        return
    merchants = seen + unseen_merchants(seen, once, twice)
    found.put(("merchants",), Cell(merchants, int(rows), cards), source.k)
    pairs = (
        f"select card, merchant, count(*) as n from {source.sample(('merchant',))} "
        f"where spontaneous and merchant is not null group by all"
    )
    within, cards, rows = source.ask(
        f"select avg(same / all_), count(*), sum(n_) from (select card, "
        f"sum(n * (n - 1)) as same, sum(n) * (sum(n) - 1) as all_, sum(n) as n_ from ({pairs}) "
        f"group by card) where n_ >= {ROWS_OF_CARD_MIN}"
    )[0]
    if cards and within and within > 0:
        found.put(("same_merchant",), Cell(math.log(within), int(rows), cards), source.k)
    channel = "channel" in source.has
    where = "channel = 'ecom'" if channel else "true"
    columns = ("merchant", "channel") if channel else ("merchant",)
    pairs = (
        f"select card, merchant, count(*)::double as n from {source.sample(columns)} "
        f"where spontaneous and merchant is not null and {where} group by all"
    )
    row = source.ask(
        f"with p as ({pairs}), m as (select sum(n) as n from p group by merchant), "
        f"c as (select sum(n) as n from p group by card) "
        f"select (select sum(n * n) from m), (select sum(n * n) from p), "
        f"(select sum(n) from m), (select sum(n * n) from c), (select count(*) from c)"
    )[0]
    of_merchants, of_pairs, rows, of_cards, cards = row
    if cards and of_merchants > of_pairs:
        shared = (of_merchants - of_pairs) / (rows * rows - of_cards)
        found.put(("shared_merchant",), Cell(math.log(shared), int(rows), cards), source.k)


def _fraud(source: Source, found: Statistics) -> None:
    """Fraudulent rows per card and year: all, by typology, and by remote or present."""
    cards = found.value("cards")
    if not cards:
        return
    years = cards * _days(source) / YEAR_DAYS
    columns = [name for name in ("typology", "channel") if name in source.has]
    asked = {"all": "'all'"}
    if "typology" in columns:
        asked["typology"] = "coalesce(typology, '?')"
    if "channel" in columns:
        asked["presence"] = "case when channel in ('ecom', 'moto') then 'remote' else 'present' end"
    for name, by in asked.items():
        rows = source.ask(
            f"select {by}, count(*), count(distinct card) from {source.rows(columns)} "
            f"where is_fraud group by 1"
        )
        for group, frauds, victims in rows:
            found.put(("fraud", name, group), Cell(frauds / years, frauds, victims), source.k)


def _knowledge(source: Source, found: Statistics) -> None:
    """Share of approved frauds that the bank learnt of; how late, by who told it."""
    columns = [n for n in ("known_at", "is_approved", "label_source") if n in source.has]
    approved = "coalesce(is_approved, true)" if "is_approved" in columns else "true"
    frauds, known, victims = source.ask(
        f"select count(*), count(known_at), "
        f"count(distinct card) filter (known_at is not null) from {source.rows(columns)} "
        f"where is_fraud and {approved}"
    )[0]
    if frauds:
        found.put(("found",), Cell(known / frauds, frauds, victims), source.k)
    if "label_source" not in columns:
        return
    rows = source.ask(
        f"select label_source, avg(x), coalesce(stddev_samp(x), 0), count(*), count(distinct card) "
        f"from (select *, ln(greatest(date_diff('second', \"at\", known_at), 1) / 86400.0) as x "
        f"from {source.rows(columns)} where is_fraud and known_at is not null) "
        f"where label_source is not null group by 1"
    )
    for told_by, mean, spread, count, victims in rows:
        found.put(("delay", told_by), Cell(mean, count, victims, spread), source.k)

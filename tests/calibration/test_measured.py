"""Measuring: each cell is what a plain walk over the rows says."""

from __future__ import annotations

import datetime
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from measured_rows import (
    CARDS,
    DAYS,
    MCCS,
    START,
    WINDOW,
    Key,
    Row,
    cards,
    inside,
    shares,
    some_rows,
)

from fauxpay.calibration.counts import rate_law
from fauxpay.calibration.estimate import fit
from fauxpay.calibration.measuring import (
    GAP_MINUTES,
    MONTH_DAYS,
    ROWS_OF_CARD_MIN,
    YEAR_DAYS,
    measure,
)
from fauxpay.calibration.statistics import Cell, Statistics, open_source
from fauxpay.drift.sides import connect
from fauxpay.drift.windows import Window
from fauxpay.errors import ContractError
from fauxpay.foundations.parameters import load_parameters
from fauxpay.scorecard.card_table import open_card_table


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Those of the table."""
    return some_rows()


def measured(
    rows: list[Row], folder: Path, *, without: Iterable[str] = (), window: Window = WINDOW
) -> Statistics:
    """What is measured of rows, nothing suppressed."""
    path = folder / "rows.parquet"
    columns = {name: [row[name] for row in rows] for name in rows[0] if name not in without}
    pq.write_table(pa.table(columns), path)
    table = open_card_table(path)
    source = open_source(table, connect(table, {}), window, load_parameters(), (1, 10**6))
    return measure(source)


@pytest.fixture(scope="module")
def found(rows, tmp_path_factory) -> Statistics:
    """Of all columns."""
    return measured(rows, tmp_path_factory.mktemp("measured"))


def require(found: Statistics, expected: dict[Key, Cell], *prefix: str) -> None:
    """The cells below a prefix are those expected, and no others."""
    size = len(prefix)
    own = {key: cell for key, cell in found.cells.items() if key[:size] == prefix}
    assert set(own) == {key for key, cell in expected.items() if cell.cards}
    for key, cell in own.items():
        other = expected[key]
        assert (cell.rows, cell.cards) == (other.rows, other.cards), key
        assert cell.value == pytest.approx(other.value, rel=1e-9), key
        assert cell.spread == pytest.approx(other.spread, rel=1e-9), key


def test_hours_are_local_and_of_spontaneous_purchases(found, rows):
    """Each hour's share of the workdays' or of the weekends' purchases, by the local clock."""

    def hour(row: Row) -> Key:
        kind = "weekend" if row["local_at"].isoweekday() >= 6 else "workday"
        return ("hour", kind, str(row["local_at"].hour))

    own = [row for row in inside(rows) if row["spontaneous"]]
    require(found, shares(own, hour, lambda key: key[:2]), "hour")


def test_weekdays_are_whole_local_days(found, rows):
    """Means a day, of local days that lie in the window whole, over their mean."""
    first, last = START + datetime.timedelta(1), WINDOW.end - datetime.timedelta(2)
    expected = {}
    for country in (None, "US", "GB"):
        by_day, dates = defaultdict(list), defaultdict(set)
        for row in inside(rows):
            day = row["local_at"].date()
            if (
                row["spontaneous"]
                and first <= day <= last
                and country in (None, row["card_country"])
            ):
                by_day[day.isoweekday()].append(row)
                dates[day.isoweekday()].add(day)
        means = {day: len(own) / len(dates[day]) for day, own in by_day.items()}
        middle = sum(means.values()) / 7
        key = ("weekday",) if country is None else ("weekday", country)
        for day, own in by_day.items():
            expected[*key, str(day)] = Cell(means[day] / middle, len(own), cards(own))
    assert len(expected) == 21
    require(found, expected, "weekday")
    assert not found.below("month"), "a month and a bit are not twelve"


def test_mixes_are_shares_of_what_they_are_asked_of(found, rows):
    """Channels of purchases, entries of tills and pages, online purchases abroad, declines."""
    own = [row for row in inside(rows) if row["spontaneous"]]
    expected: dict[Key, Cell] = {}

    def put(key: Key, of: list[Row], which: Callable[[Row], bool]) -> None:
        its = [row for row in of if which(row)]
        if its:
            expected[key] = Cell(len(its) / len(of), len(of), cards(its))

    with_channel = [row for row in own if row["channel"]]
    for channel in ("ecom", "atm", "moto"):
        for country in (None, "US", "GB"):
            of = [r for r in with_channel if country in (None, r["card_country"])]
            key = ("channel", channel) if country is None else ("channel", channel, country)
            put(key, of, lambda row, channel=channel: row["channel"] == channel)
    require(found, expected, "channel")
    expected.clear()
    abroad = [r for r in own if r["channel"] == "ecom" and r["merchant_country"]]
    abroad = [r for r in abroad if r["card_country"]]
    for country in (None, "US", "GB"):
        of = [r for r in abroad if country in (None, r["card_country"])]
        key = ("abroad",) if country is None else ("abroad", country)
        put(key, of, lambda row: row["card_country"] != row["merchant_country"])
    require(found, expected, "abroad")
    expected.clear()
    asked = (("contactless", "pos"), ("magstripe", "pos"), ("credential_on_file", "ecom"))
    for mode, channel in asked:
        for country in (None, "US", "GB", "JP"):
            of = [r for r in own if r["channel"] == channel and r["entry_mode"]]
            of = [r for r in of if country in (None, r["merchant_country"])]
            key = ("entry", mode) if country is None else ("entry", mode, country)
            put(key, of, lambda row, mode=mode: row["entry_mode"] == mode)
    require(found, expected, "entry")
    expected.clear()
    asked_of = [r for r in inside(rows) if r["paid"] and r["is_approved"] is not None]
    for name in ("pos", "ecom", "atm", "moto", "recurring"):
        of = [r for r in asked_of if ("recurring" if r["often"] else r["channel"]) == name]
        put(("decline", name), of, lambda row: not row["is_approved"])
    require(found, expected, "decline")


def test_amounts_and_endings_are_of_paid_rows(found, rows):
    """Logs by class and currency; endings where a currency has hundredths."""
    paid = [row for row in inside(rows) if row["paid"] and row["amount"] > 0]
    groups = defaultdict(list)
    for row in paid:
        groups["amount", MCCS[row["mcc"]], row["currency"]].append(row)
    expected = {}
    for key, own in groups.items():
        logs = [math.log(row["amount"]) for row in own]
        expected[key] = Cell(statistics.fmean(logs), len(own), cards(own), statistics.stdev(logs))
    require(found, expected, "amount")
    classes = load_parameters().value("activity.amounts.classes")
    names = {0: "whole", 99: "99", 95: "95", 90: "90", 50: "50"}

    def ending(row: Row) -> Key | None:
        if row["currency"] != "USD":
            return None
        profile = classes[MCCS[row["mcc"]]]["ending"]
        return ("ending", profile, names.get(round(row["amount"] * 100) % 100, "exact"))

    require(found, shares(paid, ending, lambda key: key[:2]), "ending")


def test_what_comes_back_and_soon_is_counted_against_purchases(found, rows):
    """Refunds, reversals, subscriptions; how many come within the hour of a trip on one day."""
    own = inside(rows)
    bought = [row for row in own if row["spontaneous"]]
    for name in ("refund", "reversal"):
        its = [row for row in own if row["kind"] == name]
        require(found, {(name,): Cell(len(its) / len(bought), len(its), cards(its))}, name)
    bills = [row for row in own if row["often"]]
    months = DAYS / MONTH_DAYS
    rate = len(bills) / found.cells["cards",].value / months
    require(found, {("recurring",): Cell(rate, len(bills), cards(bills))}, "recurring")
    gaps: list[tuple[int, float]] = []
    by_card_day = defaultdict(list)
    for row in bought:
        by_card_day[row["card"], row["at"].date()].append(row["at"])
    for (card, _), times in by_card_day.items():
        times.sort()
        gaps += [(card, (b - a).total_seconds() / 60) for a, b in pairwise(times)]
    soon = sum(gap < GAP_MINUTES for _, gap in gaps)
    cell = Cell(soon / len(gaps), len(gaps), len({card for card, _ in gaps}))
    require(found, {("short_gaps",): cell}, "short_gaps")
    rate = found.cells["rate",]
    assert rate.rows == len(bought)
    assert rate.value == pytest.approx(len(bought) / found.cells["cards",].value / DAYS)
    assert found.cells["cards",].cards == cards(bought)
    law = rate_law(Counter(Counter(row["card"] for row in bought).values()))
    assert cards(own) > cards(bought), "some did nothing of their own accord"
    assert found.cells["cards",].value == pytest.approx(cards(bought) / (1 - law.share_unseen()))


def test_pairs_are_counted_pair_by_pair(found, rows):
    """One card twice at a merchant, two cards at one online; weeks that hang together."""
    bought = [row for row in inside(rows) if row["spontaneous"]]
    at_shops = [row for row in bought if row["merchant"] is not None]
    by_card = defaultdict(list)
    for row in at_shops:
        by_card[row["card"]].append(row["merchant"])
    often = {card: shops for card, shops in by_card.items() if len(shops) >= ROWS_OF_CARD_MIN}
    same = [
        sum(n * (n - 1) for n in Counter(shops).values()) / (len(shops) * (len(shops) - 1))
        for shops in often.values()
    ]
    assert 10 < len(often) < CARDS
    cell = Cell(math.log(statistics.fmean(same)), sum(map(len, often.values())), len(often))
    require(found, {("same_merchant",): cell}, "same_merchant")
    online = [row for row in at_shops if row["channel"] == "ecom"]
    pairs = [(a, b) for a in online for b in online if a["card"] != b["card"]]
    met = sum(a["merchant"] == b["merchant"] for a, b in pairs)
    cell = Cell(math.log(met / len(pairs)), len(online), cards(online))
    require(found, {("shared_merchant",): cell}, "shared_merchant")
    monday = START + datetime.timedelta(5)
    weeks = [monday + datetime.timedelta(7 * nth) for nth in range(4)]
    count = Counter()
    for row in bought:
        week = row["at"].date() - datetime.timedelta(row["at"].weekday())
        if week in weeks:
            count[row["card"], week] += 1
    total = Counter()
    for (_, week), n in count.items():
        total[week] += n
    seen = {card for card, _ in count}
    within = sum(n * (n - 1) / total[week] ** 2 for (_, week), n in count.items()) / 4
    across = sum(
        count[card, one] * count[card, two] / total[one] / total[two]
        for card in seen
        for one in weeks
        for two in weeks
        if one != two
    )
    cell = Cell(within / (across / 12) - 1, sum(count.values()), len(seen))
    require(found, {("week_excess",): cell}, "week_excess")


def test_frauds_are_counted_by_card_and_year(found, rows):
    """All of them, by typology and presence; what the bank learnt, of those approved, and when."""
    frauds = [row for row in inside(rows) if row["label"] == 1]
    years = found.cells["cards",].value * DAYS / YEAR_DAYS
    expected = {}
    for name, of in (
        ("all", lambda row: "all"),
        ("typology", lambda row: row["typology"] or "?"),
        ("presence", lambda r: "remote" if r["channel"] in ("ecom", "moto") else "present"),
    ):
        groups = defaultdict(list)
        for row in frauds:
            groups[of(row)].append(row)
        for group, own in groups.items():
            expected["fraud", name, group] = Cell(len(own) / years, len(own), cards(own))
    require(found, expected, "fraud")
    approved = [row for row in frauds if row["is_approved"] is not False]
    known = [row for row in approved if row["known_at"]]
    cell = Cell(len(known) / len(approved), len(approved), cards(known))
    require(found, {("found",): cell}, "found")
    expected = {}
    for source in ("analyst", "chargeback"):
        own = [row for row in frauds if row["label_source"] == source]
        logs = [math.log(max((r["known_at"] - r["at"]).total_seconds(), 1) / 86_400) for r in own]
        cell = Cell(statistics.fmean(logs), len(own), cards(own), statistics.stdev(logs))
        expected["delay", source] = cell
    require(found, expected, "delay")


def test_a_card_without_a_country_is_at_home_where_it_buys_most(rows, tmp_path):
    """Known by its purchases where the table names merchants' countries alone."""
    found = measured(rows, tmp_path, without=("card_country", "mcc"))
    by_card: dict[int, Counter[str]] = defaultdict(Counter)
    for row in inside(rows):
        if row["merchant_country"]:
            by_card[row["card"]][row["merchant_country"]] += 1
    home = {}
    for card, places in by_card.items():
        (first, most), *others = places.most_common()
        if not others or others[0][1] < most:
            home[card] = first
    told = {key[1]: cell.value for key, cell in found.cells.items() if key[0] == "country"}
    ties = len(by_card) - len(home)
    for country, count in Counter(home.values()).items():
        assert count <= told[country] <= count + ties
    assert sum(told.values()) == len(by_card)
    # Without categories all amounts are of one class, still by currency.
    assert {key[1:] for key in found.cells if key[0] == "amount"} == {
        ("all", money) for money in ("USD", "JPY", "KWD")
    }


@pytest.mark.parametrize(("days", "months"), [(365, 12), (361, 0)])
def test_a_year_has_twelve_whole_months(days, months, tmp_path):
    """From New Year's Day on, or with a piece of December: then nothing is said of months."""
    first = datetime.datetime(2026, 1, 1)
    at = [first + datetime.timedelta(nth) for nth in range(days)]
    at += [one for one in at if one.month == 12]
    rows = [{"card": nth % 3, "at": one} for nth, one in enumerate(at)]
    window = Window(at[0].date(), datetime.date(2027, 1, 1))
    found = measured(rows, tmp_path, window=window).below("month")
    assert len(found) == months
    if found:
        assert found["12"].value / found["1"].value == pytest.approx(2)


def test_a_piece_of_a_week_is_too_short_to_fit(rows, tmp_path):
    """Six days are refused, and before any mirror is made."""
    measured(rows, tmp_path)
    window = Window(START, START + datetime.timedelta(6))
    with pytest.raises(ContractError, match="over 6 days; expected at least 5 cards and 7 days"):
        fit(open_card_table(tmp_path / "rows.parquet"), k=1, window=window)

"""Spellings: numbers and times of other countries are read, or refused where two ways are open."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from fauxpay.errors import ConfigError
from fauxpay.scorecard.card_table import open_card_table

NAMES = {"card": "Karte", "at": "Datum", "amount": "Betrag", "posted_on": "Valuta"}


def table_of(folder, rows, separator=";"):
    """A CSV of theirs, opened."""
    path = folder / "theirs.csv"
    lines = [separator.join(NAMES.values()), *(separator.join(row) for row in rows)]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return open_card_table(path, NAMES)


def read(table):
    """(instant, amount, day) of each row, in order of amounts."""
    with table.connect(threads=1) as connection:
        query = 'SELECT "at", amount, posted_on FROM transactions ORDER BY amount'
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("03.11.2025 08:15:30", "28.11.2025 21:00:00"),
        ("03/11/2025 08:15:30", "28/11/2025 21:00:00"),
        ("11/03/2025 08:15:30 AM", "11/28/2025 09:00:00 PM"),
        ("2025-11-03T08:15:30", "2025-11-28T21:00:00"),
        ("2025-11-03 09:15:30+01:00", "2025-11-28 22:00:00+01"),
    ],
)
def test_times_are_read_in_the_order_that_all_rows_allow(tmp_path, first, second):
    """Day first, month first, ISO with and without an offset."""
    found = read(table_of(tmp_path, [("a", first, "1", ""), ("b", second, "2", "")]))
    assert [at for at, *_ in found] == [
        datetime(2025, 11, 3, 8, 15, 30),
        datetime(2025, 11, 28, 21, 0),
    ]


def test_two_digits_of_a_year_come_last(tmp_path):
    """03/11/25 was taken for a day of 2003, with a figure for everything."""
    rows = [("a", "03/11/25", "1", "04/11/25"), ("b", "28/11/25", "2", "29/11/25")]
    found = read(table_of(tmp_path, rows))
    assert [at.date() for at, *_ in found] == [date(2025, 11, 3), date(2025, 11, 28)]
    assert [day for *_, day in found] == [date(2025, 11, 4), date(2025, 11, 29)]


def test_days_that_may_be_months_are_refused(tmp_path):
    """Nobody can tell: the message says what to write."""
    with pytest.raises(ConfigError, match=r"'Datum'.*day or with the month; write them as 2026"):
        table_of(tmp_path, [("a", "03/11/2025", "1", ""), ("b", "04/12/2025", "2", "")])


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["5,40", "1.234,56"], [5.4, 1234.56]),
        (["5.40", "1,234.56"], [5.4, 1234.56]),
        (["5,40 €", "1.234,56 €"], [5.4, 1234.56]),
        (["CHF 5.40", "CHF 1'234.56"], [5.4, 1234.56]),
        (["-5,40", "1234,5"], [-5.4, 1234.5]),
        (["1,234", "12,345"], [1234.0, 12345.0]),
        (["5.40", "nan"], [5.4, None]),
    ],
)
def test_amounts_are_read_by_the_sign_of_their_decimals(tmp_path, texts, values):
    """Comma or point, grouped or not, with a currency beside them."""
    times = ("2026-03-01", "2026-03-02")
    found = read(
        table_of(tmp_path, [("a", at, text, "") for at, text in zip(times, texts, strict=True)])
    )
    assert [amount for _, amount, _ in found] == values


def test_amounts_in_two_ways_are_refused(tmp_path):
    """Both are named."""
    with pytest.raises(ConfigError, match=r"'5,40' and '6\.10'.*one sign before decimals"):
        table_of(tmp_path, [("a", "2026-03-01", "5,40", ""), ("b", "2026-03-01", "6.10", "")])
    with pytest.raises(ConfigError, match="cannot be read as amount"):
        table_of(tmp_path, [("a", "2026-03-01", "five", ""), ("b", "2026-03-01", "6.10", "")])


def test_what_lacks_a_map_is_told_by_likely_names(tmp_path):
    """A command to copy, quoted where a name has a space."""
    path = tmp_path / "theirs.csv"
    path.write_text("Card No,Trans Date,Amt\n1,2026-03-01,5\n")
    with pytest.raises(ConfigError, match="--map 'card=Card No,at=Trans Date'"):
        open_card_table(path)

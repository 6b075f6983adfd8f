"""Tables of other people: sentinels, NaN, zones, codes as numbers, days before 1970."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fauxpay
from card_tables import FIRST_US, found, instants, poisson_world, prepared, write
from fauxpay.errors import ContractError
from fauxpay.scorecard import leaks as gate
from fauxpay.scorecard.card_table import open_card_table
from fauxpay.scorecard.documents import document_of
from fauxpay.scorecard.findings import Standing
from scorecard_tables import plain
from scorecard_tables import write as labelled

HOUR_US = 3_600_000_000


def read(path, *columns: str) -> list[tuple]:
    """Columns of a table in canonical form, by card."""
    with open_card_table(path).connect(threads=1) as connection:
        quoted = ", ".join(f'"{name}"' for name in columns)
        return connection.execute(f"SELECT {quoted} FROM transactions ORDER BY card").fetchall()


@pytest.mark.parametrize("more", ["", ",mcc", ",mcc,channel"])
def test_a_zone_in_a_text_file_is_no_decoration(tmp_path, more):
    """An instant with an offset is that instant, whichever other columns there are."""
    path = tmp_path / "zones.csv"
    values = {"": "", ",mcc": ",5411", ",mcc,channel": ",5411,pos"}[more]
    rows = [f"{n},m,2026-03-01T23:{n:02d}:00-05:00,5.00{values}\n" for n in range(30)]
    path.write_text(f"card,merchant,at,amount{more}\n" + "".join(rows))
    for n, (at,) in enumerate(read(path, "at")):
        assert at == datetime(2026, 3, 2, 4, n)
    with prepared(path) as staged:
        days = staged.ask("SELECT DISTINCT day, hour FROM cube")
    assert days == [(20_514, 4)]


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1, 1e3])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_times_as_numbers_are_told_by_their_size(tmp_path, kind, unit):
    """Seconds, milliseconds, microseconds and nanoseconds since 1970, whole or not."""
    at = np.array([FIRST_US, FIRST_US + HOUR_US]) * unit
    path = write(tmp_path / "t.parquet", {"card": [1, 2], "merchant": "m", "at": at.astype(kind)})
    want = [
        (np.datetime64(int(us), "us").astype(datetime),) for us in (FIRST_US, FIRST_US + HOUR_US)
    ]
    assert read(path, "at") == want


def test_a_sentinel_is_no_time(tmp_path):
    """9999-12-31, 1753-01-01 and infinity: rows without a time, counted as such."""
    path = poisson_world(tmp_path / "p.parquet", cards=40, days=40)
    table = pq.read_table(path)
    far = pa.array([datetime(9999, 12, 31), datetime(1753, 1, 1)], pa.timestamp("us"))
    rows = table.slice(0, 2).set_column(2, "at", far)
    pq.write_table(pa.concat_tables([table, rows]), path)
    card = fauxpay.score(path)
    assert card.evidence["rows_without_card_or_time"] == 2
    assert card.evidence["rows"] == table.num_rows
    assert card.evidence["days"] <= 41


def test_nothing_written_as_nan_is_nothing(tmp_path):
    """NaN and infinity in amounts count as none, in scores and in drift."""
    path = poisson_world(tmp_path / "p.parquet", cards=200, days=40)
    table = pq.read_table(path)
    amount = table["amount"].to_numpy().copy()
    amount[::50], amount[1::500] = np.nan, np.inf
    odd = tmp_path / "odd.parquet"
    pq.write_table(table.set_column(3, "amount", pa.array(amount)), odd)
    few = tmp_path / "few.parquet"
    nulls = pa.array(np.where(np.isfinite(amount), amount, 0), mask=~np.isfinite(amount))
    pq.write_table(table.set_column(3, "amount", nulls), few)
    for key in ("mean_over_median", "amount_log_sd", "friday"):
        want = pytest.approx(found(fauxpay.score(few), key).value)
        assert found(fauxpay.score(odd), key).value == want, key
    assert read(odd, "amount") == read(few, "amount")


def test_codes_that_were_kept_as_numbers_have_their_zeros(tmp_path):
    """A data frame with a null makes floats of codes."""
    columns = {"card": [1, 2, 3], "merchant": "m", "at": instants([0, 1, 2])}
    columns |= {"mcc": [742.0, None, 5411.0], "response_code": [0, 5, 51]}
    path = write(tmp_path / "c.parquet", columns)
    assert read(path, "mcc", "response_code") == [("0742", "00"), (None, "05"), ("5411", "51")]


def test_a_column_of_nothing_is_no_fault(tmp_path):
    """A channel that is null throughout is read as not told; another word is refused still."""
    columns = {"card": [1, 2], "merchant": "m", "at": instants([0, 1])}
    path = write(tmp_path / "c.parquet", columns | {"channel": pa.nulls(2, pa.string())})
    assert read(path, "channel") == [(None,), (None,)]


def test_days_before_1970_are_days(tmp_path):
    """Metamorphic: whole weeks earlier, the same hours and weekdays."""
    path = poisson_world(tmp_path / "p.parquet", cards=60, days=30)
    table = pq.read_table(path)
    earlier = np.array(table["at"].to_numpy()) - np.timedelta64(7 * 3600, "D")
    old = tmp_path / "old.parquet"
    pq.write_table(table.set_column(2, "at", pa.array(earlier)), old)
    keys = ("trough_hour", "peak_share", "sunday", "friday")
    now, then = fauxpay.score(path), fauxpay.score(old)
    for key in keys:
        assert found(then, key).value == pytest.approx(found(now, key).value), key


def test_tables_older_than_the_rates_have_values(tmp_path):
    """The nearest day that has rates stands for earlier ones."""
    path = poisson_world(tmp_path / "p.parquet", cards=60, days=30)
    table = pq.read_table(path)
    table = table.append_column("currency", pa.array(["GBP"] * table.num_rows))
    pq.write_table(table, path)
    earlier = np.array(table["at"].to_numpy()) - np.timedelta64(7 * 480, "D")
    old = tmp_path / "old.parquet"
    pq.write_table(table.set_column(2, "at", pa.array(earlier)), old)
    assert found(fauxpay.score(old), "friday").value == pytest.approx(
        found(fauxpay.score(path), "friday").value
    )


def test_rows_without_a_merchant_are_not_one_merchant(tmp_path):
    """A fifth of the merchants is not told: popularity is that of the others."""
    path = poisson_world(tmp_path / "p.parquet", cards=200, days=60)
    table = pq.read_table(path)
    hidden = np.arange(table.num_rows) % 5 == 0
    merchant = pa.array(table["merchant"].to_numpy(), mask=hidden)
    odd, left = tmp_path / "odd.parquet", tmp_path / "left.parquet"
    pq.write_table(table.set_column(1, "merchant", merchant), odd)
    pq.write_table(table.filter(pa.array(~hidden)), left)
    for key in ("top_merchants", "merchant_zipf"):
        want = pytest.approx(found(fauxpay.score(left), key).value)
        assert found(fauxpay.score(odd), key).value == want, key


def test_a_day_among_days_of_nothing_is_not_judged(tmp_path):
    """No value in the days around December 23: said so, and no NaN in the JSON."""
    columns = {"card": [1, 2, 3], "merchant": "m", "at": instants([210, 296, 350])}
    columns["amount"] = [5.0, 6.0, 0.0]
    card = fauxpay.score(write(tmp_path / "d.parquet", columns))
    for key in ("december_23", "december"):
        assert (found(card, key).value, found(card, key).standing) == (None, Standing.SKIPPED)
    assert "december_23" in json.dumps(document_of(card), allow_nan=False)


def test_leaks_take_rows_without_a_time_and_say_where_all_is_fraud(tmp_path):
    """A null time is left out; with nothing genuine there is nothing to tell fraud from."""
    columns = plain(cards=300, frauds=200)
    table = pq.read_table(labelled(tmp_path / "t.parquet", columns))
    nth = table.column_names.index("at")
    at = table["at"].to_numpy()
    hidden = pa.array(at, mask=np.arange(at.size) % 997 == 0)
    path = tmp_path / "null.parquet"
    pq.write_table(table.set_column(nth, "at", hidden), path)
    told_of = ("clock", "column", "small_tree")
    told = gate.leaks(open_card_table(path), 1, told_of)
    assert {one.check for one in told.checks if one.value is not None} == {*told_of}
    fraud = tmp_path / "fraud.parquet"
    pq.write_table(table.filter(pa.compute.equal(table["label"], 1)), fraud)
    told = gate.leaks(open_card_table(fraud), 1, ("small_tree", "raw_boosting"))
    assert {check.reason for check in told.checks} >= {"no genuine remote rows to tell them from"}


def test_a_bad_value_far_down_a_text_file_is_an_error_of_ours(tmp_path):
    """Behind the rows that are looked at first: the words of `score`, from `leaks` too."""
    path = tmp_path / "late.csv"
    rows = [
        f"{n % 50},m,2026-03-{1 + n % 28:02d} 10:00:00,5.00,{n % 7 == 0:d}\n" for n in range(60_000)
    ]
    rows.append("1,m,2026-03-05 10:00:00,5.00,?\n")
    path.write_text("card,merchant,at,amount,label\n" + "".join(rows))
    with pytest.raises(ContractError, match="not of its column's kind"):
        gate.leaks(open_card_table(path), 1)

"""Posting rules: silent on what the engine writes, and each seen to fail on what it must not."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from fauxpay.gates.postings import POSTING_CHECKS, PostingGate
from worlds import DAY, config, maker_of, tables

Rows = dict[str, pa.Table]


@pytest.fixture(scope="module")
def day() -> Rows:
    """A day with fraud, reversals and refunds."""
    return tables(maker_of(config(fraud={"card_testing_per_card_year": 3.0})), DAY)


def gate(rows: pa.Table, size: int = 0, is_kept: bool = True) -> PostingGate:
    """A gate that has seen the transactions, in pieces of so many rows or at once."""
    made = PostingGate(DAY, is_kept)
    for start in range(0, rows.num_rows, size or rows.num_rows):
        made.see(rows.slice(start, size or rows.num_rows))
    return made


def checked(rows: pa.Table, postings: pa.Table) -> set[str]:
    """Names of the rules that fail."""
    return {finding.check for finding in gate(rows).judge(postings)}


def without(table: pa.Table, row: int) -> pa.Table:
    """A table with one row less."""
    return pa.concat_tables([table.slice(0, row), table.slice(row + 1)]).combine_chunks()


def changed(table: pa.Table, name: str, row: int, value: object) -> pa.Table:
    """A table with one other value."""
    column = table[name].combine_chunks()
    cells = column.to_pylist()
    cells[row] = value
    other = pa.array(cells, column.type.value_type if name == "posted_currency" else column.type)
    at = table.schema.get_field_index(name)
    if name == "posted_currency":
        other = other.dictionary_encode().cast(column.type)
    return table.set_column(at, table.schema.field(at), other)


def posted_as_well(day: Rows, row: int) -> pa.Table:
    """Postings with one more, of a transaction's row, where its place would be."""
    rows, postings = day["transactions"], day["postings"]
    ids = rows["transaction_id"].to_pylist()
    place = {identifier: at for at, identifier in enumerate(ids)}
    posted = [place[one] for one in postings["transaction_id"].to_pylist()]
    at = int(np.searchsorted(posted, row))
    more = changed(postings.slice(0, 1), "transaction_id", 0, ids[row])
    parts = [postings.slice(0, at), more, postings.slice(at)]
    return pa.concat_tables([part.unify_dictionaries() for part in parts]).combine_chunks()


def row_where(rows: pa.Table, **wanted: object) -> int:
    """The first row with these values."""
    columns = [rows[name].to_pylist() for name in wanted]
    return next(
        at for at, row in enumerate(zip(*columns, strict=True)) if row == tuple(wanted.values())
    )


def damages(day: Rows) -> dict[str, pa.Table]:
    """For each rule postings in which one row breaks it."""
    rows, postings = day["transactions"], day["postings"]
    currency = postings["posted_currency"][3].as_py()
    other = next(c for c in postings["posted_currency"].to_pylist() if c != currency)
    return {
        "posted": without(postings, 7),
        "declined_not_posted": posted_as_well(day, row_where(rows, is_approved=False)),
        "reversed_not_posted": posted_as_well(day, row_where(rows, transaction_type="reversal")),
        "not_before_event": changed(postings, "posted_on", 5, date(2026, 3, 1)),
        "billed_currency": changed(postings, "posted_currency", 3, other),
    }


@pytest.mark.parametrize("size", [0, 7, 100])
def test_what_the_engine_writes_passes(day, size):
    """Positive space: no rule fails, in whatever pieces the transactions were seen."""
    assert gate(day["transactions"], size).judge(day["postings"]) == []


@pytest.mark.parametrize("rule", [name.split()[0] for name in POSTING_CHECKS])
def test_every_rule_can_fail(day, rule):
    """Negative space: one wrong row is found and named."""
    assert rule in checked(day["transactions"], damages(day)[rule])


def test_what_was_taken_back_is_found(day):
    """A purchase that was reversed on its day is as wrong in the books as its reversal."""
    rows = day["transactions"]
    back = row_where(rows, transaction_type="reversal")
    original = rows["original_transaction_id"][back].as_py()
    purchase = rows["transaction_id"].to_pylist().index(original)
    assert checked(rows, posted_as_well(day, purchase)) == {"reversed_not_posted", "posted"}


def test_twice_strange_and_out_of_order_are_found(day):
    """A posting that stands twice, that points nowhere, or that moved: each is a finding."""
    rows, postings = day["transactions"], day["postings"]
    twice = pa.concat_tables([postings.slice(0, 3), postings.slice(2)]).combine_chunks()
    order = np.arange(postings.num_rows)
    order[[4, 5]] = order[[5, 4]]
    assert checked(rows, twice) == {"posted"}
    assert checked(rows, postings.take(order)) == {"posted"}
    assert checked(rows, changed(postings, "transaction_id", 4, 12345)) == {"posted"}
    assert checked(rows, postings.slice(0, 0)) == {"posted"}


def test_a_finding_says_where(day):
    """A finding names the rule, the row, the value and what was expected."""
    lost = day["postings"]["transaction_id"][7].as_py()
    (finding,) = gate(day["transactions"]).judge(without(day["postings"], 7))
    assert (finding.table, finding.offenders, finding.first_value) == ("postings", 1, str(lost))
    assert "not taken back" in str(finding)


def test_a_world_without_postings_expects_none(day):
    """Where the config keeps none, an empty table is right and a posting is not."""
    rows, postings = day["transactions"], day["postings"]
    assert gate(rows, is_kept=False).judge(postings.slice(0, 0)) == []
    assert {f.check for f in gate(rows, is_kept=False).judge(postings)} == {"posted"}


def test_a_day_without_rows_has_no_postings(day):
    """Nothing happened, so nothing is posted; a posting all the same is found."""
    empty = PostingGate(DAY, True)
    assert empty.judge(day["postings"].slice(0, 0)) == []
    assert {finding.check for finding in empty.judge(day["postings"])} == {"posted"}


def with_original(rows: pa.Table, row: int, original: int | None, kind: str) -> pa.Table:
    """Transactions of which one is of a kind and points to another, or to none."""
    column = rows["transaction_type"].combine_chunks()
    names, codes = column.dictionary.to_pylist(), column.indices.to_pylist()
    codes[row] = names.index(kind)
    other = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), column.dictionary)
    at = rows.schema.get_field_index("transaction_type")
    rows = rows.set_column(at, rows.schema.field(at), other)
    return changed(rows, "original_transaction_id", row, original)


def test_a_purchase_that_is_refunded_on_its_day_is_posted(day):
    """Only a reversal takes a posting back: a refund is one more."""
    rows, posted = day["transactions"], day["postings"]["transaction_id"].to_pylist()
    ids = rows["transaction_id"].to_pylist()
    bought, later = (ids.index(posted[at]) for at in (3, 9))
    refunded = with_original(rows, later, ids[bought], "refund")
    assert checked(refunded, day["postings"]) == set()
    reversed_ = with_original(rows, later, ids[bought], "reversal")
    assert checked(reversed_, day["postings"]) == {"reversed_not_posted", "posted"}


def test_a_reversal_that_points_nowhere_takes_nothing_back(day):
    """What lies in the slot of a null is no transaction, whatever it equals."""
    rows, posted = day["transactions"], day["postings"]["transaction_id"].to_pylist()
    ids = rows["transaction_id"].to_pylist()
    back = row_where(rows, transaction_type="reversal")
    blank = with_original(rows, back, None, "reversal")
    column = blank["original_transaction_id"].combine_chunks()
    slots = np.frombuffer(column.buffers()[1], np.int64).copy()
    slots[back] = posted[3]
    own = pa.Array.from_buffers(
        column.type, len(column), [column.buffers()[0], pa.py_buffer(slots)]
    )
    at = rows.schema.get_field_index("original_transaction_id")
    blank = blank.set_column(at, rows.schema.field(at), own)
    undone = rows["original_transaction_id"][back].as_py()
    expected = posted_as_well(day, ids.index(undone))
    assert checked(blank, expected) <= {"billed_currency"}, "the row that is added has another one"


def test_the_first_row_out_of_order_is_named(day):
    """Two postings changed places: both are counted, the first is shown."""
    order = np.arange(day["postings"].num_rows)
    order[[4, 5]] = order[[5, 4]]
    (finding,) = gate(day["transactions"]).judge(day["postings"].take(order))
    assert (finding.first_row, finding.offenders) == (4, 2)

"""Checks: valid rows leave nothing, and every check of every table has been seen to fail."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from contract_examples import ROWS, broken, example, members_of, replaced
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.contracts.checks import check_batch, checks_of
from fauxpay.contracts.documents import check_document
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.tables import table, table_references

TRANSACTIONS = table("activity.yaml#/$defs/transactions")
TABLES = [table(reference) for reference in table_references()]
SINGLE = [
    (owner, check)
    for owner in TABLES
    for check in checks_of(owner)
    if check != "schema" and "," not in check
]
ROW = 41


@pytest.mark.parametrize("owner", TABLES, ids=lambda owner: owner.name)
def test_valid_rows_leave_no_finding(owner):
    """Rows that keep the contract pass all checks, as a table, a batch, a slice or chunks."""
    data = example(owner)
    members = members_of(owner, data)
    assert check_batch(owner, data, members) == []
    assert check_batch(owner, data.to_batches()[0], members) == []
    assert check_batch(owner, data.slice(3, 17), members) == []
    assert check_batch(owner, data.slice(0, 0), members) == []
    assert check_batch(owner, pa.concat_tables([data[:5], data[5:9], data[9:]]), members) == []


@pytest.mark.parametrize(
    ("owner", "check"), SINGLE, ids=[f"{owner.name} {check}" for owner, check in SINGLE]
)
def test_every_check_can_fail(owner, check):
    """One broken row is found by its check, in its column, at its row, whatever the slice."""
    kind, name = check.split(" ")
    data = example(owner)
    members = members_of(owner, data)
    column = owner.column(name)
    # A null's slot is nobody's value, so the row to break must hold one.
    row = next(r for r in range(ROW, ROWS) if data[name][r].is_valid)
    wrong = broken(kind, column, data[name].chunk(0), row)
    for start in (0, 5):
        found = check_batch(owner, replaced(data, name, wrong)[start:], members)
        same = [finding for finding in found if (finding.check, finding.column) == (kind, name)]
        if kind == "unique" and start:
            assert same == []
            continue
        assert len(same) == 1
        finding = same[0]
        assert (finding.offenders, finding.rows) == (1, ROWS - start)
        assert finding.first_row == row - start
        assert finding.table == owner.name


def test_every_column_is_named_by_the_checks():
    """Coverage: every column of every table has at least one check."""
    for owner in TABLES:
        words = {word.strip(",") for check in checks_of(owner) for word in check.split()}
        free = {
            column.name
            for column in owner.columns
            if column.nullable and column.arrow.startswith(("timestamp", "date"))
        }
        assert set(owner.names) - words <= free, owner.name


def test_schema_names_missing_columns():
    """A missing, renamed or reordered column is one finding, and nothing else is run."""
    data = example(TRANSACTIONS)
    for other in (
        data.drop_columns(["mcc"]),
        data.rename_columns(["x", *data.schema.names[1:]]),
        data.select(list(reversed(data.schema.names))),
    ):
        found = check_batch(TRANSACTIONS, other, {})
        assert [finding.check for finding in found] == ["schema"]
        assert "transaction_id, event_time" in found[0].expected


def test_schema_names_wrong_types():
    """A column of another type is a finding that says which type was seen and expected."""
    data = example(TRANSACTIONS)
    wrong = replaced(data, "amount_minor", data["amount_minor"].chunk(0).cast(pa.float64()))
    (finding,) = check_batch(TRANSACTIONS, wrong, {})
    assert (finding.column, finding.first_value, finding.expected) == (
        "amount_minor",
        "double",
        "int64",
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -90.5, 90.5])
def test_floats_must_be_finite_and_inside(value):
    """Not a number, infinities and values beyond either limit all fail the range check."""
    data = example(TRANSACTIONS)
    latitude = data["latitude"].to_pylist()
    latitude[7] = value
    wrong = replaced(data, "latitude", pa.array(latitude, pa.float32()))
    (finding,) = check_batch(TRANSACTIONS, wrong, members_of(TRANSACTIONS, data))
    assert (finding.check, finding.column, finding.first_row) == ("range", "latitude", 7)


def test_exclusive_minimum_refuses_the_limit_itself():
    """A price level of exactly zero fails, the smallest number above it passes."""
    merchants = table("catalog.yaml#/$defs/merchants")
    data = example(merchants)
    levels = data["price_level"].to_pylist()
    for value, count in ((0.0, 1), (5e-324, 0)):
        levels[2] = value
        found = check_batch(
            merchants, replaced(data, "price_level", pa.array(levels)), members_of(merchants, data)
        )
        assert len(found) == count


def test_slots_of_nulls_may_hold_anything():
    """Out-of-range numbers, NaN and indexes under a null are no findings."""
    data = example(TRANSACTIONS)
    members = members_of(TRANSACTIONS, data)
    for name, garbage in (
        ("latitude", np.float32("nan")),
        ("device_id", np.int64(-5)),
        ("ip_address", np.uint32(1)),
        ("previous_transaction_id", np.int64(-1)),
    ):
        column = data[name].chunk(0)
        mask = np.asarray(column.is_null())
        values = np.where(mask, garbage, np.asarray(column.fill_null(0)).astype(garbage.dtype))
        slots = pa.Array.from_buffers(
            column.type, len(column), [column.buffers()[0], pa.py_buffer(values)]
        )
        assert slots.null_count > 0
        data = replaced(data, name, slots)
    family = data["user_agent_family"].chunk(0)
    mask = np.asarray(family.is_null())
    codes = np.where(mask, 100, np.asarray(family.indices.fill_null(0))).astype(np.int8)
    bits = family.indices.buffers()[0]
    indices = pa.Array.from_buffers(pa.int8(), len(family), [bits, pa.py_buffer(codes)])
    odd = pa.DictionaryArray.from_arrays(indices, family.dictionary, safe=False)
    assert check_batch(TRANSACTIONS, replaced(data, "user_agent_family", odd), members) == []


def test_null_inside_a_dictionary_is_a_null():
    """A row whose code points at a null of the dictionary has no value."""
    data = example(TRANSACTIONS)
    members = members_of(TRANSACTIONS, data)
    codes = np.zeros(ROWS, np.int8)
    codes[9] = 1
    hidden = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(["pos", None]))
    (finding,) = check_batch(TRANSACTIONS, replaced(data, "channel", hidden), members)
    assert (finding.check, finding.first_row, finding.first_value) == ("null", 9, "None")


def test_unused_dictionary_entries_do_no_harm():
    """An entry that breaks the pattern or the enum matters only where a row uses it."""
    data = example(TRANSACTIONS)
    members = members_of(TRANSACTIONS, data)
    for name, entries in (("channel", ["pos", "pigeon"]), ("mcc", ["5411", "meat"])):
        column = TRANSACTIONS.column(name)
        codes = np.zeros(ROWS, column.index)
        array = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(entries))
        assert check_batch(TRANSACTIONS, replaced(data, name, array), members) == []
        codes[[11, 12]] = 1
        array = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(entries))
        (finding,) = check_batch(TRANSACTIONS, replaced(data, name, array), members)
        assert (finding.offenders, finding.first_row) == (2, 11)
        assert finding.first_value == entries[1]


def test_composite_keys_are_compared_as_a_whole():
    """Two labels of one transaction are fine at different times, and not at the same."""
    labels = table("labels.yaml#/$defs/labels")
    data = example(labels)
    members = members_of(labels, data)
    ids, times = data["transaction_id"].to_pylist(), data["known_at"].to_pylist()
    ids[8] = ids[3]
    data = replaced(data, "transaction_id", pa.array(ids))
    assert check_batch(labels, data, members) == []
    times[8] = times[3]
    kind = data["known_at"].type
    (finding,) = check_batch(labels, replaced(data, "known_at", pa.array(times, kind)), members)
    assert (finding.check, finding.column) == ("unique", "transaction_id, known_at")
    assert (finding.first_row, finding.offenders) == (8, 1)


def test_a_foreign_key_may_stand_in_either_table():
    """A card is known when the catalog or the reissues hold it; in neither, it dangles."""
    data = example(TRANSACTIONS)
    members = members_of(TRANSACTIONS, data)
    cards, reissues = "catalog.yaml#/$defs/cards", "fraud.yaml#/$defs/reissues"
    members[cards], members[reissues] = members[reissues], members[cards]
    assert check_batch(TRANSACTIONS, data, members) == []
    members[reissues] = members[cards]
    (finding,) = check_batch(TRANSACTIONS, data, members)
    assert (finding.check, finding.column) == ("foreign_key", "card_id")
    assert "reissues" in finding.expected


def test_leaving_members_out_must_be_said():
    """Forgotten members are our own mistake; None leaves the check out, and out of the list."""
    data = example(TRANSACTIONS)
    members = dict(members_of(TRANSACTIONS, data))
    del members["catalog.yaml#/$defs/devices"]
    with pytest.raises(AssertionError, match="devices"):
        check_batch(TRANSACTIONS, data, members)
    left_out = {**members, "catalog.yaml#/$defs/devices": None}
    assert check_batch(TRANSACTIONS, data, left_out) == []
    assert set(checks_of(TRANSACTIONS)) - set(checks_of(TRANSACTIONS, left_out)) == {
        "foreign_key device_id"
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_order_equals_brute_force(pairs):
    """Property: a row is out of order exactly when it is smaller than the one before it."""
    from fauxpay.contracts.checks import falls

    columns = [np.array([pair[part] for pair in pairs], np.int64) for part in (0, 1)]
    expected = [row for row in range(1, len(pairs)) if pairs[row] < pairs[row - 1]]
    assert falls(columns).tolist() == expected


def test_findings_are_documents():
    """A finding, as it is sealed in a partition receipt, satisfies the contract of findings."""
    for finding in (
        Finding("range", "transactions", "amount_minor", 10, 2, 4, "-1", ">= 0"),
        Finding("schema", "transactions", "", 10, 10, None, "a, b", "the columns a"),
    ):
        check_document("run.yaml#/$defs/finding", finding.document())
    text = str(Finding("range", "transactions", "amount_minor", 10, 2, 4, "-1", ">= 0"))
    assert text == (
        "transactions.amount_minor: 2 of 10 rows fail the check 'range'; "
        "first at row 4: -1; expected >= 0"
    )

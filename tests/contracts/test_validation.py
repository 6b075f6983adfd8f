"""Validation: users' Parquet and CSV files against a contract, over batches and files."""

from __future__ import annotations

import datetime
import json
import struct
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from contract_examples import example, members_of, replaced
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.contracts import files, validation
from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.ledger import Ledger, key_words
from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import table, table_references
from fauxpay.contracts.validation import read_members, validate
from fauxpay.errors import ContractError, StorageError

TRANSACTIONS = table("activity.yaml#/$defs/transactions")
LABELS = table("labels.yaml#/$defs/labels")
PLACES = table("catalog.yaml#/$defs/places")
TABLES = [table(reference) for reference in table_references()]


def plain(data: pa.Table) -> pa.Table:
    """The rows with texts in the place of dictionaries."""
    arrays = [
        one.dictionary_decode() if pa.types.is_dictionary(one.type) else one
        for one in (column.combine_chunks() for column in data.columns)
    ]
    return pa.table(arrays, names=data.schema.names)


def parquet(tmp_path, data: pa.Table, name: str = "a.parquet", **options: object):
    """The rows as a Parquet file."""
    path = tmp_path / name
    pq.write_table(data, path, **options)
    return path


def csv(tmp_path, data: pa.Table, name: str = "a.csv"):
    """The rows as a CSV file."""
    path = tmp_path / name
    pyarrow.csv.write_csv(plain(data), path)
    return path


def found(owner, *paths):
    """(check, column, offenders, first row) of every finding."""
    outcome = validate(owner, list(paths), {})
    return [
        (one.finding.check, one.finding.column, one.finding.offenders, one.finding.first_row)
        for one in outcome.findings
    ]


@pytest.mark.parametrize("owner", TABLES, ids=lambda owner: owner.name)
def test_valid_rows_pass_as_parquet_and_as_csv(owner, tmp_path):
    """Any table, with dictionaries, with plain texts, or as text, has no finding."""
    data = example(owner)
    for path in (
        parquet(tmp_path, data),
        parquet(tmp_path, plain(data), "b.parquet", store_schema=False, row_group_size=7),
        csv(tmp_path, data),
    ):
        outcome = validate(owner, [path], members_of(owner, data))
        assert outcome.findings == ()
        assert (outcome.rows, outcome.left_out) == (data.num_rows, ())


def test_columns_may_stand_in_any_order(tmp_path):
    """The names decide, not the order."""
    data = example(LABELS)
    turned = data.select(list(reversed(data.schema.names)))
    assert (
        found(LABELS, parquet(tmp_path, turned), csv(tmp_path, turned, "b.csv"))[0][0] == "unique"
    )
    assert found(LABELS, parquet(tmp_path, turned)) == []


WIDENED = {
    "place_id": pa.int64(),
    "population": pa.uint32(),
    "latitude": pa.float32(),
    "city": pa.large_string(),
    "radius_km": pa.int32(),
}


@pytest.mark.parametrize("name", WIDENED)
def test_types_that_hold_the_same_values_are_cast(name, tmp_path):
    """Other widths, whole numbers for numbers and large texts are taken as they come."""
    data = example(PLACES)
    column = data[name].combine_chunks()
    if name == "radius_km":
        column = pa.array(range(1, data.num_rows + 1))
    assert found(PLACES, parquet(tmp_path, replaced(data, name, column.cast(WIDENED[name])))) == []


def test_moments_of_another_zone_and_unit_are_cast(tmp_path):
    """A nanosecond timestamp in Tokyo is the same moment; a time without a zone is none."""
    data = example(LABELS)
    known = data["known_at"].combine_chunks()
    tokyo = known.cast(pa.timestamp("ns", "Asia/Tokyo"))
    assert found(LABELS, parquet(tmp_path, replaced(data, "known_at", tokyo))) == []
    naive = known.cast(pa.timestamp("us"))
    outcome = validate(LABELS, [parquet(tmp_path, replaced(data, "known_at", naive))], {})
    (one,) = outcome.findings
    assert "timestamp[us], which cannot be cast; expected moments" in str(one)


def test_a_type_that_cannot_be_cast_says_so(tmp_path):
    """Floats for ids are a finding with the hint for pandas, and nothing else is asked."""
    data = example(TRANSACTIONS)
    floats = data["device_id"].combine_chunks().cast(pa.float64(), safe=False)
    outcome = validate(TRANSACTIONS, [parquet(tmp_path, replaced(data, "device_id", floats))], {})
    (one,) = outcome.findings
    assert (one.finding.check, one.finding.column, outcome.rows) == ("schema", "device_id", 0)
    assert "Int64 in pandas" in str(one)


def test_columns_missing_unknown_and_twice_are_named(tmp_path):
    """Each is a finding, with the name that it may have been meant to be."""
    names = ["lable" if name == "label" else name for name in LABELS.names]
    data = example(LABELS).rename_columns(names)
    twice = data.append_column("source", data["source"])
    outcome = validate(LABELS, [parquet(tmp_path, twice)], {})
    assert [one.finding.column for one in outcome.findings] == ["label", "source", "lable"]
    assert "is it 'lable'?" in str(outcome.findings[0])
    assert "2 columns" in str(outcome.findings[1])


def test_values_that_do_not_fit_are_counted(tmp_path):
    """A number beyond the type is a finding with its first row; other columns are still asked."""
    data = example(PLACES)
    ids = data["place_id"].to_pylist()
    ids[3], ids[60] = 2**40, 2**41
    wrong = replaced(data, "place_id", pa.array(ids, pa.int64()))
    cities = data["city"].to_pylist()
    cities[5] = " "
    wrong = replaced(wrong, "city", pa.array(cities))
    expected = [("type", "place_id", 2, 3), ("pattern", "city", 1, 5)]
    assert found(PLACES, parquet(tmp_path, wrong)) == expected
    assert found(PLACES, csv(tmp_path, wrong)) == expected


def test_nulls_beside_misfits_are_counted_apart(tmp_path):
    """A row without a value is a null finding, one with a wrong text a type finding."""
    data = example(PLACES)
    population = [str(one) for one in data["population"].to_pylist()]
    population[2], population[4] = None, "many"
    path = csv(tmp_path, replaced(data, "population", pa.array(population)))
    assert found(PLACES, path) == [("type", "population", 1, 4), ("null", "population", 1, 2)]


def test_keys_are_unique_over_batches_and_files(tmp_path, monkeypatch):
    """A key that comes back in another batch, row group or file is found with file and row."""
    monkeypatch.setattr(files, "BATCH_ROWS", 10)
    data = example(PLACES)
    ids = data["place_id"].to_pylist()
    ids[50] = ids[1]
    first = parquet(tmp_path, replaced(data, "place_id", pa.array(ids, pa.int32())))
    assert found(PLACES, first) == [("unique", "place_id", 1, 50)]
    good, again = parquet(tmp_path, data, "b.parquet"), parquet(tmp_path, data[7:9], "c.parquet")
    (one,) = validate(PLACES, [good, again], {}).findings
    assert (one.finding.offenders, one.finding.first_row, one.file) == (2, 0, str(again))
    assert one.finding.first_value == str(data["place_id"][7].as_py())
    assert one.finding.rows == data.num_rows + 2


def test_keys_of_several_columns_repeat_only_together(tmp_path):
    """The same transaction may be labelled twice, not twice at the same moment."""
    data = example(LABELS)
    ids, known = data["transaction_id"].to_pylist(), data["known_at"].to_pylist()
    ids[9] = ids[8]
    once = replaced(data, "transaction_id", pa.array(ids))
    assert found(LABELS, parquet(tmp_path, once)) == []
    known[9] = known[8]
    stamp = data["known_at"].type
    twice = replaced(once, "known_at", pa.array(known, stamp))
    assert ("unique", "transaction_id, known_at", 1, 9) in found(LABELS, parquet(tmp_path, twice))


def test_order_is_held_over_batches_but_not_over_files(tmp_path, monkeypatch):
    """The first row of a batch is compared with the last of the one before."""
    monkeypatch.setattr(files, "BATCH_ROWS", 8)
    data = example(TRANSACTIONS)
    times = data["event_time"].to_pylist()
    times[16] = times[15] - datetime.timedelta(seconds=1)
    wrong = replaced(data, "event_time", pa.array(times, data["event_time"].type))
    assert found(TRANSACTIONS, parquet(tmp_path, wrong)) == [("order", "event_time", 1, 16)]
    late, early = (
        parquet(tmp_path, data[32:], "b.parquet"),
        parquet(tmp_path, data[:32], "c.parquet"),
    )
    assert found(TRANSACTIONS, late, early) == []


def test_foreign_keys_are_asked_of_the_tables_that_are_given(tmp_path):
    """Without the other table the check is listed as left out; with it, orphans are found."""
    truth = table("fraud.yaml#/$defs/truth")
    data = example(truth)
    path = parquet(tmp_path, data)
    assert validate(truth, [path], {}).left_out == (
        *("foreign_key transaction_id", "foreign_key campaign_id"),
    )
    known = Members.of(np.array(data["campaign_id"].to_pylist()[1:], np.int64))
    outcome = validate(truth, [path], {"fraud.yaml#/$defs/campaigns": known})
    assert outcome.left_out == ("foreign_key transaction_id",)
    (one,) = outcome.findings
    assert (one.finding.check, one.finding.column, one.finding.first_row) == (
        *("foreign_key", "campaign_id", 0),
    )


def test_members_are_read_from_files(tmp_path):
    """The key column of another table's files, whatever its width; other columns do not matter."""
    data = example(PLACES).select(["place_id", "city"])
    path = parquet(
        tmp_path, replaced(data, "place_id", data["place_id"].combine_chunks().cast("int64"))
    )
    members = read_members(PLACES, "place_id", [path])
    assert members.missing(np.array(data["place_id"].to_pylist())).size == 0
    assert members.missing(np.array([-1])).tolist() == [0]
    with pytest.raises(ContractError, match="no such column"):
        read_members(PLACES, "place_id", [parquet(tmp_path, data.select(["city"]), "b.parquet")])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.sampled_from(("a", "b", ""))), max_size=60),
    st.integers(1, 9),
    st.integers(1, 80),
)
def test_the_ledger_equals_brute_force(keys, batch, held):
    """Property: any keys, batches and memory give the rows whose key stood there before."""
    with Ledger(held) as ledger:
        for start in range(0, len(keys), batch):
            part = keys[start : start + batch]
            arrays = [pa.array([key[0] for key in part]), pa.array([key[1] for key in part])]
            ledger.add(key_words(arrays), np.arange(start, start + len(part)))
        rows = ledger.repeated().tolist()
    seen: set[object] = set()
    assert rows == [n for n, key in enumerate(keys) if key in seen or seen.add(key)]


def test_the_ledger_leaves_nothing_behind(tmp_path, monkeypatch):
    """What was spilled is gone when the check ends, also by an error."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with suppress(ZeroDivisionError), Ledger(1) as ledger:
        ledger.add([np.arange(3)], np.arange(3))
        assert list(tmp_path.iterdir())
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_floats_are_keys_and_order_by_value(tmp_path):
    """A table of a user's own may have numbers as key: fractions count, both zeros are one."""
    radius = replace(PLACES, key=("radius_km",), unique=(("radius_km",),), order=("radius_km",))
    data = example(PLACES)
    values = np.linspace(0.25, 9.0, data.num_rows)
    good = replaced(data, "radius_km", pa.array(values))
    assert check_batch(radius, good, {}) == []
    assert found(radius, parquet(tmp_path, good)) == []
    values[[3, 4]] = values[[4, 3]]
    assert [
        one.check for one in check_batch(radius, replaced(data, "radius_km", pa.array(values)), {})
    ] == ["order"]


def broken_files(tmp_path):
    """Names and contents of what is no table, and the error of each."""
    data = example(PLACES)
    sound = parquet(tmp_path, data, "sound.parquet").read_bytes()
    text = csv(tmp_path, data, "sound.csv").read_bytes()
    footer = struct.unpack("<I", sound[-8:-4])[0]
    return {
        "empty.parquet": (b"", ContractError),
        "magic.parquet": (b"PAR1", ContractError),
        "other.parquet": (b"PK\x03\x04" + sound, ContractError),
        "cut.parquet": (sound[: len(sound) // 2], ContractError),
        "tail.parquet": (sound[:-1], ContractError),
        "footer.parquet": (
            sound[: -footer - 8] + b"\xff" * footer + sound[-8:],
            ContractError,
        ),
        "long-footer.parquet": (sound[:-8] + b"\xff\xff\xff\x7fPAR1", ContractError),
        "zeros.parquet": (
            sound[:100] + bytes(len(sound) - 100 - footer - 8) + sound[-footer - 8 :],
            ContractError,
        ),
        "text.parquet": (text, ContractError),
        "unknown.bin": (b"\x00\x01\x02", ContractError),
        "empty.csv": (b"", ContractError),
        "wide-row.csv": (text + b"1,2,3,4,5,6,7,8,9,10\n", ContractError),
        "short-row.csv": (text + b"1,2\n", ContractError),
        "quote.csv": (text + b'"', ContractError),
        "latin.csv": (text.replace(b"Oslo", b"Osl\xf8"), ContractError),
        "zeros.csv": (text + b"\x00" * 50, ContractError),
        "header-latin.csv": (text.replace(b"city", b"c\xeft\xe9", 1), ContractError),
    }


def test_hostile_files_are_one_clear_error(tmp_path):
    """Cut off, overwritten, mislabelled: each names the file, and none is a traceback or a pass."""
    for name, (content, error) in broken_files(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(error) as caught:
            validate(PLACES, [path], {})
        assert name in str(caught.value), name
        assert "\n" not in str(caught.value), name


def test_what_is_no_plain_file_is_refused(tmp_path):
    """A folder, a device, a missing name."""
    for path in (tmp_path, tmp_path / "none.parquet"):
        with pytest.raises(StorageError):
            validate(PLACES, [path], {})
    with pytest.raises(StorageError, match="no plain file"):
        files.opened(type(tmp_path)("/dev/zero"))


def test_a_file_that_lies_about_its_rows_is_refused(tmp_path, monkeypatch):
    """What the footer promises has to be there."""
    path = parquet(tmp_path, example(PLACES))
    real = pq.ParquetFile.iter_batches

    def fewer(reader, *arguments, **options):
        for batch in real(reader, *arguments, **options):
            yield batch.slice(1)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", fewer)
    with pytest.raises(ContractError, match="says that it has 64 rows; 63 could be read"):
        validate(PLACES, [path], {})


def test_long_texts_do_not_fill_the_memory(tmp_path, monkeypatch):
    """One long text in a dictionary that every row points to is refused, not multiplied."""
    monkeypatch.setattr(files, "BATCH_TEXT_BYTES_MAX", 1 << 20)
    data = example(PLACES)
    long = replaced(data, "city", pa.array(["x" * 100_000] * data.num_rows))
    path = parquet(tmp_path, long)
    assert path.stat().st_size < 50_000
    with pytest.raises(ContractError, match="take 100"):
        validate(PLACES, [path], {})


def test_findings_can_be_written_as_json(tmp_path):
    """The outcome's document is plain data and holds what was not asked."""
    data = example(TRANSACTIONS)
    outcome = validate(TRANSACTIONS, [parquet(tmp_path, data)], {})
    document = json.loads(json.dumps(outcome.document()))
    assert document["ok"]
    assert len(document["left_out"]) == 6
    assert len(document["checks"]) + 6 == len(validation.checks_of(TRANSACTIONS))


def test_files_of_other_tools_pass(tmp_path):
    """What Polars, DuckDB and pandas write of valid rows is valid, as Parquet and as CSV."""
    import duckdb
    import pandas
    import polars

    source = parquet(tmp_path, example(TRANSACTIONS), "source.parquet")
    frame = polars.read_parquet(source)
    frame.write_parquet(tmp_path / "polars.parquet")
    frame.write_csv(tmp_path / "polars.csv")
    for ending in ("parquet", "csv"):
        duckdb.sql(f"copy (from '{source}') to '{tmp_path}/duckdb.{ending}' (format {ending})")
    pandas.read_parquet(source, dtype_backend="pyarrow").to_parquet(tmp_path / "pandas.parquet")
    nullable = pandas.read_parquet(source, dtype_backend="numpy_nullable")
    nullable.to_csv(tmp_path / "pandas.csv", index=False)
    for tool in ("polars", "duckdb", "pandas"):
        for ending in ("parquet", "csv"):
            assert found(TRANSACTIONS, tmp_path / f"{tool}.{ending}") == [], (tool, ending)

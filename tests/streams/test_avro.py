"""Avro says what JSON says: the same events, read by a library that is not ours."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.contracts.tables import table
from fauxpay.errors import ConfigError, ConflictError, ContractError, MissingExtraError
from fauxpay.readers.run import TABLES
from fauxpay.streams.avro_binary import bodies, column_parts, longs
from fauxpay.streams.avro_schema import canonical, event_schema, fingerprint, object_header
from fauxpay.streams.faults import Faults
from fauxpay.streams.pace import Pace
from fauxpay.streams.play import Asked, play
from fauxpay.streams.received import graded

fastavro = pytest.importorskip("fastavro")


@pytest.fixture(scope="module")
def whole(played, tmp_path_factory) -> bytes:
    """A file of the whole stream."""
    path = tmp_path_factory.mktemp("avro") / "events.avro"
    play(played, Asked(str(path), encoding="avro"), Pace())
    return path.read_bytes()


@pytest.fixture(scope="module")
def events(whole) -> list[dict]:
    """Its events, as fastavro reads them."""
    return list(fastavro.reader(io.BytesIO(whole)))


def in_avro(data: bytes, schema: object) -> object:
    """A value as fastavro reads it, to the end of the bytes."""
    stream = io.BytesIO(data)
    found = fastavro.schemaless_reader(stream, fastavro.parse_schema(schema))
    assert not stream.read()
    return found


def test_every_value_comes_through(played, events):
    """Rows of both tables, whole: numbers, texts, instants to the microsecond, nulls."""
    for kind in ("transaction", "label"):
        name = f"{kind}s"
        shape = table(TABLES[name]).plain_schema()
        rows = played.table(name).to_table().cast(shape)
        got = [one["data"] for one in events if one["type"] == f"fauxpay.{kind}"]
        order = [(column, "ascending") for column in (shape.names[0], shape.names[-1])]
        assert pa.Table.from_pylist(got, schema=shape).sort_by(order) == rows.sort_by(order)


def test_the_envelope_is_that_of_json(played, events, tmp_path):
    """Ids, kinds, times, keys and numbers, event by event."""
    path = tmp_path / "events.ndjson"
    play(played, Asked(str(path)), Pace())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == len(events)
    for line, event in zip(lines, events, strict=True):
        for name in ("id", "source", "type", "specversion"):
            assert event[name] == line[name]
        assert event["sequence"] == int(line["sequence"])
        assert event["partitionkey"] == line.get("partitionkey")
        if event["time"] is not None:
            assert event["time"].strftime("%Y-%m-%dT%H:%M:%S.%fZ") == line["time"]
    assert events[-1]["data"]["transaction"] == lines[-1]["data"]["transaction"]


def test_the_schema_has_the_fingerprint_that_others_compute():
    """Canonical form and CRC-64-AVRO are those of fastavro and of the specification."""
    own = canonical(event_schema())
    assert own == fastavro.schema.to_parsing_canonical_form(event_schema())
    assert fingerprint('"null"') == 7195948357588979594
    theirs = fastavro.schema.fingerprint(own, "CRC-64-AVRO")
    assert object_header() == b"\xc3\x01" + bytes.fromhex(theirs)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_whole_numbers_are_those_of_the_specification(values):
    """Property: any 64-bit numbers."""
    lengths, data = longs(np.array(values, dtype=np.int64))
    assert lengths.sum() == data.size
    ends = np.cumsum(lengths)
    for value, begin, end in zip(values, ends - lengths, ends, strict=True):
        assert in_avro(data[begin:end].tobytes(), "long") == value


COLUMNS = {
    "string": (pa.string(), st.text(max_size=300)),
    "long": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "int": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "float": (pa.float32(), st.floats(width=32, allow_nan=False)),
    "boolean": (pa.bool_(), st.booleans()),
}


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_columns_with_nulls_and_slices_are_encoded(name, data):
    """Property: each row of a part of a column is what fastavro reads there."""
    kind, values = COLUMNS[name]
    rows = data.draw(st.lists(st.none() | values, min_size=1, max_size=30))
    begin = data.draw(st.integers(0, len(rows) - 1))
    some = pa.array(rows, kind)[begin:]
    got = bodies(column_parts(some, True), len(some))
    schema = ["null", name]
    assert [in_avro(one, schema) for one in got.to_pylist()] == rows[begin:]
    if None not in rows:
        got = bodies(column_parts(some, False), len(some))
        assert [in_avro(one, name) for one in got.to_pylist()] == rows[begin:]


@pytest.mark.parametrize("part", [0.0, 0.0001, 0.01, 0.4, 0.77, 0.99999, 1.0])
def test_a_file_cut_anywhere_goes_on_to_the_same_bytes(played, whole, tmp_path, part):
    """Torn blocks are cut off and come again; a header that was torn too."""
    path = tmp_path / "cut.avro"
    path.write_bytes(whole[: int(len(whole) * part)])
    play(played, Asked(str(path), is_resumed=True, encoding="avro"), Pace())
    assert path.read_bytes() == whole


def test_zeros_that_a_power_cut_left_are_cut_off(played, whole, tmp_path):
    """A file may have its length without its bytes: it goes on behind the last whole block."""
    path = tmp_path / "cut.avro"
    path.write_bytes(whole[: len(whole) // 2] + bytes(5000))
    play(played, Asked(str(path), is_resumed=True, encoding="avro"), Pace())
    assert path.read_bytes() == whole
    end = whole.rindex(whole[-16:], 0, -16) + 16  # Of the last block but one.
    path.write_bytes(whole[:end] + bytes(5000))
    play(played, Asked(str(path), is_resumed=True, encoding="avro"), Pace())
    assert path.read_bytes() == whole


def test_resuming_what_is_not_there_begins(played, whole, tmp_path):
    """As without --resume, in both encodings."""
    path = tmp_path / "new.avro"
    play(played, Asked(str(path), is_resumed=True, encoding="avro"), Pace())
    assert path.read_bytes() == whole
    assert play(played, Asked(str(tmp_path / "new"), is_resumed=True), Pace()).first == 0


def test_resuming_leaves_no_event_out(played, whole, events, tmp_path):
    """A place beyond the end of the file counts only where nothing was sent: no hole comes in."""
    path = tmp_path / "cut.avro"
    path.write_bytes(whole[: len(whole) // 2])
    asked = Asked(str(path), from_offset=len(events) - 9, is_resumed=True, encoding="avro")
    play(played, asked, Pace())
    assert path.read_bytes() == whole
    path.unlink()
    assert play(played, asked, Pace()).first == len(events) - 9


def test_kinds_and_offsets_choose_from_one_sequence(played, events, tmp_path):
    """Labels alone, and the rest from a place on, keep their numbers."""
    path = tmp_path / "labels.avro"
    play(played, Asked(str(path), only=("label",), encoding="avro"), Pace())
    with path.open("rb") as file:
        got = list(fastavro.reader(file))
    assert got[:-1] == [one for one in events if one["type"] == "fauxpay.label"]
    path = tmp_path / "rest.avro"
    play(played, Asked(str(path), from_offset=len(events) - 101, encoding="avro"), Pace())
    with path.open("rb") as file:
        assert list(fastavro.reader(file)) == events[-101:]


def test_a_file_of_something_else_is_refused(played, whole, tmp_path):
    """One that is there, one of another run, one of lines."""
    path = tmp_path / "events.avro"
    path.write_bytes(whole)
    with pytest.raises(ConflictError, match="there already"):
        play(played, Asked(str(path), encoding="avro"), Pace())
    for other in (b"dear diary\n", whole[:-1].replace(b"Obj\x01", b"Obj\x02")):
        path.write_bytes(other)
        with pytest.raises(ConflictError, match="Avro stream of this run"):
            play(played, Asked(str(path), is_resumed=True, encoding="avro"), Pace())
        assert path.read_bytes() == other


@pytest.mark.parametrize("target", ["stdout", "http://127.0.0.1:9/events"])
def test_where_avro_does_not_go_is_said(played, target):
    """Standard output and HTTP are JSON only; so are streams with faults."""
    with pytest.raises(ConfigError, match="JSON only"):
        play(played, Asked(target, encoding="avro"), Pace())
    with pytest.raises(ConfigError, match="no --faults"):
        play(played, Asked("x.avro", encoding="avro", faults=Faults()), Pace())


def left(events: list[dict], path, **options) -> None:
    """A file as a consumer would write it, with a library."""
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(event_schema()), events, **options)


@pytest.mark.parametrize(
    "how", ["perfect", "missing", "repeated", "altered", "out_of_order", "is_completed"]
)
def test_what_was_received_is_graded(played, events, tmp_path, how):
    """Files of another writer, compressed too; each accident is seen and no other one."""
    events = [dict(one) for one in events]
    if how == "missing":
        del events[5]
    elif how == "repeated":
        events.insert(9, events[8])
    elif how == "altered":
        data = events[3]["data"]
        events[3]["data"] = {**data, "amount_minor": data["amount_minor"] + 1}
    elif how == "out_of_order":
        events[20], events[21] = events[21], events[20]
    elif how == "is_completed":
        del events[-1]
    path = tmp_path / "got.avro"
    left(_tagged(events), path, codec="deflate")
    grade = graded(played, path).document()
    assert grade["is_perfect"] == (how == "perfect")
    faults = {name: grade[name] for name in ("missing", "repeated", "altered", "out_of_order")}
    assert faults == {name: int(name == how) for name in faults}
    assert grade["is_completed"] == (how != "is_completed")


def _tagged(events: list[dict]) -> list[dict]:
    """With the branch of the union said, where a record alone would be ambiguous."""
    return [
        {**one, "data": ("fauxpay.stream." + one["type"].rpartition(".")[2], one["data"])}
        for one in events
    ]


def test_files_that_cannot_be_graded_are_said(played, whole, tmp_path, monkeypatch):
    """Another schema, a torn file, and no library."""
    path = tmp_path / "got.avro"
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema("long"), [1, 2])
    with pytest.raises(ContractError, match="another schema"):
        graded(played, path)
    path.write_bytes(whole[:-100])
    with pytest.raises(ContractError, match="expected an Avro file"):
        graded(played, path)
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(MissingExtraError, match="fauxpay\\[avro\\]"):
        graded(played, path)


def test_the_command_prints_the_schema_and_checks_what_it_wrote(played, tmp_path):
    """`--schema avro`, a file, and --check of it: exit code 0."""
    own = [sys.executable, "-m", "fauxpay", "stream"]
    told = subprocess.run([*own, "--schema", "avro"], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == event_schema()
    file, out = str(tmp_path / "e.avro"), ("--out", str(played.root))
    sent = [*own, played.run_id, "--to", file, "--encoding", "avro", *out]
    subprocess.run(sent, capture_output=True, check=True)
    done = subprocess.run([*own, played.run_id, "--check", file, *out], capture_output=True)
    assert done.returncode == 0, done.stderr

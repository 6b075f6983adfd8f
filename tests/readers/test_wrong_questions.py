"""Wrong questions from Python: each is told in words of ours, and leaves nothing behind."""

from __future__ import annotations

import copy
import datetime
import os
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import fauxpay
from fauxpay.delivery import files
from fauxpay.errors import (
    ConfigError,
    ConflictError,
    ContractError,
    StorageError,
)
from fauxpay.labels.knowledge import instant_us
from fauxpay.readers import new_files
from fauxpay.readers.flat import export_flat
from fauxpay.readers.graph import export_graph
from fauxpay.scorecard.findings import Scorecard

DAY = datetime.date(2026, 3, 2)
OPTIONS = {"gap_days": 0, "train_days": 1}


@pytest.fixture
def run(sealed):
    """A run of some days."""
    return fauxpay.open(sealed).latest()


@pytest.fixture
def damaged(root):
    """The same run, its transactions of one day no Parquet any more, though of the same size."""
    run = fauxpay.open(root).latest()
    for name in ("transactions", "labels"):
        file, size = run.files(name)[0], run.entries(name)[0]["bytes"]
        file.chmod(0o644)
        file.write_bytes(b"x" * size)
    return run


WRITERS = {
    "flat": export_flat,
    "graph": export_graph,
    "training": lambda run, path: run.write_training_set(path, DAY, **OPTIONS),
}


def test_a_run_is_shown_in_a_line_and_can_be_a_key(run):
    """In a notebook a run is who it is, and not the names of all its files."""
    assert repr(run).startswith(f"<Run {run.run_id}: ")
    assert len(repr(run)) < 300
    again = pickle.loads(pickle.dumps(copy.deepcopy(run)))
    assert {run: 1}[again] == 1


def test_a_run_is_found_by_the_path_of_its_folder(run, sealed):
    """As text and as a path, for that is what `Run.folder` is."""
    store = fauxpay.open(sealed)
    assert store.run(run.folder) == store.run(str(run.folder)) == run


@pytest.mark.parametrize(
    "instant", [5, None, np.datetime64("NaT"), datetime.time(3), "nope", "", b"2026-03-01"]
)
def test_what_is_no_instant_is_told(run, instant):
    """Whoever asks for labels or a training set of nothing."""
    with pytest.raises(ConfigError, match="is no instant; expected a date, a datetime, or ISO"):
        fauxpay.labels.as_of(run, instant)
    with pytest.raises(ConfigError, match="is no instant"):
        run.training_set(instant, **OPTIONS)


def test_instants_of_numpy_and_pandas_are_instants():
    """The same moment in every dress; a missing one of pandas is none."""
    pandas = pytest.importorskip("pandas")
    tokyo = datetime.timezone(datetime.timedelta(hours=9))
    same = [
        DAY,
        "2026-03-02",
        np.datetime64("2026-03-02"),
        np.datetime64("2026-03-02T00:00:00.000000000"),
        pandas.Timestamp("2026-03-02"),
        pandas.Timestamp("2026-03-02", tz="UTC"),
        datetime.datetime(2026, 3, 2, 9, tzinfo=tokyo),
    ]
    assert {instant_us(each) for each in same} == {1_772_409_600_000_000}
    with pytest.raises(ConfigError, match="NaT is no instant"):
        instant_us(pandas.NaT)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"channels": "pos"}, "channels: 'pos'; expected a list of some of pos, ecom"),
        ({"channels": None}, "channels: None; expected a list"),
        ({"channels": [5]}, "channels: 5; expected some of"),
        ({"genuine_share": "0.1"}, r"genuine_share: '0\.1'; expected a share"),
        ({"genuine_share": float("nan")}, "genuine_share: nan; expected a share"),
        ({"genuine_share": True}, "genuine_share: True; expected a share"),
        ({"is_declined_too": "no"}, "is_declined_too: 'no'; expected True or False"),
        ({"train_days": "5"}, "train_days 5, .* expected whole days"),
        ({"memory_limit": 5}, "memory_limit 5: expected a size"),
        ({"threads": 0}, "threads 0: expected a whole number from 1 to 1024"),
        ({"threads": 100_000}, "threads 100000: expected a whole number from 1 to 1024"),
        ({"threads": "2"}, "threads '2': expected a whole number"),
    ],
)
def test_options_that_cannot_be_meant_are_told(run, options, told):
    """A training set of them is refused; so many threads would end the process."""
    with pytest.raises(ConfigError, match=told):
        run.training_set(DAY, **{**OPTIONS, **options})


def test_numbers_of_numpy_are_numbers(run):
    """What an array of settings holds is taken for what it is."""
    own = run.training_set(DAY, **OPTIONS, genuine_share=0.5)
    given = {"gap_days": np.int64(0), "train_days": np.int16(1), "genuine_share": np.float64(0.5)}
    assert run.training_set(DAY, **given).equals(own)


@pytest.mark.parametrize(
    ("days", "least"), [({}, "at most 0 after"), ({"test_days": 1}, "1 days of test rows before")]
)
def test_a_day_beyond_the_run_is_told_with_what_there_is(run, days, least):
    """The message names the bound that was crossed."""
    with pytest.raises(ConfigError, match=f"{least} its end"):
        run.training_set("2030-01-01", **OPTIONS, **days)


@pytest.mark.parametrize("name", WRITERS)
def test_damage_is_told_and_nothing_is_left(damaged, tmp_path, name):
    """A file that is not as it was written: a message, no torn file and no empty folder."""
    (tmp_path / "new").mkdir()
    with pytest.raises(ContractError, match="does not hold what its receipt says"):
        WRITERS[name](damaged, tmp_path / "new" / "x.parquet")
    assert os.listdir(tmp_path / "new") == []


def test_damage_is_told_wherever_a_run_is_read(damaged):
    """Labels, training sets, graphs, scores."""
    for ask in (
        lambda: fauxpay.labels.as_of(damaged, "2026-03-20"),
        lambda: damaged.training_set(DAY, **OPTIONS),
        damaged.graph,
        lambda: fauxpay.score(damaged),
    ):
        with pytest.raises(ContractError):
            ask()


@pytest.mark.parametrize("name", WRITERS)
def test_what_stands_in_the_way_of_writing_is_told(run, tmp_path, name):
    """A folder that is a file, a name that is taken; names may be texts."""
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(StorageError, match=r"x\.parquet: .*(Not a directory|File exists)"):
        WRITERS[name](run, str(tmp_path / "f" / "x.parquet"))
    with pytest.raises((ConflictError, StorageError), match=r"exists"):
        WRITERS[name](run, str(tmp_path / "f"))
    assert os.listdir(tmp_path) == ["f"]
    WRITERS[name](run, str(tmp_path / "new"))
    assert sorted(os.listdir(tmp_path)) == ["f", "new"]


def _overtaken(path):
    with new_files.new_file(path) as staged:
        staged.write_text("mine")
        path.write_text("theirs")


def test_a_file_is_named_where_there_are_no_links(tmp_path, monkeypatch):
    """exFAT and some network drives: the name is taken first, and never from another."""

    def refused(*_args):
        raise PermissionError(min(files.NO_LINKS), "no links here")

    monkeypatch.setattr(new_files.os, "link", refused)
    with new_files.new_file(tmp_path / "a") as staged:
        staged.write_text("whole")
    assert (tmp_path / "a").read_text() == "whole"
    with pytest.raises(ConflictError, match="by another meanwhile"):
        _overtaken(tmp_path / "b")
    assert (tmp_path / "b").read_text() == "theirs"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(
    "config", ["x.yaml", 5, [1], {1: {}}, False, "", pytest.param(open, id="function")]
)
def test_what_is_no_config_is_told(config):
    """`generate` takes a mapping or a Config; a file is read by Config.load."""
    with pytest.raises(ConfigError, match=r"expected a fauxpay\.Config or a nested mapping"):
        fauxpay.generate(config)


@pytest.mark.parametrize("report", [False, True, "report.html"])
def test_a_report_is_asked_for_in_the_config(report):
    """The argument of that name is told of progress; False drew the page all the same."""
    with pytest.raises(ConfigError, match=r"said by the config: \{'run': \{'report': False\}\}"):
        fauxpay.generate({}, report=report)


def test_a_dotted_key_is_shown_where_it_belongs():
    """As --set takes it: the message says how it is written here, and not the same again."""
    with pytest.raises(ConfigError, match=re.escape("here: catalog: {cards: 200}")) as told:
        fauxpay.generate({"catalog.cards": 200})
    assert "did you mean" not in str(told.value)


def test_a_config_takes_the_numbers_of_numpy():
    """And its days; values that are none are refused as ever."""
    told = {"catalog": {"cards": np.int64(7)}, "run": {"to": np.datetime64("2026-03-08")}}
    config = fauxpay.Config(**told)
    assert config == fauxpay.Config(catalog={"cards": 7}, run={"to": "2026-03-08"})
    assert fauxpay.Config().with_values({"run.seed": np.uint8(3)}).run.seed == 3
    with pytest.raises(ConfigError, match=r"catalog\.cards = array"):
        fauxpay.Config(catalog={"cards": np.arange(3)})


@pytest.mark.parametrize(
    ("source", "mapping", "told"),
    [
        (None, None, "source: a NoneType"),
        ([1], None, "source: a list; .* Write a frame to a Parquet file first"),
        ("x.csv", "card=cc_num", "mapping: card=cc_num; expected names of columns"),
        ("x.csv", {"card": 5}, "mapping: .* expected names of columns"),
    ],
)
def test_what_cannot_be_scored_is_told(source, mapping, told):
    """A frame is no file."""
    with pytest.raises(ConfigError, match=told):
        fauxpay.score(source, mapping)


@pytest.mark.parametrize("command", ["score", "drift"])
def test_the_command_tells_of_damage_without_a_traceback(damaged, command):
    """Of a run with a damaged file, and that it is the file that is damaged."""
    asked = [command, "latest", "--out", str(damaged.root)]
    asked += ["--days", "2026-03-02"] if command == "drift" else []
    done = subprocess.run([sys.executable, "-m", "fauxpay", *asked], capture_output=True, text=True)
    assert done.returncode == ContractError.exit_code, done.stderr
    assert "cannot be read to its end" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_scorecard_is_shown_in_a_line(run):
    """Its verdict and what lies outside; not each of its findings."""
    shown = repr(fauxpay.score(run))
    assert shown.startswith(f"<Scorecard of {run.run_id}: ")
    assert "facts inside" in shown
    assert len(shown) < 1500
    assert repr(Scorecard("mine", {}, (), None)) == (
        "<Scorecard of mine: not judged, nothing counted, 0 facts inside, 0 outside>"
    )

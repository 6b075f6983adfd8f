"""Metrics: the Prometheus text file of a run that passed, was found, failed, or was never begun."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pyarrow.compute as pc
import pytest
from commands import generate, only
from prometheus_client.parser import text_string_to_metric_families

import fauxpay
from fauxpay.cli import metrics
from fauxpay.contracts.tables import table
from fauxpay.delivery.replacing import replaceable
from fauxpay.errors import ConfigError, GateError, StorageError
from fauxpay.readers.run import TABLES

IDENTITY = ("world_id", "run_id", "seed")
ALWAYS = {
    "fauxpay_verdict",
    "fauxpay_exit_code",
    "fauxpay_run_seconds",
    "fauxpay_rows",
    "fauxpay_bytes",
    "fauxpay_partitions",
    "fauxpay_partition_seconds",
}
OF_SEALED_RUNS = {"fauxpay_fraud_rate", "fauxpay_null_rate", "fauxpay_unique_ids"}

Samples = dict[tuple[str, ...], float]


def families(file: Path) -> dict[str, Samples]:
    """By metric: the values by the labels beside the identity, as Prometheus' own parser reads."""
    found: dict[str, Samples] = {}
    for family in text_string_to_metric_families(file.read_text()):
        assert family.documentation
        own = found.setdefault(family.name, {})
        for sample in family.samples:
            assert set(IDENTITY) <= set(sample.labels), sample
            more = [value for key, value in sorted(sample.labels.items()) if key not in IDENTITY]
            suffix = sample.name.removeprefix(family.name)
            own[(suffix, *more) if suffix else tuple(more)] = sample.value
    return found


def identities(file: Path) -> set[tuple[str, ...]]:
    """The identities that the samples are labelled with."""
    parsed = text_string_to_metric_families(file.read_text())
    labels = [sample.labels for family in parsed for sample in family.samples]
    return {tuple(one[key] for key in IDENTITY) for one in labels}


@pytest.fixture(scope="module")
def made(sealed_root, tmp_path_factory) -> tuple[Path, dict, dict[str, Samples]]:
    """Root, summary and metrics of two days, of which one was there."""
    folder = tmp_path_factory.mktemp("metered")
    root = Path(shutil.copytree(sealed_root, folder / "out"))
    words = ("--from", "2026-03-01", "--to", "2026-03-03", "--metrics", folder / "f.prom")
    done = generate(root, *words, "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    wanted = {(summary["world_id"], summary["run_id"], str(summary["seed"]))}
    assert identities(folder / "f.prom") == wanted
    assert sorted(os.listdir(folder)) == ["f.prom", "out"]  # and no file on the way
    return root, summary, families(folder / "f.prom")


def test_a_run_that_passed_says_so(made):
    """Verdict 1, code 0, and every metric that there is."""
    _, _, found = made
    assert set(found) == ALWAYS | OF_SEALED_RUNS
    assert found["fauxpay_verdict"] == {(): 1.0}
    assert found["fauxpay_exit_code"] == {(): 0.0}
    assert found["fauxpay_run_seconds"][()] > 0


def test_rows_bytes_and_fraud_are_those_of_the_files(made):
    """Rows by table as in the summary, bytes as on disk, the fraud rate from both."""
    root, summary, found = made
    assert found["fauxpay_rows"] == {(name,): n for name, n in summary["rows"].items()}
    assert set(found["fauxpay_bytes"]) == {(name,) for name in TABLES}
    run = fauxpay.open(root).run(summary["run_id"])
    for (name,), size in found["fauxpay_bytes"].items():
        assert size == sum(path.stat().st_size for path in run.files(name)), name
    assert found["fauxpay_fraud_rate"][()] == summary["fraud_rate"]


def test_null_rates_are_exact_and_of_every_nullable_column(made):
    """Counted again by pyarrow over whole tables."""
    root, summary, found = made
    run = fauxpay.open(root).run(summary["run_id"])
    wanted = {}
    for name in TABLES:
        rows = run.table(name).to_table()
        for column in table(TABLES[name]).columns:
            if column.nullable:
                nulls = rows[column.name].null_count
                wanted[(column.name, name)] = nulls / max(1, rows.num_rows)
    assert found["fauxpay_null_rate"] == wanted
    assert len(wanted) > 5
    assert any(0 < rate < 1 for rate in wanted.values())


def test_unique_ids_are_exact(made):
    """Transactions, cards and merchants seen, counted again by pyarrow."""
    root, summary, found = made
    rows = fauxpay.open(root).run(summary["run_id"]).table("transactions").to_table()
    names = ("transaction_id", "card_id", "merchant_id")
    wanted = {(name,): pc.count_distinct(rows[name]).as_py() for name in names}
    assert found["fauxpay_unique_ids"] == wanted
    assert wanted["transaction_id",] == rows.num_rows > wanted["card_id",]


def test_partitions_and_their_durations(made):
    """The plan and a day were made and timed; the other day was found."""
    _, _, found = made
    assert found["fauxpay_partitions"] == {("made",): 2, ("found",): 1}
    seconds = found["fauxpay_partition_seconds"]
    assert seconds["_count",] == 2
    assert seconds["_bucket", "+Inf"] == 2
    assert 0 < seconds["_sum",] < 60


def test_a_found_run_has_the_same_facts(made, tmp_path):
    """Asked again: same rows, rates and ids; all its partitions were found and none was timed."""
    root, _, found = made
    file = tmp_path / "f.prom"
    done = generate(root, "--from", "2026-03-01", "--to", "2026-03-03", "--metrics", file)
    assert done.returncode == 0
    again = families(file)
    for name in OF_SEALED_RUNS | {"fauxpay_rows", "fauxpay_bytes", "fauxpay_verdict"}:
        assert again[name] == found[name], name
    assert again["fauxpay_partitions"] == {("made",): 0, ("found",): 3}
    assert again["fauxpay_partition_seconds"]["_count",] == 0


def test_a_conflict_replaces_the_good_news(own_root, tmp_path):
    """Verdict 0 and the exit code of a run that failed, with its identity; no old file stays."""
    file = tmp_path / "f.prom"
    file.write_text("fauxpay_verdict 1\n")
    published = only(own_root, "worlds/*/seed=1/transactions/event_day=2026-03-01/*")
    published.write_bytes(b"other bytes")
    done = generate(own_root, "--from", "2026-03-01", "--to", "2026-03-03", "--metrics", file)
    assert done.returncode == 5
    found = families(file)
    assert set(found) == ALWAYS
    assert found["fauxpay_verdict"] == {(): 0.0}
    assert found["fauxpay_exit_code"] == {(): 5.0}
    ((world_id, run_id, seed),) = identities(file)
    assert (len(world_id), len(run_id), seed) == (64, 20, "1")


def test_a_found_run_that_cannot_be_read_is_no_good_news(own_root, tmp_path):
    """A damaged file of the right size: verdict 0, though the run was found; a storage error."""
    damaged = only(own_root, "worlds/*/seed=1/transactions/event_day=2026-03-01/*")
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    file = tmp_path / "f.prom"
    done = generate(own_root, "--logical-date", "2026-03-01", "--metrics", file, "--json")
    assert (done.returncode, done.stdout) == (6, "")
    assert "cannot be measured" in done.stderr
    assert families(file)["fauxpay_verdict"] == {(): 0.0}


def test_a_wrong_config_is_seen_by_alerts_too(own_root, tmp_path):
    """What never became a run has verdict 0 without an identity."""
    file = tmp_path / "f.prom"
    assert generate(own_root, "--set", "catalog.crads=5", "--metrics", file).returncode == 2
    assert families(file)["fauxpay_verdict"] == {(): 0.0}
    assert families(file)["fauxpay_exit_code"] == {(): 2.0}
    assert identities(file) == {("", "", "")}


def test_the_file_is_replaced_in_one_move(tmp_path, monkeypatch):
    """Written beside the file, then renamed; when that fails the old file stays whole."""
    file = tmp_path / "f.prom"
    file.write_text("old\n")
    renamed = []

    def rename(source: str, target: str) -> None:
        renamed.append((Path(source).read_text(), target))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(os, "replace", rename)
    with (
        pytest.raises(StorageError, match=r"not written: No space left.*No run was sealed"),
        metrics.metered(file, "text"),
    ):
        pass
    ((text, target),) = renamed
    assert "fauxpay_verdict" in text
    assert Path(target) == file
    assert file.read_text() == "old\n"


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a pipe"])
def test_no_device_is_replaced_by_a_file(tmp_path, kind):
    """Refused before anything is made; root would have renamed a file over /dev/stdout."""
    file = tmp_path / "odd"
    if kind == "folder":
        file.mkdir()
    else:
        os.mkfifo(tmp_path / "pipe" if "link" in kind else file)
    if "link" in kind:
        file.symlink_to(tmp_path / "pipe")
    before = file.stat()
    with pytest.raises(StorageError, match="is a folder, device or pipe"):
        metrics.metered(file, "text").__enter__()
    assert file.stat().st_ino == before.st_ino
    for name in ("/dev/stdout", "/dev/null", "/dev/absent", "/proc/self/fd/1"):
        with pytest.raises(StorageError, match="is a folder, device or pipe"):
            replaceable(Path(name))


def test_a_link_keeps_to_its_file(tmp_path):
    """What a link names is replaced, in its own folder; the link stays."""
    (tmp_path / "there").mkdir()
    link = tmp_path / "f.prom"
    link.symlink_to(tmp_path / "there" / "real.prom")
    with metrics.metered(link, "text"):
        pass
    assert link.is_symlink()
    assert "fauxpay_verdict" in (tmp_path / "there" / "real.prom").read_text()


def test_a_failing_run_keeps_its_own_error(tmp_path, capsys):
    """When the metrics of a failure cannot be written either, the first error counts."""
    folder = tmp_path / "metrics"
    folder.mkdir()

    def fail() -> None:
        with metrics.metered(folder / "f.prom", "text"):
            folder.rmdir()
            raise GateError("the first")

    with pytest.raises(GateError, match="the first"):
        fail()
    assert "the metrics were not written" in capsys.readouterr().err


def test_no_file_asked_for_means_no_meter():
    """Without --metrics nothing is counted, nor imported."""
    with metrics.metered(None, "text") as meter:
        assert meter is None


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (ConfigError("x"), 2), (RuntimeError("x"), 1), (MemoryError(), 1)],
)
def test_the_code_of_any_end(error, code):
    """Whichever way a run ends, the metrics know its exit code."""
    assert metrics.exit_code_of(error) == code

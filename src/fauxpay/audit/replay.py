"""Replay: the run of a receipt, made again in a scratch place and compared by its digests.

Reads    a receipt; for a catalog of the user's own the sealed one
Writes   a scratch folder, removed afterwards; nothing under a published name
Draws    which days a sample makes
Sources  nothing

A day that was compared is removed at once, so the scratch place holds a world and a few days.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fauxpay.audit.contents import shard_count
from fauxpay.audit.differences import RESTORE, Difference, Proof, unequal
from fauxpay.audit.documents import receipt_differences
from fauxpay.audit.verdicts import config_of, request_of
from fauxpay.delivery.engine import Engine
from fauxpay.delivery.executors import executor
from fauxpay.delivery.files import storage_errors
from fauxpay.delivery.judging import judge
from fauxpay.delivery.progress import Progress, Report, silent
from fauxpay.delivery.sinks import STAGING
from fauxpay.delivery.staging import staged_name
from fauxpay.delivery.task import PLAN_DAY, Context, Task, stretch_days, stretches
from fauxpay.delivery.worlds import build_world, read_catalog_tables
from fauxpay.errors import ConfigError
from fauxpay.foundations.canonical import document_digest
from fauxpay.foundations.draws import draw, stream_key
from fauxpay.foundations.parameters import load_parameters
from fauxpay.receipts import layout
from fauxpay.receipts.identity import day_text
from fauxpay.receipts.inputs import differing_inputs, differing_packages, has_own_catalog
from fauxpay.receipts.records import Contents, PartitionReceipt
from fauxpay.receipts.store import read_receipt
from fauxpay.storage.places import Place

if TYPE_CHECKING:
    import pyarrow as pa

    from fauxpay.config.model import Config
    from fauxpay.foundations.parameters import Parameters
    from fauxpay.receipts.listing import Listed

REMEDY = "verify says whether the files or the receipt were changed; else the code makes others"
_counter = itertools.count()


def replay_run(
    run: Listed,
    sample: int | None = None,
    place: tuple[Path | None, int] = (None, 0),
    report: Report = silent,
) -> Proof:
    """What a run made again from its receipt has other digests for.

    sample  partitions to make, drawn by the run id; None makes all, and judges the gate again
    place   (folder for the scratch place, by default below the root; processes, 0 per core)
    Raises ConfigError where the inputs of the world are no longer the sealed ones, ContractError
    for a receipt that was changed, StorageError.
    """
    receipt = read_receipt(run.folder)
    refuse_other_inputs(receipt)
    folder, workers = place
    with _scratch(folder or _own_folder(run.root)) as scratch:
        context = _context(run, receipt, scratch, workers)
        world = build_world(
            scratch, context.request, context.config, context.parameters, context.engine
        )
        catalog = receipt["catalog"][: len(layout.CATALOG_TABLES)]
        # Its ids first: rows of another config come out alike under whatever name it bears.
        path = run.folder / layout.RECEIPT
        days, strange = _named_days(path, receipt)
        found = receipt_differences(path, receipt) + strange
        found += _entries(run, catalog, world["tables"], receipt)
        tasks = _tasks(days, receipt["run_id"], sample)
        made = []
        for partition in _made(context, tasks, report):
            found += _entries(run, _sealed(receipt, partition), _documents(partition), receipt)
            made.append(partition)
            for entry in partition.tables:
                (scratch / entry.path).unlink(missing_ok=True)
        if sample is None:
            found += _gate(context, world, made, receipt)
    rows = sum(partition.rows.get("transactions", 0) for partition in made)
    files = len(catalog) + sum(len(partition.tables) for partition in made)
    counts = {"partitions": len(made), "files": files, "rows": rows}
    return Proof("replay", receipt["run_id"], run.folder, tuple(found), counts)


def refuse_other_inputs(receipt: Mapping[str, Any]) -> None:
    """Raises ConfigError that names each input which is not the sealed one."""
    found = differing_inputs(receipt)
    if found:
        lines = "\n".join(f"* {difference}" for difference in found)
        made_by = receipt["packages"].get("fauxpay")
        raise ConfigError(
            f"run {receipt['run_id']} cannot be made again here: {len(found)} inputs of its world "
            f"are no longer the sealed ones; expected all of them. Replay it with fauxpay "
            f"{made_by} as it was then:\n{lines}"
        )


def sampled(run_id: str, count: int, wanted: int) -> list[int]:
    """So many of the numbers 0..count-1, the same for everyone who asks: an addressed draw."""
    key = stream_key(0, f"replay/sample/{run_id}")
    order = np.argsort(draw(key, np.arange(count, dtype=np.uint64)), kind="stable")
    return sorted(int(at) for at in order[:wanted])


def _own_folder(root: Place) -> Path:
    """Where to make things again: below the root, or the system's own folder for a store."""
    return root / STAGING if isinstance(root, Path) else Path(tempfile.gettempdir())


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A new folder that is gone afterwards; its name says who we are, for `fauxpay gc`."""
    path = parent / staged_name(f"replay-{next(_counter)}")
    with storage_errors(path, "write"):
        path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _context(run: Listed, receipt: Mapping[str, Any], scratch: Path, workers: int) -> Context:
    config = config_of(receipt, {"out": str(scratch), "workers": workers})
    engine = Engine(inputs=partial(_sealed_inputs, receipt["inputs"]))
    if has_own_catalog(receipt):
        tables = receipt["catalog"][: len(layout.CATALOG_TABLES)]
        engine = replace(engine, build_catalog=partial(_sealed_catalog, run.root, tables))
    parameters = load_parameters(config.parameters)
    return Context(scratch, request_of(receipt), config, parameters, engine)


def _sealed_inputs(inputs: Sequence[Mapping[str, Any]], config: Config) -> list[dict[str, Any]]:
    """Inputs as sealed; those of this package were found to be the same."""
    del config
    return [dict(one) for one in inputs]


def _sealed_catalog(
    root: Place, entries: Sequence[Mapping[str, Any]], config: Config, parameters: Parameters
) -> dict[str, pa.Table]:
    """A catalog of the user's own, as it was sealed: their files may be gone."""
    del config, parameters
    return read_catalog_tables(root, {"tables": entries})


def _named_days(path: Place, receipt: Mapping[str, Any]) -> tuple[list[Task], list[Difference]]:
    """Days that the receipt names, and those of them that its window does not ask for, or twice."""
    window, shards = request_of(receipt).window, range(shard_count(receipt))
    asked = {day_text(day): day for day in window.days()}
    days: list[Task] = []
    found: list[Difference] = []
    seen: set[tuple[str, int]] = set()
    for entry in receipt["partitions"]:
        day, shard = entry["event_day"], entry["shard"]
        # Of 1.0 a contract says that it is whole; no file is named by it.
        if isinstance(shard, int) and shard in shards and day in asked and (day, shard) not in seen:
            days.append(Task(shard, asked[day]))
        else:
            text = f"{layout.day_key(day)} of shard {shard}"
            found.append(Difference("partition", str(path), "none, or once", text, RESTORE))
        seen.add((day, shard))
    return days, found


def _tasks(days: Sequence[Task], run_id: str, sample: int | None) -> list[Task]:
    """Plans and days; of a sample, so many days and their plans."""
    if sample is not None:
        days = [days[number] for number in sampled(run_id, len(days), sample)]
    shards = {task.shard for task in days} or {0}
    return sorted([*(Task(shard, PLAN_DAY) for shard in shards), *days])


def _made(context: Context, tasks: Sequence[Task], report: Report) -> Iterator[PartitionReceipt]:
    rows, done = 0, 0

    def told(count: int) -> None:
        nonlocal rows
        rows += count
        report(Progress("partitions", done, len(tasks), rows))

    run, size = context.config.run, context.config.output.cards_per_shard
    days = stretch_days(min(size, context.config.catalog.cards), len(tasks), run.workers)
    with executor(run.executor, run.workers) as running:
        for partition in running.run(list(stretches(tasks, days)), context, told):
            done += 1
            told(0)
            yield partition


def _sealed(receipt: Mapping[str, Any], partition: PartitionReceipt) -> list[Mapping[str, Any]]:
    """The receipt's entries of a partition or a plan, by the day and shard in their names."""
    named = list(receipt["catalog"])
    for entry in receipt["partitions"]:
        named += entry["tables"]
    where = (partition.event_day, partition.shard)
    return [
        entry
        for entry in named
        if (own := layout.partition_of(entry["path"])) is not None and own[1:] == where
    ]


def _documents(partition: PartitionReceipt) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in partition.tables]


def _entries(
    run: Listed,
    sealed: Sequence[Mapping[str, Any]],
    made: Sequence[Mapping[str, Any]],
    receipt: Mapping[str, Any],
) -> list[Difference]:
    """Digests of files as sealed and as made again."""
    before = {entry["path"]: entry for entry in sealed}
    found: list[Difference] = []
    for entry in made:
        path = run.root / entry["path"]
        old = before.get(entry["path"])
        if old is None:
            found.append(Difference("file", str(path), "none in the receipt", "made", RESTORE))
            continue
        values = unequal("rows", path, old["rows"], entry["rows"], REMEDY)
        name = "logical digest"
        values += unequal(name, path, old["logical_digest"], entry["logical_digest"], REMEDY)
        found += values or _encoding(path, old, entry, receipt)
    for name in sorted(before.keys() - {entry["path"] for entry in made}):
        found.append(Difference("file", str(run.root / name), "made again", "not made", REMEDY))
    return found


def _encoding(
    path: Place, old: Mapping[str, Any], new: Mapping[str, Any], receipt: Mapping[str, Any]
) -> list[Difference]:
    """The bytes of a file with the same values: other versions may encode them in another way."""
    if old["file_sha256"] == new["file_sha256"]:
        return unequal("bytes", path, old["bytes"], new["bytes"], REMEDY)
    packages = differing_packages(receipt)
    why = "; ".join(map(str, packages))
    return [
        Difference(
            "file SHA-256",
            str(path),
            old["file_sha256"],
            new["file_sha256"],
            f"the values are the same; {why} may encode them otherwise" if packages else REMEDY,
            is_error=not packages,
        )
    ]


def _gate(
    context: Context,
    world: Mapping[str, Any],
    made: Sequence[PartitionReceipt],
    receipt: Mapping[str, Any],
) -> list[Difference]:
    """The verdict of what was made again; the same digest says that every check is the same."""
    end = context.request.window.end.isoformat()
    ordered = sorted(made, key=lambda one: (one.event_day, one.shard))
    plans = [one for one in ordered if one.event_day == end]
    days = [one for one in ordered if one.event_day != end]
    gate = judge(context, Contents(world, plans, days))
    if {one.name for one in differing_packages(receipt)} & {"fauxpay"}:
        return unequal("verdict", layout.GATE, receipt["verdict"], gate["verdict"], REMEDY)
    digest = document_digest(gate)
    return unequal("gate digest", layout.GATE, receipt["gate_digest"], digest, REMEDY)

"""`--metrics FILE`: what a run was, as a Prometheus text file for node_exporter's collector.

Written at the end in one move, also when the run fails (then `fauxpay_verdict` is 0), so that an
alert sees a failure and never half a file. docs/operations.md lists the metrics.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.cli import FAULT, INTERRUPTED, logs
from fauxpay.errors import MissingExtraError, StorageError

if TYPE_CHECKING:
    from fauxpay.cli.logs import LogFormat
    from fauxpay.delivery.progress import Progress
    from fauxpay.readers.measures import Nulls
    from fauxpay.readers.run import Run

IDENTITY = ("world_id", "run_id", "seed")
BUCKETS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Meter:
    """What is known of a run so far, for the metrics."""

    def __init__(self) -> None:
        self.identity = dict.fromkeys(IDENTITY, "")
        self.rows: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.partitions = {"made": 0, "found": 0}
        self.seconds: list[float] = []
        self.run: Run | None = None
        self.nulls: list[Nulls] = []
        self.unique_ids: dict[str, int] = {}
        self.begun = time.monotonic()

    def report(self, progress: Progress) -> None:
        """A report function for `make_run`."""
        from fauxpay.delivery.progress import PartitionNews, WorldNews

        if (request := progress.request) is not None:
            self._identify(request.world_id, request.run_id, request.seed)
        match progress.news:
            case WorldNews(rows, _):
                self.rows.update(rows)
            case PartitionNews(receipt, is_found):
                self.partitions["found" if is_found else "made"] += 1
                if receipt.seconds is not None:
                    self.seconds.append(receipt.seconds)
                for entry in receipt.tables:
                    self.rows[entry.name] += entry.rows
                    self.bytes[entry.name] += entry.bytes

    def note_run(self, run: Run) -> None:
        """The sealed run: from now on its receipt counts, not what was told on the way."""
        self.run = run
        self._identify(run.world_id, run.run_id, int(run.receipt["seed"]))
        entries = list(run.receipt["catalog"])
        for partition in run.receipt["partitions"]:
            entries += partition["tables"]
        self.rows = Counter(run.rows)
        self.bytes = Counter()
        for entry in entries:
            self.bytes[entry["name"]] += entry["bytes"]
        if not sum(self.partitions.values()):  # The whole run was there already.
            plans = {entry["path"] for entry in entries if entry["name"] == "campaigns"}
            self.partitions["found"] = len(run.receipt["partitions"]) + len(plans)

    def measure(self) -> None:
        """Counts what only the files of a sealed run can tell. Raises StorageError: unreadable."""
        if self.run is None:
            return
        from fauxpay.readers.measures import null_counts, unique_ids

        try:
            self.nulls, self.unique_ids = null_counts(self.run), unique_ids(self.run)
        except (OSError, ValueError) as error:  # Arrow's are of one of these two.
            raise StorageError(
                f"--metrics: a file of run {self.run.run_id} cannot be measured: {error}; expected "
                f"what its receipt says. Remove the damaged file and make the same run again."
            ) from error

    def _identify(self, world_id: str, run_id: str, seed: int) -> None:
        self.identity = {"world_id": world_id, "run_id": run_id, "seed": str(seed)}


@contextmanager
def metered(file: Path | None, log_format: LogFormat) -> Iterator[Meter | None]:
    """A meter whose metrics stand in the file when the block ends, whichever way it ends.

    file  None: no meter, nothing is written
    Raises MissingExtraError without prometheus-client and StorageError for a folder that is not
    there, both before anything is made; StorageError where the file cannot be written.
    """
    if file is None:
        yield None
        return
    _require(file)
    meter = Meter()
    try:
        yield meter
        meter.measure()
    except BaseException as error:
        try:
            _write(file, meter, exit_code_of(error))
        except StorageError as failure:
            # The run's own error stays the one that counts.
            logs.tell_warning("metrics not written", str(failure), log_format)
        raise
    _write(file, meter, 0)


def exit_code_of(error: BaseException) -> int:
    """The exit code that an error ends the command with."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return int(getattr(error, "exit_code", FAULT))


def _require(file: Path) -> None:
    try:
        import prometheus_client  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"--metrics {file}: prometheus-client is not installed; expected the extra `metrics`. "
            f"Install it with: pip install 'fauxpay[metrics]'"
        ) from error
    if not file.absolute().parent.is_dir():
        raise StorageError(
            f"--metrics {file}: there is no folder {file.parent}; expected a file, such as "
            f"fauxpay.prom, in a folder that is there. Make the folder, or name another file."
        )
    _target(file)


def _target(file: Path) -> Path:
    """The file itself. Raises StorageError for a folder, device or pipe."""
    from fauxpay.delivery.replacing import replaceable

    try:
        return replaceable(file)
    except StorageError as error:
        raise StorageError(f"--metrics {error}") from error


def _write(file: Path, meter: Meter, exit_code: int) -> None:
    """Writes beside the file, then renames. Raises StorageError."""
    from prometheus_client import write_to_textfile

    try:
        write_to_textfile(str(_target(file)), registry(meter, exit_code))
    except OSError as failure:
        reason = failure.strerror or failure
        state = "The run itself is sealed" if meter.run is not None else "No run was sealed"
        raise StorageError(
            f"--metrics {file}: the metrics were not written: {reason}; expected a file that can "
            f"be. {state}; correct the file or its folder and give the same command again."
        ) from failure


def registry(meter: Meter, exit_code: int) -> Any:
    """All metrics of a meter as a registry of prometheus-client."""
    from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics

    # When a number was first counted is no fact of the run.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    made = CollectorRegistry()
    known = meter.identity
    verdict = int(exit_code == 0 and meter.run is not None)
    _gauge(made, known, "verdict", "1: the run passed and is sealed; 0: it is not", verdict)
    _gauge(made, known, "exit_code", "Exit code of the command", exit_code)
    _gauge(made, known, "run_seconds", "Duration of the command", time.monotonic() - meter.begun)
    _gauges(made, known, ("rows", "Rows by table", "table"), meter.rows)
    _gauges(made, known, ("bytes", "Bytes of files by table", "table"), meter.bytes)
    _gauges(made, known, ("partitions", "Partitions by origin", "origin"), meter.partitions)
    seconds = Histogram(
        "fauxpay_partition_seconds",
        "Making of a partition: rows, checks, digests, files",
        IDENTITY,
        registry=made,
        buckets=BUCKETS_SECONDS,
    ).labels(**known)
    for one in meter.seconds:
        seconds.observe(one)
    if meter.run is not None:
        fraud_rate = meter.run.fraud_rate
        _gauge(made, known, "fraud_rate", "Fraudulent share of the transactions", fraud_rate)
        ids = ("unique_ids", "Different ids in transactions", "column")
        _gauges(made, known, ids, meter.unique_ids)
        _null_rates(made, known, meter.nulls)
    return made


def _null_rates(made: Any, known: dict[str, str], nulls: Sequence[Nulls]) -> None:
    from prometheus_client import Gauge

    labels = (*IDENTITY, "table", "column")
    rates = Gauge("fauxpay_null_rate", "Nulls per row of a column", labels, registry=made)
    for one in nulls:
        rates.labels(**known, table=one.table, column=one.column).set(one.rate)


def _gauge(made: Any, known: dict[str, str], name: str, text: str, value: float) -> None:
    from prometheus_client import Gauge

    Gauge(f"fauxpay_{name}", text, IDENTITY, registry=made).labels(**known).set(value)


def _gauges(
    made: Any, known: dict[str, str], metric: tuple[str, str, str], values: dict[str, int]
) -> None:
    from prometheus_client import Gauge

    name, text, label = metric
    gauge = Gauge(f"fauxpay_{name}", text, (*IDENTITY, label), registry=made)
    for value, count in values.items():
        gauge.labels(**known, **{label: value}).set(count)

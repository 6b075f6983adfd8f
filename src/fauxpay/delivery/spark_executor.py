"""Spark: the executor of a Spark cluster, or of a local one that is started here for the run.

Reads    spark.master as spark-submit, PYSPARK_SUBMIT_ARGS or a running session have it
Writes   nothing of its own; workers write partitions
Draws    nothing
Sources  nothing

A run is one job with a task for each block. Answers come back by an accumulator, of which Spark
promises that a task which is tried again counts once; a lost worker is Spark's to notice.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fauxpay.delivery.blocks import Block, blocks
from fauxpay.delivery.engines import EngineExecutor
from fauxpay.delivery.executors import core_count
from fauxpay.delivery.remote import (
    RETRIES_MAX,
    Answer,
    Errand,
    make_block,
    receipts_of,
)
from fauxpay.delivery.signals import signals_kept
from fauxpay.errors import MissingExtraError, ResourceError
from fauxpay.foundations.machine import RESUMES

if TYPE_CHECKING:
    from fauxpay.delivery.executors import OnRows
    from fauxpay.delivery.task import Context, Stretch
    from fauxpay.receipts.records import PartitionReceipt

KILL_TIMEOUT, KILL_TIMEOUT_DEFAULT = "spark.python.task.killTimeout", "2s"
GRACE_SECONDS = 0.5
REASON_LENGTH_MAX = 300
# Any of these may say which cluster to use; else it is this machine.
SUBMITTED = ("PYSPARK_SUBMIT_ARGS", "PYSPARK_GATEWAY_PORT", "SPARK_CONF_DIR", "SPARK_HOME")
JAVA_MISSING = (
    "Java is not there, which Spark runs on; expected a `java` in JAVA_HOME or on the path. "
    "`apt-get install openjdk-17-jre-headless`, or use --executor processes"
)


class SparkExecutor(EngineExecutor):
    """One Spark job, in a session that is started by the first word of work."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        _require_spark()
        self._spark: Any = None
        self._is_ours = False

    def cores(self) -> int:
        """As Spark counts them, of all executors."""
        return int(self._spark.defaultParallelism)

    def run(
        self, stretches: Sequence[Stretch], context: Context, on_rows: OnRows
    ) -> Iterator[PartitionReceipt]:
        """See `Executor.run`; rows are told of when a block is done."""
        if not stretches:
            return
        count = self.worker_count
        work = list(blocks(stretches, count))
        job = _Job(self._spark, Errand(context), work, count)
        told: set[int] = set()
        try:
            for number, answers in job.answers():
                if number in told:
                    continue
                told.add(number)
                for answer in answers:
                    yield from receipts_of(answer, on_rows)
        finally:
            job.close()
        assert len(told) == len(work), f"{len(told)} of {len(work)} blocks were told of"

    def close(self) -> None:
        """Ends the session that was started here."""
        if self._is_ours:
            self._spark.stop()
        self._spark, self._is_ours = None, False

    def connect(self) -> None:
        """Takes the session that there is, else begins one."""
        if self._spark is not None:
            return
        from pyspark import SparkContext

        self._spark = SparkContext._active_spark_context
        if self._spark is not None:
            return
        try:
            with signals_kept():
                self._spark = SparkContext(conf=_settings(self.wanted or core_count()))
        except Exception as error:
            raise ResourceError(
                f"Spark cannot be used: {_reason(error)}. Correct spark.master, start the "
                f"cluster, or use --executor processes; {RESUMES}."
            ) from error
        self._is_ours = True
        self._spark.setLogLevel("ERROR")


def _settings(workers: int) -> Any:
    """What Spark was told already, and for what it was not: a quiet session of this machine."""
    from pyspark import SparkConf, SparkContext

    if any(name in os.environ for name in SUBMITTED):
        # Java has to be there first: only then does a SparkConf know what spark-submit was told.
        SparkContext._ensure_initialized()
        conf = SparkConf()
    else:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        # As a cluster does, it tries lost tasks again; and it listens to nobody else.
        conf = SparkConf().setMaster(f"local[{workers},{RETRIES_MAX + 1}]")
        conf.setIfMissing("spark.driver.host", "127.0.0.1")
        conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1")
    if str(conf.get("spark.master", "local")).startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf.setIfMissing("spark.app.name", "fauxpay")
    conf.setIfMissing("spark.ui.enabled", "false")
    conf.setIfMissing("spark.ui.showConsoleProgress", "false")
    conf.setIfMissing("spark.task.maxFailures", str(RETRIES_MAX + 1))
    conf.setIfMissing(KILL_TIMEOUT, "100ms")
    return conf


class _Answers:
    """How answers are added up: here by handing them on, so that none is kept; there in a list.

    What pyspark calls an AccumulatorParam.
    """

    def __init__(self, arrived: queue.SimpleQueue[Any] | None) -> None:
        self._arrived = arrived

    def __reduce__(self) -> tuple[Any, ...]:
        return _Answers, (None,)

    def zero(self, value: list[Any]) -> list[Any]:
        """Nothing yet."""
        del value
        return []

    def addInPlace(self, value: list[Any], more: list[Any]) -> list[Any]:
        """In a worker the two lists as one; in the driver what came goes to whoever waits."""
        if self._arrived is None:
            return [*value, *more]
        self._arrived.put(more)
        return []


class _Job:
    """A Spark job in a thread, whose answers come through a queue."""

    def __init__(self, spark: Any, errand: Errand, work: Sequence[Block], workers: int) -> None:
        self._spark = spark
        self._group = f"fauxpay-{id(self)}"
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers = spark.accumulator([], _Answers(self._arrived))
        self._is_over = False
        self._errand = spark.broadcast(errand)
        self._work = work
        # Spark has no limit of its own for the tasks of a job: what may not run at a time stands
        # in one task, one block after the other.
        is_limited = workers < spark.defaultParallelism
        self._task_count = workers if is_limited else len(work)
        self._thread = threading.Thread(target=self._run, name="fauxpay-spark", daemon=True)

    def answers(self) -> Iterator[tuple[int, Sequence[Answer]]]:
        """(number of a block, its answers), as they come. Raises ResourceError for a lost job."""
        self._thread.start()
        while True:
            arrived = self._arrived.get()
            if arrived is None or isinstance(arrived, Exception):
                self._is_over = True
            if arrived is None:
                return
            if isinstance(arrived, Exception):
                raise ResourceError(
                    f"Spark gave up after {RETRIES_MAX + 1} tries of a task: "
                    f"{_reason(arrived)}; perhaps for want of memory, or because workers keep "
                    f"going away. Look at the cluster; {RESUMES}."
                ) from arrived
            yield from arrived

    def close(self) -> None:
        """Stops what is under way; Spark ends the workers of cancelled tasks."""
        if self._thread.is_alive() and not self._is_over:
            self._spark.cancelJobGroup(self._group)
            self._thread.join()
            # Spark calls a task ended while its worker may go on for so long before it is killed.
            told = self._spark.getConf().get(KILL_TIMEOUT, KILL_TIMEOUT_DEFAULT)
            utilities = self._spark._jvm.org.apache.spark.network.util.JavaUtils
            time.sleep(utilities.timeStringAsMs(told) / 1000 + GRACE_SECONDS)
        self._errand.destroy()

    def _run(self) -> None:
        try:
            self._spark.setJobGroup(self._group, "partitions", interruptOnCancel=True)
            numbered = self._spark.parallelize(list(enumerate(self._work)), self._task_count)
            numbered.foreachPartition(partial(_make, self._errand, self._answers))
        except Exception as error:
            self._arrived.put(error)
        else:
            self._arrived.put(None)


def _make(errand: Any, answers: Any, numbered: Any) -> None:
    """In a worker: the blocks of a task, whose answers Spark takes along with the task's end."""
    for number, block in numbered:
        answers.add([(number, tuple(make_block(errand.value, block)))])


def _require_spark() -> None:
    """Raises MissingExtraError where Spark or Java is not there."""
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Spark is not installed, which run.executor=spark needs; "
            "`pip install 'fauxpay[spark]'`, or use --executor processes"
        ) from error
    home = os.environ.get("JAVA_HOME")
    if not (home and shutil.which("java", path=os.path.join(home, "bin"))) and not (
        shutil.which("java")
    ):
        raise MissingExtraError(JAVA_MISSING)


def _reason(error: Exception) -> str:
    """The line of Spark's many that says why: a worker's own error, else why the job was ended."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for sign in (r"\w*(Error|Exception): ", r".*Job aborted"):
        for line in lines:
            if re.match(sign, line):
                return line[:REASON_LENGTH_MAX]
    return lines[0][:REASON_LENGTH_MAX] if lines else type(error).__name__

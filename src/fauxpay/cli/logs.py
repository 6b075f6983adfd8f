"""Logs: what a command says on standard error, for people as text, for machines as JSON lines.

A JSON line has timestamp, level and event; then, where they are known, run_id, world_id, segment,
partition (with event_day or until, and shard), rows, seconds (contract run.yaml#/$defs/log_line).
Progress bars and plain lines for people are made in `progress.py`.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

from fauxpay.gates.segments import SEGMENT_OF
from fauxpay.receipts import layout

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from fauxpay.delivery.progress import PartitionNews, Progress
    from fauxpay.receipts.records import Request, TableEntry

LogFormat = Literal["text", "json"]
INTERRUPTED_TEXT = "interrupted; the same command goes on where it was stopped"
FLAG = "--log-format"
VARIABLE = "FAUXPAY_LOG_FORMAT"
STAGES = {"world": "catalog", "gates": "gates", "receipt": "receipt"}
Clock = Callable[[], float]
Line = tuple[str, dict[str, Any]]


def chosen(arguments: Sequence[str], environ: Mapping[str, str]) -> LogFormat:
    """The log format of a command line that need not be right: its errors want one, too."""
    given = environ.get(VARIABLE, "")
    for flag, value in zip(arguments, [*arguments, ""][1:], strict=True):
        if flag == FLAG:
            given = value
        elif flag.startswith(f"{FLAG}="):
            given = flag.partition("=")[2]
    return "json" if given == "json" else "text"


def json_logger(stream: TextIO) -> Any:
    """A structlog logger that writes one JSON object per line.

    Not imported before it is asked for: it takes longer than `fauxpay --help`.
    """
    import structlog

    return structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            _in_order,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.BoundLogger,
    )


class JsonReport:
    """A report function that logs what comes about; a context for the lines after it, too."""

    def __init__(self, stream: TextIO | None = None, clock: Clock = time.monotonic) -> None:
        self._log = json_logger(stream or sys.stderr)
        self._clock = clock
        self._begun: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        """Logs the news of a report, if it has any."""
        if not self._begun and progress.request is not None:
            self._start(progress.request)
        begun = self._begun.setdefault(progress.stage, self._clock())
        for event, fields in lines_of(progress, self._clock() - begun):
            level = "error" if fields.get("verdict", "PASS") != "PASS" else "info"
            getattr(self._log, level)(event, **fields)

    def sealed(self, receipt: Mapping[str, Any], *, is_new: bool, seconds: float) -> None:
        """Logs that a run is finished, or that it was there already."""
        own = {key: receipt[key] for key in ("run_id", "world_id", "seed", "verdict")}
        self._log.info(
            "run finished" if is_new else "run found",
            **own,
            segment="receipt",
            rows=receipt["rows"].get("transactions", 0),
            seconds=round(seconds, 3),
        )

    def _start(self, request: Request) -> None:
        import structlog

        structlog.contextvars.bind_contextvars(run_id=request.run_id, world_id=request.world_id)
        window = request.window.document()
        self._log.info("run started", seed=request.seed, **window)


def lines_of(progress: Progress, seconds: float) -> Iterator[Line]:
    """Event and fields of the log lines that a report is worth: none where it brings no news.

    seconds  since the stage began
    """
    from fauxpay.delivery.progress import GateNews, PartitionNews, WorldNews

    took = round(seconds, 3)
    match progress.news:
        case PartitionNews() as news:
            yield from _partition_lines(news)
        case WorldNews(rows, is_built):
            event = "world built" if is_built else "world found"
            yield event, {"segment": "catalog", "rows": sum(rows.values()), "seconds": took}
        case GateNews(document):
            for gate in document["gates"]:
                for check in gate["checks"]:
                    if check["verdict"] != "PASS":
                        yield "check did not hold", _check_fields(gate["name"], check)
            verdict = document["verdict"]
            yield "gates judged", {"segment": "gates", "verdict": verdict, "seconds": took}
        case None if progress.stage == "receipt" and progress.done:
            yield "receipt sealed", {"segment": "receipt", "seconds": took}


def _partition_lines(news: PartitionNews) -> Iterator[Line]:
    """A line for each segment that wrote into a partition. One pass makes all of a day's tables,
    so its seconds stand in one line only: their sum is the time that was spent."""
    receipt = news.receipt
    is_plan = any(entry.name in layout.PLAN_TABLES for entry in receipt.tables)
    key = layout.plan_key(receipt.event_day) if is_plan else layout.day_key(receipt.event_day)
    name = "until" if is_plan else "event_day"
    shared = {
        "partition": f"{key}/part-{receipt.shard:04d}",
        name: receipt.event_day,
        "shard": receipt.shard,
        "verdict": receipt.verdict.name,
    }
    seconds = {} if receipt.seconds is None else {"seconds": round(receipt.seconds, 3)}
    event = "partition found" if news.is_found else "partition finished"
    groups: dict[str, list[TableEntry]] = {}
    for entry in receipt.tables:
        groups.setdefault("plan" if is_plan else SEGMENT_OF[entry.name], []).append(entry)
    for segment, entries in groups.items():
        sizes = {
            "rows": sum(entry.rows for entry in entries),
            "bytes": sum(entry.bytes for entry in entries),
        }
        yield event, {"segment": segment, **shared, **sizes, **seconds}
        seconds = {}


def _check_fields(gate: str, check: Mapping[str, Any]) -> dict[str, Any]:
    fields = {key: check[key] for key in ("rows", "offenders", "evidence", "verdict")}
    return {"segment": "gates", "gate": gate, "check": check["name"], **fields}


def tell_error(error: BaseException, code: int, log_format: LogFormat) -> None:
    """Says on standard error why a command ends with a code. Faults of our own keep their trace."""
    from fauxpay.errors import FauxpayError

    kind, message, trace = _public_class(error), str(error), ""
    if hasattr(error, "format_message"):  # Typer's; with the flags that may have been meant.
        kind, message = "UsageError", error.format_message()
    elif isinstance(error, KeyboardInterrupt):
        message = INTERRUPTED_TEXT
    elif not isinstance(error, FauxpayError):
        trace = "".join(traceback.format_exception(error)).rstrip()
    if log_format == "json":
        more = {"trace": trace} if trace else {}
        fields = {"class": kind, "code": code, "message": message, **more}
        json_logger(sys.stderr).error("command failed", **fields)
    elif kind == "UsageError":
        error.show()  # type: ignore[attr-defined]
    else:
        print(trace or f"fauxpay: {message}", file=sys.stderr)


def tell_warning(event: str, text: str, log_format: LogFormat) -> None:
    """Says on standard error what the user should know; the event is for JSON lines."""
    if log_format == "text":
        print(f"fauxpay: {text}", file=sys.stderr)
    else:
        json_logger(sys.stderr).warning(event, message=text)


def _public_class(error: BaseException) -> str:
    """Name of the class of errors.py that an error belongs to; of its own class for others."""
    known = (kind for kind in type(error).__mro__ if kind.__module__ == "fauxpay.errors")
    return next(known, type(error)).__name__


def _in_order(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The members that every line has come first, so that people can read the lines as well."""
    del logger, method
    first = ("timestamp", "level", "event", "run_id", "world_id", "segment", "partition")
    ordered = {key: event[key] for key in first if key in event}
    return {**ordered, **{key: value for key, value in event.items() if key not in ordered}}

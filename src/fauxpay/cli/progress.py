"""Progress on a screen: a bar where there is a terminal, plain lines where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from fauxpay.delivery.progress import Progress

LINE_SECONDS = 5.0
# The others are over at once; the gates are told of by their verdict, the receipt by the summary.
TOLD_FROM_THE_BEGIN = ("world", "partitions")
Report = Callable[["Progress"], None]
Clock = Callable[[], float]


@contextmanager
def shown(*, is_quiet: bool, stream: TextIO | None = None) -> Iterator[Report]:
    """A report function that shows progress on a stream (standard error) until the block ends."""
    stream = stream or sys.stderr
    if is_quiet:
        yield lambda progress: None
    elif stream.isatty():
        with _bar(stream) as report:
            yield report
    else:
        yield plain_lines(stream, time.monotonic)


@contextmanager
def told(what: str, *, is_quiet: bool, stream: TextIO | None = None) -> Iterator[None]:
    """Says on a stream (standard error) what is being done until the block ends."""
    stream = stream or sys.stderr
    if is_quiet:
        yield
    elif stream.isatty():
        from rich.console import Console

        with Console(file=stream).status(what):
            yield
    else:
        print(f"fauxpay: {what}", file=stream, flush=True)
        yield


def plain_lines(stream: TextIO, clock: Clock) -> Report:
    """Reports as lines: the begin and end of each stage, and a line every few seconds.

    clock  seconds, only for differences
    """
    begun: dict[str, float] = {}
    last: dict[str, float] = {}

    def report(progress: Progress) -> None:
        if progress.stage not in TOLD_FROM_THE_BEGIN and not progress.news:
            return
        now = clock()
        begun.setdefault(progress.stage, now)
        is_edge = progress.stage not in last or _is_done(progress)
        if not is_edge and now - last[progress.stage] < LINE_SECONDS:
            return
        last[progress.stage] = now
        print(_line(progress, now - begun[progress.stage]), file=stream, flush=True)

    return report


def rate_text(progress: Progress, seconds: float) -> str:
    """Rows per second and the time that is left, as far as they are known."""
    if seconds <= 0 or not progress.rows:
        return ""
    text = f"{progress.rows:,} rows, {progress.rows / seconds:,.0f} rows/s"
    if 0 < progress.done < progress.total:
        left = seconds * (progress.total - progress.done) / progress.done
        text += f", {left:.0f} s left"
    return text


def _line(progress: Progress, seconds: float) -> str:
    """One line for people, such as "fauxpay: partitions, 4 of 31, 120,000 rows, 12 s left"."""
    from fauxpay.delivery.progress import GateNews, WorldNews

    match progress.news:
        case WorldNews(rows, is_built):
            what = f"{'built' if is_built else 'found'} in {seconds:.1f} s"
            return f"fauxpay: world {what}, {rows.get('cards', 0):,} cards"
        case GateNews(document):
            return f"fauxpay: gates say {document['verdict']}"
    if progress.stage == "world":
        return "fauxpay: looking for the world, or building it"
    counts = f"{progress.done} of {progress.total}"
    parts = (f"fauxpay: {progress.stage}", counts, rate_text(progress, seconds))
    return ", ".join(part for part in parts if part)


def _is_done(progress: Progress) -> bool:
    return progress.done == progress.total


@contextmanager
def _bar(stream: TextIO) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[rate]}"),
    )
    tasks: dict[str, TaskID] = {}
    begun: dict[str, float] = {}
    with Bars(*columns, console=Console(file=stream), transient=True) as bars:

        def report(progress: Progress) -> None:
            stage = progress.stage
            if stage not in tasks:
                begun[stage] = time.monotonic()
                tasks[stage] = bars.add_task(stage, total=progress.total, rate="")
            rate = rate_text(progress, time.monotonic() - begun[stage])
            bars.update(tasks[stage], completed=progress.done, total=progress.total, rate=rate)

        yield report

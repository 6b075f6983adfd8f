"""Progress: what a run tells of itself while it works. Nothing of it is ever hashed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from fauxpay.receipts.records import PartitionReceipt, Request

Stage = Literal["world", "partitions", "gates", "receipt"]


@dataclass(frozen=True, slots=True)
class WorldNews:
    """The world is there.

    rows      of its tables, by name
    is_built  whether this run built it; otherwise it was found
    """

    rows: Mapping[str, int]
    is_built: bool


@dataclass(frozen=True, slots=True)
class PartitionNews:
    """A partition is there: its receipt, and whether it was found where an earlier run left it."""

    receipt: PartitionReceipt
    is_found: bool


@dataclass(frozen=True, slots=True)
class GateNews:
    """The gates have spoken; `document` is gate.json."""

    document: Mapping[str, Any]


News = WorldNews | PartitionNews | GateNews


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    done, total  steps of the stage: tables of the world, partitions
    rows         transactions made or found so far in this stage
    request      who the run is
    news         what has just come about, if that is why this is told
    """

    stage: Stage
    done: int
    total: int
    rows: int
    request: Request | None = None
    news: News | None = None


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tells nobody."""
    del progress


class Tally:
    """Counts the partitions of a run and tells of each."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._total = total
        self._done = 0
        self._rows = 0
        self._tell()

    def add_rows(self, count: int) -> None:
        """So many more transactions are made or found."""
        self._rows += count
        self._tell()

    def add_partition(self, receipt: PartitionReceipt, *, is_found: bool) -> None:
        """One more partition is there."""
        self._done += 1
        self._tell(PartitionNews(receipt, is_found))

    def _tell(self, news: News | None = None) -> None:
        self._report(Progress("partitions", self._done, self._total, self._rows, news=news))


def to_all(*reports: Report) -> Report:
    """One report function that tells several."""

    def report(progress: Progress) -> None:
        for one in reports:
            one(progress)

    return report

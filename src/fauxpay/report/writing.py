"""Writing: the page of a run beside its receipt, or where one likes to have it.

Reads    a run
Writes   runs/utc_day=.../<run_id>/report.html, or another file
Draws    nothing
Sources  nothing

A report can be made again at any time, so it is in no receipt, takes the place of an earlier one,
and a run is as good without.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fauxpay.delivery.replacing import replaceable, replaced, replaced_below
from fauxpay.foundations import stops
from fauxpay.receipts import layout
from fauxpay.report import owed
from fauxpay.storage.places import Place

if TYPE_CHECKING:
    from fauxpay.readers.run import Run


def report_path(run: Run) -> Place:
    """Where the report of a run stands, if it was made."""
    return run.folder / layout.REPORT


def is_due(run: Run, *, is_new: bool, is_asked: bool) -> bool:
    """Whether `keep_report` is to make the report; from then on others see that it is made.

    Of a run that was found it is where somebody was killed over it: the same request ends with the
    same files. A report that was removed, or not asked for when the run was made, stays away.
    """
    if not is_asked:
        return False
    if not is_new:
        return owed.take_over(run)
    owed.begin(run)
    return True


def keep_report(run: Run, *, is_wanted: bool, warn: Callable[[str], object]) -> Place | None:
    """The report beside the receipt, made where that is wanted; None where there is none.

    is_wanted  as `is_due` says
    Never raises: a sealed run is as good without, so what stands in the way is a warning.
    """
    if is_wanted:
        try:
            with stops.kept():
                return write_report(run)
        # Whatever it is: a fault of a drawing must not make a run that passed look failed.
        except Exception as error:
            warn(
                f"run {run.run_id} is sealed, but has no report: {error or type(error).__name__}. "
                f"`fauxpay report {run.run_id} --out {run.root}` makes it."
            )
        finally:
            owed.finish(run)
    path = report_path(run)
    return path if path.is_file() else None


def write_report(run: Run, path: Path | None = None) -> Place:
    """Makes the report of a run; returns its file, which appears as a whole or not at all.

    path  another file than the one beside the receipt
    Raises StorageError where it cannot be written, or where a file of the run is missing.
    """
    from fauxpay.report.page import report_html

    target = None if path is None else replaceable(path)  # Before the drawing, which takes long.
    data = report_html(run).encode()
    if target is None:
        return replaced_below(run.root, report_path(run), data)
    return replaced(target, data)

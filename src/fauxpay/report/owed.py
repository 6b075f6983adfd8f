"""Owed: a report that was begun and whose maker was killed is drawn by who asks next.

Reads    signs of who draws, .staging/<pid>-<home>-report-<run_id>
Writes   one, for as long as a report is drawn
Draws    nothing
Sources  nothing

Whatever else ends a drawing takes its sign away and says what draws the report. A report that was
never begun, or removed since, is owed to nobody. In a folder one of several takes a sign over; in
a store, where no name moves, two that ask at one moment may both put the same page there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fauxpay.delivery.files import make_folder
from fauxpay.delivery.sinks import STAGING
from fauxpay.delivery.staging import is_gone, maker_of, staged_name
from fauxpay.errors import StorageError
from fauxpay.receipts import layout
from fauxpay.storage.places import Place, is_memory

if TYPE_CHECKING:
    from fauxpay.readers.run import Run

ELSEWHERE_SECONDS = 3_600
"""A report takes minutes: what another machine began before is drawn by nobody any more."""


def begin(run: Run) -> None:
    """Puts up a sign that this process draws the report, where one can be put up."""
    if is_memory(run.root):
        return
    sign = _own(run)
    with suppress(OSError, StorageError):
        if isinstance(sign, Path):
            make_folder(sign.parent)
            sign.touch()
        else:
            sign.put(b"")


def take_over(run: Run) -> bool:
    """Whether this process is to draw the report, for who began it is gone; then its sign is ours.

    False where nobody began it, or somebody draws it still.
    """
    if (run.folder / layout.REPORT).is_file() or is_memory(run.root):
        return False
    elsewhere = time.time() - ELSEWHERE_SECONDS
    for sign in _signs(run):
        with suppress(OSError, StorageError):  # Finished, or taken over by another meanwhile.
            maker = maker_of(sign.name)
            if maker is None or not is_gone(maker, sign.stat().st_mtime, elsewhere):
                return False
            if isinstance(sign, Path):
                os.rename(sign, str(_own(run)))  # Of several one finds it.
                os.utime(str(_own(run)))
            else:
                begin(run)
                sign.unlink(missing_ok=True)
            return True
    return False


def finish(run: Run) -> None:
    """Takes this process's sign away."""
    if not is_memory(run.root):
        with suppress(OSError, StorageError):
            _own(run).unlink(missing_ok=True)


def _own(run: Run) -> Place:
    return run.root / STAGING / staged_name(f"report-{run.run_id}")


def _signs(run: Run) -> Iterator[Place]:
    with suppress(OSError, StorageError):
        found: Iterator[Place] = (run.root / STAGING).glob(f"*-report-{run.run_id}")
        yield from found

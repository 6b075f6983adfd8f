"""Progress: what a run tells of itself while it works. Nothing of it is ever hashed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Stage = Literal["world", "partitions", "receipt"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands.

    done, total  steps of the stage: tables of the world, partitions
    rows         transactions made or found so far in this stage
    """

    stage: Stage
    done: int
    total: int
    rows: int


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tells nobody."""
    del progress

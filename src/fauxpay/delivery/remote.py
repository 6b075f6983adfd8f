"""Remote: what a worker of an engine does, and what it answers. Ray, Spark and others call this.

Reads    the sealed world below the root, once in a process
Writes   partitions (delivery.partition)
Draws    nothing
Sources  nothing

A task is a small description, its answer receipts: data never passes through the engine. Errors
are answers too, so that an engine tries again what a lost worker left, and not what cannot work.
"""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fauxpay.delivery.workers import Failed, failure, open_world, raised
from fauxpay.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from fauxpay.delivery.blocks import Block
    from fauxpay.delivery.executors import OnRows
    from fauxpay.delivery.task import Context
    from fauxpay.delivery.workshop import Workshop
    from fauxpay.receipts.records import PartitionReceipt

RETRIES_MAX = 5
"""How often a task is tried again whose worker went away: enough for a node that comes and goes."""


def _packages() -> dict[str, str]:
    from fauxpay.receipts.records import PACKAGES, package_versions

    versions = package_versions()
    return {name: versions[name] for name in PACKAGES}


@dataclass(frozen=True, slots=True)
class Errand:
    """What all tasks of a run share: its context, and the packages that the caller has."""

    context: Context
    packages: Mapping[str, str] = field(default_factory=_packages)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a stretch: receipts, or a failure, and the warnings on the way."""

    receipts: tuple[PartitionReceipt, ...] = ()
    failed: Failed | None = None
    warned: tuple[str, ...] = ()


def make_block(errand: Errand, block: Block) -> Iterator[Answer]:
    """An answer for each stretch of a block, in order; after a failure none."""
    current = ""
    for stretch in block:
        with warnings.catch_warnings(record=True) as caught, redirect_stdout(sys.stderr):
            warnings.simplefilter("default")
            try:
                workshop = _opened(errand)
                current = str(stretch[0])
                receipts = _made(errand.context, workshop, stretch)
                failed = None
            except Exception as error:  # Told to the caller, which raises it there.
                receipts, failed = (), failure(current, error)
        warned = tuple(f"{one.category.__name__}: {one.message}" for one in caught)
        yield Answer(receipts, failed, warned)
        if failed is not None:
            return


def receipts_of(answer: Answer, on_rows: OnRows) -> tuple[PartitionReceipt, ...]:
    """The receipts of an answer, in the calling process. Raises the worker's error.

    on_rows  is told of the rows when they are published, so that no retry counts them twice
    """
    for text in answer.warned:
        warnings.warn(f"in a worker: {text}", RuntimeWarning, stacklevel=2)
    if answer.failed is not None:
        raise raised(answer.failed)
    rows = sum(receipt.rows.get("transactions", 0) for receipt in answer.receipts)
    if rows:
        on_rows(rows)
    return answer.receipts


def _made(context: Context, workshop: Workshop, stretch: Any) -> tuple[PartitionReceipt, ...]:
    from fauxpay.delivery.partition import make_partitions

    return tuple(make_partitions(context, workshop, stretch, lambda rows: None))


_kept: dict[Any, Workshop] = {}


def _opened(errand: Errand) -> Workshop:
    """The world of a run as this process keeps it: the last one that was asked for."""
    context = errand.context
    key = (str(context.root), context.request, context.engine)
    if key not in _kept:
        from fauxpay.foundations.memory import keep_freed_memory

        _require_same_packages(errand.packages)
        _require_world(context)
        keep_freed_memory()
        _kept.clear()
        _kept[key] = open_world(context)
    return _kept[key]


def _require_same_packages(wanted: Mapping[str, str]) -> None:
    """Raises ConfigError where this worker would write other bytes than its caller."""
    own = _packages()
    other = [
        f"{name} {own[name]} instead of {wanted[name]}"
        for name in wanted
        if own[name] != wanted[name]
    ]
    if other:
        raise ConfigError(
            f"the worker on {platform.node()} has {', '.join(other)}; expected the packages of "
            f"the calling process, because the bytes of files depend on them. Install the same "
            f"versions on all workers."
        )


def _require_world(context: Context) -> None:
    """Raises StorageError where the worker does not see what the caller has sealed."""
    from fauxpay.delivery.worlds import find_world

    if find_world(context.root, context.request.world_id) is None:
        raise StorageError(
            f"{context.root}: the worker on {platform.node()} sees no sealed world "
            f"{context.request.world_id[:12]}... there; expected a place that all workers share. "
            f"Choose one with --out."
        )

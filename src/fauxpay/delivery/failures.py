"""Failures: why a run ended without PASS, where, and how to see it again.

Reads    the error that ended a run
Writes   quarantine/<run_id>/failure.json and the config.yaml that its replay command names
Draws    nothing
Sources  nothing

No clock is in it: the same failure leaves the same bytes.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fauxpay.delivery.sinks import sink_of
from fauxpay.delivery.task import Context
from fauxpay.errors import FauxpayError, StorageError
from fauxpay.gates.segments import SEGMENT_OF, SEGMENTS
from fauxpay.receipts import layout
from fauxpay.receipts.records import document_bytes
from fauxpay.storage.places import Place

FAILURE_SCHEMA = "fauxpay.failure/1"
FAILURE_CONTRACT = "run.yaml#/$defs/failure"


def keep_failure(context: Context, error: FauxpayError) -> None:
    """Leaves failure.json in the run's quarantine; where even that cannot be written, nothing."""
    sink = sink_of(context.root)
    folder = layout.quarantine_name(context.request.run_id)
    with suppress(FauxpayError, OSError):
        config = json.dumps(_config(context), indent=2, ensure_ascii=False) + "\n"
        sink.keep(layout.FAILED_CONFIG, config.encode(), folder)
        document = failure_document(context, error)
        sink.keep(layout.FAILURE, document_bytes(FAILURE_CONTRACT, document), folder)


def forget_failure(context: Context) -> None:
    """A failure that left nothing else behind goes when the same run has passed after all."""
    folder = context.root / layout.quarantine_name(context.request.run_id)
    with suppress(OSError, StorageError):
        kept: list[Place] = list(folder.iterdir())
        if {path.name for path in kept} <= {layout.FAILURE, layout.FAILED_CONFIG}:
            for path in kept:
                path.unlink()
            if isinstance(folder, Path):
                folder.rmdir()


def failure_document(context: Context, error: FauxpayError) -> dict[str, Any]:
    """As contract run.yaml#/$defs/failure."""
    request = context.request
    segment, partition = _place(error)
    return {
        "schema": FAILURE_SCHEMA,
        "run_id": request.run_id,
        "world_id": request.world_id,
        "seed": request.seed,
        "window": request.window.document(),
        "class": type(error).__name__,
        "code": error.exit_code,
        "segment": segment,
        "partition": partition,
        "message": str(error),
        "remedy": error.remedy,
        "replay": replay_command(context),
    }


def replay_command(context: Context) -> str:
    """The command that asks for the same run again."""
    folder = context.root / layout.quarantine_name(context.request.run_id)
    return shlex.join(["fauxpay", "generate", "--config", str(folder / layout.FAILED_CONFIG)])


def _place(error: FauxpayError) -> tuple[str | None, str | None]:
    """(segment, partition) of an error, from the file that it is about or from where it arose."""
    found = layout.partition_of(error.about)
    if found is None:
        segment = error.segment if error.segment in SEGMENTS else None
        return segment, error.partition or None
    table, day, shard = found
    return SEGMENT_OF.get(table), f"{day} part {shard:04d}"


def _config(context: Context) -> Mapping[str, Any]:
    """The whole request, with its folder written out in full. JSON is YAML, too."""
    document = context.config.model_dump(mode="json", by_alias=True)
    document["run"]["out"] = str(context.root)
    return document

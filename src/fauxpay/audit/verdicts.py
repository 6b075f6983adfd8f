"""Verdicts: the gate of a run, judged again from its sidecars.

Reads    receipt, world.json, gate.json, sidecars
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fauxpay.audit.contents import Part
from fauxpay.audit.differences import Difference, unequal, unequal_members
from fauxpay.audit.documents import FORGED, window_of
from fauxpay.audit.segments import judged_segment_differences
from fauxpay.config.model import Config
from fauxpay.delivery.engine import Engine
from fauxpay.delivery.judging import judge
from fauxpay.delivery.task import Context
from fauxpay.errors import ConfigError
from fauxpay.foundations.canonical import document_digest
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.version import VERSION
from fauxpay.receipts import layout
from fauxpay.receipts.records import Contents, PartitionReceipt, Request, receipt_document
from fauxpay.receipts.segments import run_segments
from fauxpay.storage.places import Place

if TYPE_CHECKING:
    from fauxpay.receipts.listing import Listed

Gate = Mapping[str, Any]
# A package may have any version; the digests of other documents are held against those.
_NOT_JUDGED = {"packages", "receipt_digest", "gate_digest", "segments"}


@dataclass(frozen=True, slots=True)
class Documents:
    """What was read of a run beside its receipt; None and {} for what could not be.

    is_sound  whether world.json says what the receipt says, so that it can be judged by
    """

    world: Mapping[str, Any] | None
    gate: Gate | None
    segments: Mapping[str, Mapping[str, Any]]
    is_sound: bool


def recomputed_differences(
    run: Listed,
    receipt: Mapping[str, Any],
    documents: Documents,
    sidecars: Sequence[tuple[Part, PartitionReceipt]],
) -> list[Difference]:
    """What gate.json, the gate receipts of segments and the receipt say and the sidecars do not.

    documents  with a sound world
    sidecars   all of the run by day and shard, each with the part that it stands beside
    """
    assert documents.world is not None
    path = run.folder / layout.GATE
    made_by = receipt["packages"].get("fauxpay")
    if made_by != VERSION:
        remedy = f"verify with fauxpay {made_by} to judge it again"
        return [Difference("gate", str(path), VERSION, f"made by {made_by}", remedy, False)]
    try:
        config = config_of(receipt, {"out": str(run.root)})
    except ConfigError as error:
        text = str(error).replace("\n", " ")
        return [Difference("config", str(run.folder / layout.RECEIPT), "a config", text)]
    plans = [sidecar for part, sidecar in sidecars if part.is_plan]
    days = [sidecar for part, sidecar in sidecars if not part.is_plan]
    contents = Contents(documents.world, plans, days)
    request = request_of(receipt)
    judged = judge(Context(run.root, request, config, Parameters({}), Engine()), contents)
    segments = run_segments(request, contents, judged)
    found = judged_segment_differences(run.folder, documents.segments, segments)
    if documents.gate is not None:
        found += _checks(path, documents.gate, judged)
    again = receipt_document(request, receipt["created_utc"], contents, judged, segments)
    names = sorted(again.keys() - _NOT_JUDGED)
    return found + unequal_members("receipt", run.folder / layout.RECEIPT, again, receipt, names)


def config_of(receipt: Mapping[str, Any], run: Mapping[str, Any]) -> Config:
    """The config that a receipt describes; `run` says where and how. Raises ConfigError."""
    own = receipt["config"]
    return Config(**{**own, "run": {**own["run"], **run}})


def request_of(receipt: Mapping[str, Any]) -> Request:
    """Who a receipt says that it is."""
    return Request(
        receipt["run_id"],
        receipt["world_id"],
        receipt["parameter_hash"],
        receipt["seed"],
        window_of(receipt),
    )


def _checks(path: Place, told: Gate, judged: Gate) -> list[Difference]:
    """Checks by gate and name, as told and as judged again."""
    first, second = _by_name(judged), _by_name(told)
    found: list[Difference] = []
    for name in sorted({*first, *second}):
        members = ("verdict", "rows", "offenders", "evidence")
        what = f"{name}:"
        found += unequal_members(what, path, first.get(name, {}), second.get(name, {}), members)
    # Twice the same check, or checks in another order, are no difference of one of them.
    return found or unequal("gate", path, document_digest(judged), document_digest(told), FORGED)


def _by_name(gate: Gate) -> dict[str, Mapping[str, Any]]:
    return {
        f"check {entry['name']} / {check['name']}": check
        for entry in gate["gates"]
        for check in entry["checks"]
    }

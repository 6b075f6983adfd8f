"""Segments: gate receipts against the receipt, against themselves, and judged again.

Reads    world.json, segments/*.json of a run
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fauxpay.audit.differences import REBUILD, Difference, unequal
from fauxpay.audit.documents import FORGED, read_checked
from fauxpay.catalog.integrity import checks_of_catalog
from fauxpay.delivery.files import file_sha256
from fauxpay.gates.segments import ACTIVITY, CATALOG, FRAUD, LABELS, segment_digest
from fauxpay.gates.verdicts import Verdict
from fauxpay.receipts import layout
from fauxpay.receipts.segments import catalog_segment
from fauxpay.storage.places import Place

SEGMENT_CONTRACT = "run.yaml#/$defs/segment"
OWN = (ACTIVITY, FRAUD, LABELS)
Document = Mapping[str, Any]


def segment_differences(
    folder: Place, receipt: Document, world: Document | None
) -> tuple[dict[str, Document], list[Difference]]:
    """(gate receipts by segment, what is wrong with them) of a run's folder and its world."""
    documents = _of_catalog(world)
    found: list[Difference] = []
    for segment in OWN:
        read, more = read_checked(folder / layout.segment_file(segment), SEGMENT_CONTRACT)
        found += more
        if read is not None:
            documents[segment] = read
    entries = {entry["segment"]: entry for entry in receipt["segments"]}
    found += unequal("segments", folder, [CATALOG, *OWN], list(entries), FORGED)
    for segment, document in documents.items():
        path = folder / (layout.segment_file(segment) if segment in OWN else layout.RECEIPT)
        own = segment_digest(document)
        what = f"segment {segment}"
        found += unequal(f"{what} digest", path, document["segment_digest"], own, FORGED)
        sealed = entries.get(segment, {})
        found += unequal(f"{what} of the receipt", path, sealed.get("digest"), own, FORGED)
        for verdict in (document["verdict"], sealed.get("verdict")):
            found += unequal(f"{what} verdict", path, Verdict.PASS.name, verdict, FORGED)
    return documents, found


def _of_catalog(world: Document | None) -> dict[str, Document]:
    return {} if world is None else {CATALOG: world["segment"]}


def catalog_segment_differences(path: Place, world: Document, *, is_own: bool) -> list[Difference]:
    """The catalog's gate receipt against what world.json says elsewhere.

    is_own  whether the contracts are this package's, so that the checks are known, too
    """
    segment = world["segment"]
    names = [check["name"] for check in segment["checks"]]
    again = catalog_segment(world, names)
    found = unequal("segment catalog", path, again, segment, FORGED)
    return found + (
        unequal("checks of the catalog", path, list(checks_of_catalog()), names) if is_own else []
    )


def judged_segment_differences(
    folder: Place, documents: Mapping[str, Document], judged: Sequence[Document]
) -> list[Difference]:
    """Gate receipts as sealed against those that the sidecars add up to."""
    return [
        difference
        for document in judged
        if document["segment"] in documents
        for difference in unequal(
            f"segment {document['segment']} judged again",
            folder / layout.segment_file(document["segment"]),
            document["segment_digest"],
            documents[document["segment"]]["segment_digest"],
            FORGED,
        )
    ]


def derived_differences(
    root: Place, world: Document, again: Mapping[str, str] | None
) -> list[Difference]:
    """The sealed draw tables: their digests, and that the catalog gives the same ones.

    again  SHA-256 of what is computed from the catalog now, by name; None where that cannot be
    """
    told = [(entry["name"], entry["path"]) for entry in world["derived"]]
    names = [name for name, _ in told] if again is None else list(again)
    wanted = [(name, layout.derived_name(world["world_id"], name)) for name in names]
    found = unequal("draw tables of world.json", root, wanted, told, FORGED)
    for entry in world["derived"]:
        path = root / entry["path"]
        try:
            digest = file_sha256(path)
        except OSError as error:
            digest = error.strerror or str(error)
        found += unequal("file SHA-256", path, entry["sha256"], digest, REBUILD)
        if again is not None:
            own = again.get(entry["name"], "none")
            found += unequal("derived from the catalog", path, own, entry["sha256"], FORGED)
    return found

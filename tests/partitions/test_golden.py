"""Golden: logical digests of a small world. New ones need a CHANGELOG line and MODEL_VERSION."""

from __future__ import annotations

import pytest

from fauxpay.contracts.digests import LogicalDigest
from fauxpay.contracts.tables import table
from fauxpay.receipts.identity import MODEL_VERSION
from worlds import DAY, config, maker_of, tables

CONTRACTS = {
    "transactions": "activity.yaml#/$defs/transactions",
    "postings": "activity.yaml#/$defs/postings",
    "truth": "fraud.yaml#/$defs/truth",
    "labels": "labels.yaml#/$defs/labels",
}
GOLDEN_VERSION = 2
GOLDEN = {
    "v1": {
        "transactions": "1f6f5a9e7abe6187",
        "postings": "b7cc8a1e93bbbf58",
        "truth": "e44aa220082debfd",
        "labels": "b11c06d8dad40cfb",
    },
    "v2": {
        "transactions": "fe15d3b2f51dfc51",
        "postings": "c84a0a0dc75d5a9d",
        "truth": "2726162c64f3d35d",
        "labels": "13f114481826b5f3",
    },
}


def digests(realism: str) -> dict[str, str]:
    """First 16 digits of the digests of a day's tables."""
    busy = {"card_testing_per_card_year": 3.0, "lost_stolen_per_card_year": 3.0}
    maker = maker_of(config(activity={"realism": realism}, fraud=busy))
    made = tables(maker, DAY)
    found = {}
    for name, reference in CONTRACTS.items():
        digest = LogicalDigest(table(reference), maker.domains)
        digest.update(made[name])
        found[name] = digest.hexdigest()[:16]
    return found


@pytest.mark.parametrize("realism", ["v1", "v2"])
def test_golden_day(realism):
    """Golden: the same world and seed give the same day, in every release of this version."""
    assert MODEL_VERSION == GOLDEN_VERSION
    assert digests(realism) == GOLDEN[realism]

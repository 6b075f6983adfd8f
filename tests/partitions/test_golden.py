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
GOLDEN_VERSION = 1
GOLDEN = {
    "v1": {
        "transactions": "b02cf5f29ed3f236",
        "truth": "b981e30387755f24",
        "labels": "c76bc745bb188579",
    },
    "v2": {
        "transactions": "c028700a5ca42eff",
        "truth": "c8bc4a051237f89a",
        "labels": "f70588a6e21782a9",
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

"""Worlds in which some or all own no device: one's own catalog may say so."""

from __future__ import annotations

import pyarrow as pa
import pytest

from fauxpay.partitions.compose import PartitionMaker, world_of
from worlds import DAY, catalog_of, config, parameters, transactions


@pytest.mark.parametrize("kept", ["none", "those of some households"])
def test_a_day_can_be_made_where_devices_are_missing(kept):
    """Who has no device pays without one; nothing points behind the last device."""
    settings = config(fraud={"phishing_per_card_year": 4.0, "card_testing_per_card_year": 4.0})
    own = dict(catalog_of(settings))
    households = own["customers"]["household_id"].unique().to_pylist()
    some = set(households[: len(households) // 2]) if kept != "none" else set()
    held = [one in some for one in own["devices"]["household_id"].to_pylist()]
    own["devices"] = own["devices"].filter(pa.array(held))
    made = transactions(PartitionMaker(world_of(own), settings, parameters()), DAY)
    assert made.num_rows > 500
    ids = set(own["devices"]["device_id"].to_pylist())
    used = {one for one in made["device_id"].to_pylist() if one is not None}
    assert used <= ids
    assert bool(used) == bool(some)

"""Terminals, and what parameters cannot mean."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fauxpay.catalog.build import build_catalog
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.foundations.parameters import load_parameters


def test_terminals_follow_their_law(large, facts):
    """One and a geometric number more, by trade; online merchants have one."""
    count = Counter(large["terminals"]["merchant_id"].to_pylist())
    table = large["merchants"]
    mccs, presence = (np.array(table[name].to_pylist()) for name in ("mcc", "presence"))
    of_merchant = np.array([count[key] for key in table["merchant_id"].to_pylist()])
    assert set(of_merchant[presence == "online"]) == {1}
    physical = presence == "physical"
    for mcc, trade in (("5812", "restaurant"), ("6011", "cash"), ("7230", "beauty")):
        further = of_merchant[physical & (mccs == mcc)] - 1
        wanted = facts["terminals"]["further_mean"][trade]
        error = np.sqrt(wanted * (1 + wanted) / further.size)
        assert further.size > 300
        assert further.mean() == pytest.approx(wanted, abs=4 * error)
    assert of_merchant.max() <= facts["terminals"]["count_max"] + 1


def test_terminals_take_taps_by_country(large, facts):
    """The share of counters that take taps is the country's; virtual ones never do."""
    country = dict(
        zip(
            large["merchants"]["merchant_id"].to_pylist(),
            large["merchants"]["merchant_country"].to_pylist(),
            strict=True,
        )
    )
    seen: dict[tuple[str, str], list[bool]] = {}
    for row in large["terminals"].to_pylist():
        seen.setdefault((country[row["merchant_id"]], row["kind"]), []).append(
            row["is_contactless"]
        )
    for name in ("US", "GB", "AE"):
        share = facts["countries"]["contactless_terminal_share"][name]
        assert np.mean(seen[name, "pos"]) == pytest.approx(share, abs=0.02)
        assert not any(seen[name, "virtual"])


def config_of(**catalog):
    base = {"cards": 5, "merchants": 100, "places": 4, "countries": {"US": 1.0}}
    return Config(catalog={**base, **catalog})


BAD_PARAMETERS = {
    "an unknown trade in the floor": (
        {"catalog.merchants.floor": ["grocery", "grocery", "fuel", "restaurant", "disco"]},
        "parameters.catalog.merchants.floor: 'disco' is no trade here; expected some of grocery",
    ),
    "an unknown trade in the online floor": (
        {
            "catalog.merchants.online.floor": [
                *("marketplace", "digital", "streaming", "telecom", "subscription"),
                "grocery",
            ]
        },
        "parameters.catalog.merchants.online.floor: 'grocery' is no trade here",
    ),
    "a range of BINs that is too small": (
        {"catalog.cards.bin_range": [990000, 990001]},
        "parameters.catalog.cards.bin_range: 990000 to 990001 is too small for 1 countries",
    ),
}


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_impossible_parameters_are_refused(case):
    """What parameters.yaml cannot mean is a ConfigError that names the parameter."""
    overrides, message = BAD_PARAMETERS[case]
    with pytest.raises(ConfigError, match=message):
        build_catalog(config_of(), load_parameters(overrides))

"""Devices: what people shop with. Households share theirs; a pool belongs to no household.

Reads    households
Writes   devices
Draws    devices/{count,pool,kind,user_agent}
Sources  parameters.yaml [devices]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fauxpay.catalog.columns import Coded, choices, nullable, shaped
from fauxpay.catalog.households import Households, household_ids, household_laws
from fauxpay.catalog.laws import (
    addresses,
    lists_by,
    pick_row,
    repeated,
    weights_by,
    weights_of,
    words,
)
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.draws import I64, U64, stream_key, uniform


def make_devices(seed: int, households: Households, facts: Mapping[str, Any]) -> Devices:
    """One to four devices of each household; after some households one of the pool.

    The pool is strewn among the rest, so that a longer list of households only appends.
    facts  the section catalog of parameters.yaml
    """
    household_index = addresses(households.adults.size)
    count_law = lists_by("devices.count", facts["devices"]["count"], ("1", "2", "3"))
    count_word = words(seed, "devices/count", household_index)
    count = 1 + pick_row(count_word, households.adults - 1, count_law)
    has_pool = uniform(words(seed, "devices/pool", household_index)) < _pool_rate(facts, count_law)
    household, nth = repeated(count + has_pool)
    is_pool = nth == count[household]
    kind_row = np.where(is_pool, 2, np.minimum(nth, 1))
    index = addresses(household.size)
    kinds, agents = choices("devices", "kind"), choices("devices", "user_agent_family")
    section = facts["devices"]
    kind_law = np.stack(
        [
            weights_of(f"devices.{name}", section[name], kinds)
            for name in ("kind_of_first", "kind_of_further", "kind_of_pool")
        ]
    )
    kind = pick_row(words(seed, "devices/kind", index), kind_row, kind_law)
    agent_law = weights_by("devices.user_agent", section["user_agent"], kinds, agents)
    agent = pick_row(words(seed, "devices/user_agent", index), kind, agent_law)
    return Devices(household=household, is_pool=is_pool, kind=kind, user_agent=agent)


def home_addresses(seed: int, household: U64, facts: Mapping[str, Any]) -> U64:
    """IPv4 address of each household's line, in a reserved network.

    A keyed bijection of the low bits of the index: no two of the first 2**28 households share one.
    """
    width = int(facts["ip_bits"])
    mask = np.uint64((1 << width) - 1)
    key = stream_key(seed, "catalog/devices/ip")
    word = household
    for multiplier, offset in ((key.multiplier, key.offset), (key.offset | np.uint64(1),) * 2):
        word = (word * multiplier + offset) & mask
        word = word ^ (word >> np.uint64((width + 1) // 2))
    return word + np.uint64(facts["ip_network"])


def devices_table(seed: int, devices: Devices, facts: Mapping[str, Any]) -> pa.Table:
    """The contract's table of devices."""
    home = home_addresses(seed, devices.household.astype(np.uint64), facts["devices"])
    return shaped(
        "devices",
        {
            "device_id": IdLaw.of(seed, "devices").ids(addresses(devices.household.size)),
            "household_id": nullable(household_ids(seed, devices.household), devices.is_pool),
            "kind": Coded(devices.kind, choices("devices", "kind")),
            "user_agent_family": Coded(devices.user_agent, choices("devices", "user_agent_family")),
            "ip_address": nullable(home.astype(np.uint32), devices.is_pool),
        },
    )


def _pool_rate(facts: Mapping[str, Any], count_law: Any) -> float:
    """Pool devices per household that make up the pool's share of all devices."""
    laws = household_laws(facts)
    by_adults = laws.age @ laws.adults
    own_mean = float(by_adults @ count_law @ np.arange(1, count_law.shape[1] + 1))
    share = float(facts["devices"]["pool_share"])
    return share / (1.0 - share) * own_mean if share < 1.0 else 1.0


@dataclass(frozen=True, slots=True)
class Devices:
    """Arrays by device; household is the one before it in the list where is_pool."""

    household: I64
    is_pool: Any
    kind: I64
    user_agent: I64

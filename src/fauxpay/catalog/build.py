"""Build: the catalog of a config, all seven tables.

Reads    config, parameters, reference data
Writes   places, merchants, terminals, customers, accounts, cards, devices
Draws    what the modules of the tables name
Sources  parameters.yaml
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fauxpay.catalog.accounts import accounts_table
from fauxpay.catalog.cards import cards_table, make_cards
from fauxpay.catalog.customers import Customers, card_counts, customers_table, make_customers
from fauxpay.catalog.devices import devices_table, make_devices
from fauxpay.catalog.households import Households, household_laws, make_households
from fauxpay.catalog.merchants import make_merchants, merchants_table
from fauxpay.catalog.places import Places, choose_places, places_table
from fauxpay.catalog.terminals import make_terminals, terminals_table

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.foundations.parameters import Parameters

# A first guess above the mean by this factor and some households is nearly always enough.
_GUESS_MARGIN = 1.02
_GUESS_HOUSEHOLDS_MORE = 64


def build_catalog(config: Config, parameters: Parameters) -> dict[str, pa.Table]:
    """The catalog tables by name, as the contract wants them; row order is index order.

    A pure function of config.catalog (without mode and path), activity.epoch, activity.rate_log_sd
    and the parameters below `catalog`. With more cards, every table but the longer ones stays, and
    those begin with the same rows.

    Raises ConfigError when the places, merchants or parameters cannot be met.
    """
    facts = parameters.section("catalog")
    seed = config.catalog.seed
    places = choose_places(config, facts["places"])
    merchants = make_merchants(config, places, facts["merchants"])
    terminals = make_terminals(seed, places, merchants, facts)
    tables = {
        "places": places_table(places),
        "merchants": merchants_table(seed, places, merchants),
        "terminals": terminals_table(seed, merchants, terminals),
    }
    households, customers = _populate(config, places, facts)
    tables["customers"] = customers_table(seed, places, customers)
    cards, accounts = make_cards(config, places, customers, facts)
    tables["accounts"] = accounts_table(seed, places, customers, accounts)
    tables["cards"] = cards_table(seed, cards, accounts, facts)
    tables["devices"] = devices_table(seed, make_devices(seed, households, facts), facts)
    return tables


def _populate(
    config: Config, places: Places, facts: Mapping[str, Any]
) -> tuple[Households, Customers]:
    """Households until their customers hold the cards asked for; the last are trimmed."""
    seed, wanted = config.catalog.seed, config.catalog.cards
    cards_by_country = card_counts(facts, places.countries)
    cards_mean = float(
        places.share @ cards_by_country @ np.arange(1, cards_by_country.shape[1] + 1)
    )
    per_household = household_laws(facts).adults_mean() * cards_mean
    count = math.ceil(wanted / per_household * _GUESS_MARGIN) + _GUESS_HOUSEHOLDS_MORE
    while True:
        households = make_households(seed, places, facts, count)
        customers = make_customers(seed, places, households, facts)
        if int(customers.card_count.sum()) >= wanted:
            break
        count += count // 4
    customers = customers.trimmed(wanted)
    return households.first(int(customers.household[-1]) + 1), customers

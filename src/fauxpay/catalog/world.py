"""The world in memory: the sealed catalog as arrays that the per-row path can index.

Reads    places, merchants, terminals, customers, accounts, cards, devices (contract catalog.yaml)
Writes   nothing
Draws    nothing
Sources  the sealed catalog
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fauxpay.foundations.draws import F64, I64

F32 = NDArray[np.float32]
I8 = NDArray[np.int8]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
Bool = NDArray[np.bool_]
Tables = Mapping[str, pa.Table]

PRESENCES = ("physical", "online", "both")
OPENINGS = ("always", "early", "day", "office", "evening", "night")
PROFILES = ("commuter", "office", "student", "family", "retired", "night_owl")
NEVER = 2**31 - 1  # a day that does not come
TERMINAL_KINDS = ("pos", "atm", "unattended", "virtual")


@dataclass(frozen=True, slots=True)
class Places:
    """One entry per place; `region` numbers the distinct (zone, country) pairs."""

    city: I32
    country: I64
    region: I64
    population: I64
    latitude: F64
    longitude: F64


@dataclass(frozen=True, slots=True)
class Merchants:
    """One entry per merchant; terminals of merchant m are first_terminal[m] + 0..count-1.

    In business on the UTC days opened_day .. closed_day - 1.
    """

    id: I64
    mcc: I16
    place: I64
    country: I64
    currency: I64
    city: I32
    latitude: F32
    longitude: F32
    presence: I64
    opening: I64
    price_level: F64
    popularity: F64
    opened_day: I64
    closed_day: I64
    first_terminal: I64
    terminal_count: I64


@dataclass(frozen=True, slots=True)
class Terminals:
    """One entry per terminal, in the order of their merchants, a merchant's virtual ones last."""

    id: I64
    kind: I64
    is_contactless: Bool


@dataclass(frozen=True, slots=True)
class Cards:
    """One entry per card, with what it inherits from account, customer and household.

    In use on the UTC days opened_day .. closed_day - 1.
    """

    id: I64
    account_id: I64
    customer_id: I64
    customer: I64
    household: I64
    place: I64
    country: I64
    currency: I64
    scheme: I8
    product: I8
    bin: I64
    is_contactless: Bool
    level: F64
    online_share: F64
    income_level: F64
    profile: I64
    opened_day: I64
    closed_day: I64


@dataclass(frozen=True, slots=True)
class Devices:
    """One entry per device; household h owns first[h] + 0..count[h]-1; then the pool of strays.

    near  i64[households]  position in the pool of the last stray listed before the household's
                           own devices end: households added later leave it as it is
    """

    id: I64
    user_agent: I8
    ip_address: NDArray[np.uint32]
    first: I64
    count: I64
    near: I64
    pool_first: int
    pool_count: int


@dataclass(frozen=True, slots=True)
class World:
    """Who and where, by index. Names of codes stand in the tuples."""

    zones: tuple[str, ...]
    regions: tuple[tuple[str, str], ...]
    countries: tuple[str, ...]
    currencies: tuple[str, ...]
    cities: tuple[str, ...]
    mccs: tuple[str, ...]
    schemes: tuple[str, ...]
    products: tuple[str, ...]
    user_agents: tuple[str, ...]
    bins: tuple[str, ...]
    places: Places
    merchants: Merchants
    terminals: Terminals
    cards: Cards
    devices: Devices

    @staticmethod
    def from_tables(tables: Tables, enums: Mapping[str, tuple[str, ...]]) -> World:
        """The world of a checked catalog.

        enums  the contract's values of card_scheme, card_product, user_agent_family
        """
        return _world(tables, enums)


def _column(table: pa.Table, name: str) -> Any:
    return table.column(name).combine_chunks()


def _array(table: pa.Table, name: str) -> Any:
    return _column(table, name).to_numpy(zero_copy_only=False)


def _days(table: pa.Table, name: str) -> I64:
    """Days since 1970; NEVER where there is none."""
    days = _column(table, name).cast(pa.int32()).fill_null(NEVER)
    return np.asarray(days.to_numpy(zero_copy_only=False), dtype=np.int64)


def _codes(values: Any, domain: tuple[str, ...]) -> I64:
    known = pa.array(domain, pa.string())
    if pa.types.is_dictionary(values.type):
        codes = pc.index_in(values.dictionary, known).take(values.indices)
    else:
        codes = pc.index_in(values, known)
    assert codes.null_count == 0, "a checked catalog has known values only"
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)


def _positions(wanted: Any, known: Any) -> I64:
    codes = pc.index_in(wanted, known)
    assert codes.null_count == 0, "a checked catalog has no dangling key"
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)


def _domain(*columns: Any) -> tuple[str, ...]:
    return tuple(sorted({value for column in columns for value in pc.unique(column).to_pylist()}))


def _world(tables: Tables, enums: Mapping[str, tuple[str, ...]]) -> World:
    place_table, merchant_table = tables["places"], tables["merchants"]
    countries = _domain(_column(place_table, "country"))
    currencies = _domain(
        _column(merchant_table, "currency"), _column(tables["accounts"], "currency")
    )
    zones = _domain(_column(place_table, "zone"))
    cities = _domain(_column(place_table, "city"), _column(merchant_table, "merchant_city"))
    mccs = _domain(_column(merchant_table, "mcc"))
    pairs = list(
        zip(
            _column(place_table, "zone").to_pylist(),
            _column(place_table, "country").to_pylist(),
            strict=True,
        )
    )
    regions = tuple(sorted(set(pairs)))
    region_code = {pair: code for code, pair in enumerate(regions)}
    places = Places(
        city=_codes(_column(place_table, "city"), cities).astype(np.int32),
        country=_codes(_column(place_table, "country"), countries),
        region=np.array([region_code[pair] for pair in pairs], dtype=np.int64),
        population=_array(place_table, "population").astype(np.int64),
        latitude=_array(place_table, "latitude").astype(np.float64),
        longitude=_array(place_table, "longitude").astype(np.float64),
    )
    merchants, terminals = _merchants(tables, countries, currencies, cities, mccs)
    cards = _cards(tables, countries, currencies, enums)
    return World(
        zones=zones,
        regions=regions,
        countries=countries,
        currencies=currencies,
        cities=cities,
        mccs=mccs,
        schemes=enums["card_scheme"],
        products=enums["card_product"],
        user_agents=enums["user_agent_family"],
        bins=_domain(_column(tables["cards"], "bin")),
        places=places,
        merchants=merchants,
        terminals=terminals,
        cards=cards,
        devices=_devices(tables, enums),
    )


def _merchants(
    tables: Tables,
    countries: tuple[str, ...],
    currencies: tuple[str, ...],
    cities: tuple[str, ...],
    mccs: tuple[str, ...],
) -> tuple[Merchants, Terminals]:
    table, terminal_table = tables["merchants"], tables["terminals"]
    owner = _positions(_column(terminal_table, "merchant_id"), _column(table, "merchant_id"))
    kind = _codes(_column(terminal_table, "kind"), TERMINAL_KINDS)
    order = np.lexsort((kind == TERMINAL_KINDS.index("virtual"), owner))
    count = np.bincount(owner, minlength=table.num_rows).astype(np.int64)
    merchants = Merchants(
        id=_array(table, "merchant_id"),
        mcc=_codes(_column(table, "mcc"), mccs).astype(np.int16),
        place=_positions(_column(table, "place_id"), _column(tables["places"], "place_id")),
        country=_codes(_column(table, "merchant_country"), countries),
        currency=_codes(_column(table, "currency"), currencies),
        city=_codes(_column(table, "merchant_city"), cities).astype(np.int32),
        latitude=_array(table, "latitude").astype(np.float32),
        longitude=_array(table, "longitude").astype(np.float32),
        presence=_codes(_column(table, "presence"), PRESENCES),
        opening=_codes(_column(table, "opening"), OPENINGS),
        price_level=_array(table, "price_level"),
        popularity=_array(table, "popularity"),
        opened_day=_days(table, "opened_on"),
        closed_day=_days(table, "closed_on"),
        first_terminal=(np.cumsum(count) - count).astype(np.int64),
        terminal_count=count,
    )
    terminals = Terminals(
        id=_array(terminal_table, "terminal_id")[order],
        kind=kind[order],
        is_contactless=_array(terminal_table, "is_contactless")[order],
    )
    return merchants, terminals


def _cards(
    tables: Tables,
    countries: tuple[str, ...],
    currencies: tuple[str, ...],
    enums: Mapping[str, tuple[str, ...]],
) -> Cards:
    table, customers, accounts = tables["cards"], tables["customers"], tables["accounts"]
    customer = _positions(_column(table, "customer_id"), _column(customers, "customer_id"))
    account = _positions(_column(table, "account_id"), _column(accounts, "account_id"))
    household = _household_codes(tables)[customer]
    home = _positions(_column(customers, "place_id"), _column(tables["places"], "place_id"))
    return Cards(
        id=_array(table, "card_id"),
        account_id=_array(table, "account_id"),
        customer_id=_array(table, "customer_id"),
        customer=customer,
        household=household,
        place=home[customer],
        country=_codes(_column(customers, "country"), countries)[customer],
        currency=_codes(_column(accounts, "currency"), currencies)[account],
        scheme=_codes(_column(table, "card_scheme"), enums["card_scheme"]).astype(np.int8),
        product=_codes(_column(table, "card_product"), enums["card_product"]).astype(np.int8),
        bin=_codes(_column(table, "bin"), _domain(_column(table, "bin"))),
        is_contactless=_array(table, "is_contactless"),
        level=_array(table, "purchases_per_day"),
        online_share=_array(table, "online_share"),
        income_level=_array(customers, "income_level")[customer],
        profile=_codes(_column(customers, "profile"), PROFILES)[customer],
        opened_day=_days(table, "opened_day"),
        closed_day=_days(table, "closed_on"),
    )


def _household_codes(tables: Tables) -> I64:
    """Households numbered in order of first appearance among the customers."""
    encoded = _column(tables["customers"], "household_id").dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64))


def _devices(tables: Tables, enums: Mapping[str, tuple[str, ...]]) -> Devices:
    """Devices in the order of their households; those of no household last, as the pool."""
    table = tables["devices"]
    households = _column(tables["customers"], "household_id").dictionary_encode().dictionary
    owner_codes = pc.index_in(_column(table, "household_id"), households)
    household_count = len(households)
    owner = owner_codes.fill_null(household_count).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.argsort(owner, kind="stable")
    count = np.bincount(owner, minlength=household_count + 1).astype(np.int64)
    first = np.cumsum(count) - count
    agent = _codes(_column(table, "user_agent_family"), enums["user_agent_family"])
    address = _column(table, "ip_address").fill_null(0).to_numpy(zero_copy_only=False)
    # One address more, of nobody: a household without a device points behind its last one.
    addresses = np.append(address.astype(np.uint32)[order], np.uint32(0))
    return Devices(
        id=_array(table, "device_id")[order],
        user_agent=agent.astype(np.int8)[order],
        ip_address=addresses,
        first=first[:-1],
        count=count[:-1],
        near=_near(owner, household_count),
        pool_first=int(first[-1]),
        pool_count=int(count[-1]),
    )


def _near(owner: I64, household_count: int) -> I64:
    last_row = np.zeros(household_count, dtype=np.int64)
    np.maximum.at(last_row, owner[owner < household_count], np.flatnonzero(owner < household_count))
    strays = np.flatnonzero(owner == household_count)
    return np.maximum(np.searchsorted(strays, last_row, side="right") - 1, 0)

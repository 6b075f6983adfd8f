"""Rules: what has to agree between the tables of a catalog, beyond each table's contract.

Reads    all catalog tables, reference countries, currencies, merchant_categories, zone_transitions
Writes   nothing
Draws    nothing
Sources  the blueprint: coordinates, country, zone and currency agree; one card, one customer

A rule is a named function that marks the rows that break it. It may assume that the contracts hold:
no nulls where none are allowed, no dangling keys, unique ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from fauxpay.catalog.links import Linked, Marks, absent, flags
from fauxpay.foundations.draws import F64
from fauxpay.foundations.reference import reference

EARTH_RADIUS_KM = 6371.0088
# Coordinates are rounded, and a town's edge is not a circle.
RADIUS_TOLERANCE = 1.10
CASH_MCC = "6011"


def country_is_known(catalog: Linked) -> Marks:
    """The place's country is one that the reference knows."""
    return absent(catalog.column("places", "country"), reference("countries")["country"])


def zone_is_known(catalog: Linked) -> Marks:
    """The place's civil time is known."""
    return absent(catalog.column("places", "zone"), reference("zone_transitions")["zone"])


def currency_is_rated(catalog: Linked) -> Marks:
    """Amounts in the country's currency can be converted."""
    table = reference("currencies")
    rated = table["currency"].filter(table["is_rated"])
    return absent(_currency(catalog.column("places", "country")), rated)


def country_is_of_place(catalog: Linked) -> Marks:
    """A merchant is in the country of its city."""
    return _differ(
        catalog.column("merchants", "merchant_country"),
        catalog.column("places", "country").take(catalog.place_of_merchant),
    )


def city_is_of_place(catalog: Linked) -> Marks:
    """A merchant's city is the one that its place_id names."""
    return _differ(
        catalog.column("merchants", "merchant_city"),
        catalog.column("places", "city").take(catalog.place_of_merchant),
    )


def currency_is_of_country(catalog: Linked) -> Marks:
    """A merchant prices in the currency of its country."""
    expected = _currency(catalog.column("merchants", "merchant_country"))
    return _differ(catalog.column("merchants", "currency"), expected)


def coordinates_are_in_place(catalog: Linked) -> Marks:
    """A merchant stands within its city, with some tolerance."""
    place = catalog.place_of_merchant
    distance = distances_km(
        catalog.numbers("merchants", "latitude"),
        catalog.numbers("merchants", "longitude"),
        catalog.numbers("places", "latitude")[place],
        catalog.numbers("places", "longitude")[place],
    )
    return distance > catalog.numbers("places", "radius_km")[place] * RADIUS_TOLERANCE


def mcc_is_known(catalog: Linked) -> Marks:
    """A merchant's category exists."""
    return absent(catalog.column("merchants", "mcc"), reference("merchant_categories")["mcc"])


def merchant_has_terminal(catalog: Linked) -> Marks:
    """Every merchant can take a card."""
    every_terminal = np.ones(catalog.rows("terminals"), np.bool_)
    return catalog.merchants_without(every_terminal)


def seller_online_has_virtual_terminal(catalog: Linked) -> Marks:
    """Who sells online has somewhere to do it."""
    virtual = catalog.equals("terminals", "kind", "virtual")
    sells_online = ~catalog.equals("merchants", "presence", "physical")
    return sells_online & catalog.merchants_without(virtual)


def shop_has_terminal_of_its_own(catalog: Linked) -> Marks:
    """Who has a shop can take a card there."""
    virtual = catalog.equals("terminals", "kind", "virtual")
    is_shop = ~catalog.equals("merchants", "presence", "online")
    return is_shop & catalog.merchants_without(~virtual)


def terminal_fits_presence(catalog: Linked) -> Marks:
    """No counter without a shop, no web shop of a merchant that has none."""
    owner = catalog.merchant_of_terminal
    physical = catalog.equals("merchants", "presence", "physical")[owner]
    online = catalog.equals("merchants", "presence", "online")[owner]
    virtual = catalog.equals("terminals", "kind", "virtual")
    return (physical & virtual) | (online & ~virtual)


def cash_machine_is_at_its_merchant(catalog: Linked) -> Marks:
    """Cash machines and merchants that give cash go together."""
    gives_cash = catalog.equals("merchants", "mcc", CASH_MCC)[catalog.merchant_of_terminal]
    virtual = catalog.equals("terminals", "kind", "virtual")
    return ~virtual & (gives_cash ^ catalog.equals("terminals", "kind", "atm"))


def place_has_open_shop(catalog: Linked) -> Marks:
    """In every city one can buy something by day."""
    is_open = catalog.equals("merchants", "opening", "always")
    is_open |= catalog.equals("merchants", "opening", "day")
    shops = is_open & ~catalog.equals("merchants", "presence", "online")
    shops &= ~catalog.equals("merchants", "mcc", CASH_MCC)
    place = catalog.place_of_merchant
    return np.asarray(np.bincount(place[shops], minlength=catalog.rows("places")) == 0)


def country_has_cash_machine(catalog: Linked) -> Marks:
    """In every country one can draw cash."""
    machines = catalog.equals("terminals", "kind", "atm")
    return catalog.places_of_countries_without(~catalog.merchants_without(machines))


def country_has_online_merchant(catalog: Linked) -> Marks:
    """Every country has an online merchant of its own."""
    return catalog.places_of_countries_without(catalog.equals("merchants", "presence", "online"))


def home_is_in_country(catalog: Linked) -> Marks:
    """A customer's country is that of the home city."""
    return _differ(
        catalog.column("customers", "country"),
        catalog.column("places", "country").take(catalog.place_of_customer),
    )


def household_is_in_one_place(catalog: Linked) -> Marks:
    """People of one household live in one city."""
    household = catalog.column("customers", "household_id").dictionary_encode().indices.to_numpy()
    place = catalog.place_of_customer
    first = np.zeros(int(household.max(initial=-1)) + 1, dtype=np.int64)
    first[household[::-1]] = place[::-1]
    return np.asarray(place != first[household])


def account_is_in_currency_of_home(catalog: Linked) -> Marks:
    """An account is kept in the currency of its customer's country."""
    country = catalog.column("customers", "country").take(catalog.customer_of_account)
    return _differ(catalog.column("accounts", "currency"), _currency(country))


def card_and_account_have_one_customer(catalog: Linked) -> Marks:
    """A card's customer is its account's."""
    owner = catalog.column("accounts", "customer_id").take(catalog.account_of_card)
    return _differ(catalog.column("cards", "customer_id"), owner)


def card_expires_after_opening(catalog: Linked) -> Marks:
    """A card is valid for a day at least."""
    expires, opened = (catalog.days("cards", name) for name in ("expires_on", "opened_day"))
    return np.asarray(expires <= opened)


def card_is_no_older_than_account(catalog: Linked) -> Marks:
    """A card is not opened before its account."""
    account = catalog.account_of_card
    return np.asarray(
        catalog.days("cards", "opened_day") < catalog.days("accounts", "opened_day")[account]
    )


def card_closes_after_opening(catalog: Linked) -> Marks:
    """A card is in use for a day at least."""
    return catalog.days("cards", "closed_on") <= catalog.days("cards", "opened_day")


def merchant_closes_after_opening(catalog: Linked) -> Marks:
    """A merchant is in business for a day at least."""
    return catalog.days("merchants", "closed_on") <= catalog.days("merchants", "opened_on")


def device_is_of_known_household(catalog: Linked) -> Marks:
    """A device's household has customers."""
    household = catalog.column("devices", "household_id")
    is_absent = absent(household, catalog.column("customers", "household_id"))
    return is_absent & ~flags(household.is_null())


def device_at_home_has_address(catalog: Linked) -> Marks:
    """A household's device has its home address."""
    at_home = flags(catalog.column("devices", "household_id").is_valid())
    lacks = flags(catalog.column("devices", "ip_address").is_null())
    return np.asarray(at_home & lacks)


def distances_km(latitude: F64, longitude: F64, to_latitude: F64, to_longitude: F64) -> F64:
    """Great-circle distances of points in degrees, by the haversine formula."""
    phi, psi = np.radians(latitude), np.radians(to_latitude)
    half = np.sin((psi - phi) / 2) ** 2
    half += np.cos(phi) * np.cos(psi) * np.sin(np.radians(to_longitude - longitude) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def _differ(left: Any, right: Any) -> Marks:
    """Where the two differ; a value that is not known differs from all."""
    different = pc.fill_null(pc.not_equal(left, right), True)
    return flags(different)


def _currency(country: Any) -> Any:
    table = reference("countries")
    known = table["country"].combine_chunks()
    return table["currency"].combine_chunks().take(pc.index_in(country, known))


@dataclass(frozen=True, slots=True)
class Rule:
    """marks(catalog) is bool by row of `table`; `column` is what a message shows of the row."""

    marks: Callable[[Linked], Marks]
    table: str
    column: str
    expected: str

    @property
    def name(self) -> str:
        """The name of the rule's function."""
        return self.marks.__name__


RULES = (
    Rule(country_is_known, "places", "country", "a country of the reference table countries"),
    Rule(currency_is_rated, "places", "country", "a country whose currency has exchange rates"),
    Rule(zone_is_known, "places", "zone", "a time zone of the reference table zone_transitions"),
    Rule(place_has_open_shop, "places", "place_id", "a shop there that is open always or by day"),
    Rule(country_has_cash_machine, "places", "country", "a cash machine somewhere in the country"),
    Rule(country_has_online_merchant, "places", "country", "an online merchant in the country"),
    Rule(country_is_of_place, "merchants", "merchant_country", "the country of its place"),
    Rule(city_is_of_place, "merchants", "merchant_city", "the city of its place"),
    Rule(currency_is_of_country, "merchants", "currency", "the currency of its country"),
    Rule(coordinates_are_in_place, "merchants", "latitude", "a point within its place's radius_km"),
    Rule(mcc_is_known, "merchants", "mcc", "a code of the reference table merchant_categories"),
    Rule(merchant_has_terminal, "merchants", "merchant_id", "a terminal at least"),
    Rule(
        seller_online_has_virtual_terminal, "merchants", "presence", "a virtual terminal at least"
    ),
    Rule(shop_has_terminal_of_its_own, "merchants", "presence", "a terminal that is not virtual"),
    Rule(
        terminal_fits_presence,
        "terminals",
        "kind",
        "virtual at online merchants, not virtual at physical ones",
    ),
    Rule(
        cash_machine_is_at_its_merchant,
        "terminals",
        "kind",
        f"atm at merchants of MCC {CASH_MCC} and at no others",
    ),
    Rule(home_is_in_country, "customers", "country", "the country of the customer's place"),
    Rule(household_is_in_one_place, "customers", "place_id", "the place of the whole household"),
    Rule(
        account_is_in_currency_of_home,
        "accounts",
        "currency",
        "the currency of the customer's country",
    ),
    Rule(card_and_account_have_one_customer, "cards", "customer_id", "the account's customer"),
    Rule(card_expires_after_opening, "cards", "expires_on", "a day after opened_day"),
    Rule(card_is_no_older_than_account, "cards", "opened_day", "the account's opened_day or later"),
    Rule(card_closes_after_opening, "cards", "closed_on", "a day after opened_day, or none"),
    Rule(merchant_closes_after_opening, "merchants", "closed_on", "a day after opened_on, or none"),
    Rule(device_is_of_known_household, "devices", "household_id", "a household of some customer"),
    Rule(
        device_at_home_has_address, "devices", "ip_address", "an address where household_id is set"
    ),
)

"""Every check of a catalog has been seen to fail, and says what it saw."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from fauxpay.catalog.columns import TABLES, contract
from fauxpay.catalog.integrity import check_catalog, checks_of_catalog
from fauxpay.catalog.rules import RULES, distances_km

DAY = datetime.date


def first_row(tables, table, column, value):
    """The first row of a table whose column has the value."""
    return tables[table][column].to_pylist().index(value)


def rows_where(tables, table, holds):
    return [row for row, entry in enumerate(tables[table].to_pylist()) if holds(entry)]


def without(tables, table, rows):
    keep = np.ones(tables[table].num_rows, dtype=bool)
    keep[rows] = False
    return {**tables, table: tables[table].filter(pa.array(keep))}


def unknown_country(tables, damaged):
    return damaged(tables, "places", "country", {3: "QQ"})


def unrated_country(tables, damaged):
    return damaged(tables, "places", "country", {3: "AF"})


def unknown_zone(tables, damaged):
    return damaged(tables, "places", "zone", {3: "Europe/Atlantis"})


def closed_place(tables, damaged):
    place = tables["places"]["place_id"][2].as_py()
    rows = rows_where(tables, "merchants", lambda m: m["place_id"] == place)
    return damaged(tables, "merchants", "opening", dict.fromkeys(rows, "evening"))


def country_without_cash(tables, damaged):
    owners = {
        merchant["merchant_id"]
        for merchant in tables["merchants"].to_pylist()
        if merchant["merchant_country"] == "AE" and merchant["mcc"] == "6011"
    }
    rows = rows_where(tables, "terminals", lambda t: t["merchant_id"] in owners)
    return damaged(tables, "terminals", "kind", dict.fromkeys(rows, "pos"))


def country_without_online(tables, damaged):
    rows = rows_where(
        tables,
        "merchants",
        lambda m: m["merchant_country"] == "AE" and m["presence"] == "online",
    )
    return damaged(tables, "merchants", "presence", dict.fromkeys(rows, "both"))


def other_country(tables, damaged):
    row = first_row(tables, "merchants", "merchant_country", "US")
    return damaged(tables, "merchants", "merchant_country", {row: "GB"})


def other_city(tables, damaged):
    return damaged(tables, "merchants", "merchant_city", {5: "Elsewhere"})


def other_currency(tables, damaged):
    return damaged(tables, "merchants", "currency", {5: "JPY"})


def far_away(tables, damaged):
    latitude = tables["merchants"]["latitude"][9].as_py()
    return damaged(tables, "merchants", "latitude", {9: latitude + 1.0})


def unknown_mcc(tables, damaged):
    return damaged(tables, "merchants", "mcc", {5: "0001"})


def no_terminal(tables, damaged):
    owner = tables["merchants"]["merchant_id"][4].as_py()
    return without(
        tables, "terminals", rows_where(tables, "terminals", lambda t: t["merchant_id"] == owner)
    )


def both_without_virtual(tables, damaged):
    merchant = tables["merchants"]["merchant_id"][
        first_row(tables, "merchants", "presence", "both")
    ].as_py()
    rows = rows_where(
        tables, "terminals", lambda t: t["merchant_id"] == merchant and t["kind"] == "virtual"
    )
    return damaged(tables, "terminals", "kind", dict.fromkeys(rows, "pos"))


def both_without_counter(tables, damaged):
    merchant = tables["merchants"]["merchant_id"][
        first_row(tables, "merchants", "presence", "both")
    ].as_py()
    rows = rows_where(tables, "terminals", lambda t: t["merchant_id"] == merchant)
    return damaged(tables, "terminals", "kind", dict.fromkeys(rows, "virtual"))


def counter_of_online_merchant(tables, damaged):
    row = first_row(tables, "terminals", "kind", "virtual")
    merchants = {m["merchant_id"]: m for m in tables["merchants"].to_pylist()}
    while merchants[tables["terminals"]["merchant_id"][row].as_py()]["presence"] != "online":
        row += 1
    return damaged(tables, "terminals", "kind", {row: "pos"})


def cash_at_the_baker(tables, damaged):
    row = first_row(tables, "terminals", "kind", "pos")
    return damaged(tables, "terminals", "kind", {row: "atm"})


def home_abroad(tables, damaged):
    row = first_row(tables, "customers", "country", "US")
    return damaged(tables, "customers", "country", {row: "GB"})


def torn_household(tables, damaged):
    households = tables["customers"]["household_id"].to_pylist()
    row = next(i for i in range(1, len(households)) if households[i] == households[i - 1])
    country = tables["customers"]["country"][row].as_py()
    home = tables["customers"]["place_id"][row].as_py()
    other = next(
        place["place_id"]
        for place in tables["places"].to_pylist()
        if place["country"] == country and place["place_id"] != home
    )
    return damaged(tables, "customers", "place_id", {row: other})


def foreign_account(tables, damaged):
    return damaged(tables, "accounts", "currency", {5: "JPY"})


def borrowed_card(tables, damaged):
    ids = tables["customers"]["customer_id"].to_pylist()
    row = next(i for i in range(600) if tables["cards"]["customer_id"][i].as_py() != ids[0])
    return damaged(tables, "cards", "customer_id", {row: ids[0]})


def expired_before_opened(tables, damaged):
    return damaged(tables, "cards", "expires_on", {5: DAY(1999, 1, 31)})


def older_than_account(tables, damaged):
    return damaged(tables, "cards", "opened_day", {5: DAY(1970, 1, 2)})


def closed_before_opened(tables, damaged):
    return damaged(tables, "cards", "closed_on", {5: DAY(1999, 1, 31)})


def shut_before_opened(tables, damaged):
    return damaged(tables, "merchants", "closed_on", {5: DAY(1970, 1, 2)})


def device_of_nobody(tables, damaged):
    return damaged(tables, "devices", "household_id", {0: 1})


def device_without_address(tables, damaged):
    return damaged(tables, "devices", "ip_address", {0: None})


DAMAGES = {
    "country_is_known": unknown_country,
    "currency_is_rated": unrated_country,
    "zone_is_known": unknown_zone,
    "place_has_open_shop": closed_place,
    "country_has_cash_machine": country_without_cash,
    "country_has_online_merchant": country_without_online,
    "country_is_of_place": other_country,
    "city_is_of_place": other_city,
    "currency_is_of_country": other_currency,
    "coordinates_are_in_place": far_away,
    "mcc_is_known": unknown_mcc,
    "merchant_has_terminal": no_terminal,
    "seller_online_has_virtual_terminal": both_without_virtual,
    "shop_has_terminal_of_its_own": both_without_counter,
    "terminal_fits_presence": counter_of_online_merchant,
    "cash_machine_is_at_its_merchant": cash_at_the_baker,
    "home_is_in_country": home_abroad,
    "household_is_in_one_place": torn_household,
    "account_is_in_currency_of_home": foreign_account,
    "card_and_account_have_one_customer": borrowed_card,
    "card_expires_after_opening": expired_before_opened,
    "card_is_no_older_than_account": older_than_account,
    "card_closes_after_opening": closed_before_opened,
    "merchant_closes_after_opening": shut_before_opened,
    "device_is_of_known_household": device_of_nobody,
    "device_at_home_has_address": device_without_address,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_can_fail(rule, small, damaged):
    """Negative space: the damage that a rule is for is found by it, with the rows it concerns."""
    tables = DAMAGES[rule.name](small, damaged)
    found = {finding.check: finding for finding in check_catalog(tables)}
    assert rule.name in found
    finding = found[rule.name]
    assert (finding.table, finding.column) == (rule.table, rule.column)
    assert 0 < finding.offenders <= finding.rows == tables[rule.table].num_rows
    assert finding.expected == rule.expected
    shown = tables[rule.table][rule.column][finding.first_row].as_py()
    assert finding.first_value == str(shown)


def test_every_damage_is_some_rule_s():
    """The table of damages names no rule that is gone."""
    assert set(DAMAGES) == {rule.name for rule in RULES}


CONTRACT_DAMAGES = {
    "unique": ("devices", "device_id", lambda column: {1: column[0]}),
    "foreign_key": ("cards", "account_id", lambda column: {4: 1}),
    "pattern": ("cards", "bin", lambda column: {4: "12345"}),
    "range": ("cards", "online_share", lambda column: {4: 1.5}),
    "null": ("places", "city", lambda column: {4: None}),
}


@pytest.mark.parametrize("check", CONTRACT_DAMAGES)
def test_each_kind_of_contract_check_can_fail(check, small, damaged):
    """What the contract of a table forbids is found before any rule is asked."""
    table, column, values = CONTRACT_DAMAGES[check]
    schema = small[table].schema
    loose = small[table].cast(pa.schema([field.with_nullable(True) for field in schema]))
    tables = damaged(
        {**small, table: loose}, table, column, values(small[table][column].to_pylist())
    )
    findings = check_catalog(tables)
    assert [(found.check, found.table, found.column) for found in findings] == [
        (check, table, column)
    ]


def test_not_a_number_is_found(small, damaged):
    """A level that is not a number does not pass as one."""
    tables = damaged(small, "merchants", "popularity", {3: float("nan")})
    assert [found.check for found in check_catalog(tables)] == ["range"]


def test_wrong_column_stops_all_other_checks(small):
    """A table with another column is found, and keys are not followed into it."""
    merchants = small["merchants"].rename_columns(
        ["id" if name == "merchant_id" else name for name in small["merchants"].column_names]
    )
    findings = check_catalog({**small, "merchants": merchants})
    assert [(found.check, found.table) for found in findings] == [("schema", "merchants")]


def test_absent_and_empty_tables_are_found(small):
    """A world without cards, or without the table of cards, is no world."""
    rest = {name: table for name, table in small.items() if name != "cards"}
    assert [found.check for found in check_catalog(rest)] == ["present"]
    empty = {**small, "cards": small["cards"].slice(0, 0)}
    assert [found.check for found in check_catalog(empty)] == ["not_empty"]


def test_a_world_without_devices_is_allowed(small):
    """Nobody has to own a device."""
    assert check_catalog({**small, "devices": small["devices"].slice(0, 0)}) == []


def test_checks_are_named(small):
    """The list of checks holds the rules and a check of every table's schema."""
    names = checks_of_catalog()
    assert len(names) == len(set(names))
    assert {f"{rule.table}: {rule.name}" for rule in RULES} <= set(names)
    assert {f"{name}: schema" for name in TABLES} <= set(names)
    assert "cards: foreign_key account_id" in names
    assert contract("cards").columns


def test_distance_of_known_cities():
    """Paris to London is 344 km, and a degree of latitude 111.2 km, also across the date line."""
    distance = distances_km(
        np.array([48.8566, 0.0, 0.0]),
        np.array([2.3522, 0.0, 179.5]),
        np.array([51.5074, 1.0, 0.0]),
        np.array([-0.1278, 0.0, -179.5]),
    )
    assert np.allclose(distance, [343.6, 111.195, 111.195], atol=0.5)


@pytest.mark.parametrize(
    ("rule", "table", "end", "begin"),
    [
        ("card_expires_after_opening", "cards", "expires_on", "opened_day"),
        ("card_closes_after_opening", "cards", "closed_on", "opened_day"),
        ("merchant_closes_after_opening", "merchants", "closed_on", "opened_on"),
    ],
)
def test_what_ends_on_its_first_day_was_never_there(small, damaged, rule, table, end, begin):
    """A day at least: an end on the day of the beginning is found, on the day after it is not."""
    first = small[table][begin][5].as_py()
    for days, is_broken in ((0, True), (1, False)):
        tables = damaged(small, table, end, {5: first + datetime.timedelta(days=days)})
        assert (rule in {found.check for found in check_catalog(tables)}) == is_broken


def test_a_card_may_be_opened_with_its_account(small, damaged):
    """On the same day, but not a day before."""
    account = small["cards"]["account_id"][5].as_py()
    row = first_row(small, "accounts", "account_id", account)
    opened = small["accounts"]["opened_day"][row].as_py()
    for days, is_broken in ((0, False), (-1, True)):
        day = opened + datetime.timedelta(days=days)
        found = {
            one.check for one in check_catalog(damaged(small, "cards", "opened_day", {5: day}))
        }
        assert ("card_is_no_older_than_account" in found) == is_broken


@pytest.mark.parametrize("opening", ["always", "day"])
def test_a_shop_of_either_hours_is_enough_for_a_place(small, damaged, opening):
    """Whatever is open at some time by day may be open all night or not."""
    rows = range(small["merchants"].num_rows)
    tables = damaged(small, "merchants", "opening", dict.fromkeys(rows, opening))
    assert "place_has_open_shop" not in {found.check for found in check_catalog(tables)}

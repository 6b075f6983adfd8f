"""Households, customers, accounts, cards, devices: consistent, and distributed as stated."""

from __future__ import annotations

import calendar
import datetime

import numpy as np
import pytest

from fauxpay.catalog.customers import card_counts
from fauxpay.catalog.devices import home_addresses
from fauxpay.catalog.habits import online_means
from fauxpay.catalog.households import household_laws
from fauxpay.catalog.places import choose_places
from fauxpay.config.model import Config

EPOCH = datetime.date(2025, 1, 1)
BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")


def column(tables, table, name):
    return np.array(tables[table][name].to_pylist())


def of_customer(tables, table, name):
    """A customer's column for each row of another table."""
    rows = dict(
        zip(
            tables["customers"]["customer_id"].to_pylist(),
            tables["customers"][name].to_pylist(),
            strict=True,
        )
    )
    return np.array([rows[key] for key in tables[table]["customer_id"].to_pylist()])


def shares(values):
    names, counts = np.unique(values, return_counts=True)
    return dict(zip(names.tolist(), (counts / len(values)).tolist(), strict=True))


def test_ids_are_unique_and_reveal_no_order(large):
    """Ids do not repeat, are 63-bit, and do not rise with the row."""
    for table, key in (
        ("customers", "customer_id"),
        ("cards", "card_id"),
        ("devices", "device_id"),
    ):
        ids = large[table][key].to_numpy()
        assert len(np.unique(ids)) == len(ids)
        assert ids.min() >= 0
        assert 0.48 < (np.diff(ids.astype(np.float64)) > 0).mean() < 0.52


def test_countries_have_the_configured_share_of_households(large):
    """Shares of households are the config's within sampling error."""
    first = np.unique(column(large, "customers", "household_id"), return_index=True)[1]
    seen = shares(column(large, "customers", "country")[first])
    assert seen == pytest.approx({"US": 0.5, "GB": 0.3, "AE": 0.2}, abs=0.012)


def test_age_bands_follow_from_households(large, facts):
    """The ages of all adults are those that the laws of heads and further adults imply."""
    expected = household_laws(facts).customer_ages()
    seen = shares(column(large, "customers", "age_band"))
    assert [seen[band] for band in BANDS] == pytest.approx(expected.tolist(), abs=0.012)


def test_households_have_one_to_three_adults(large):
    """One household is one to three rows in a line, in one place."""
    household = column(large, "customers", "household_id")
    starts = np.flatnonzero(np.concatenate(([True], household[1:] != household[:-1])))
    assert len(starts) == len(np.unique(household))
    sizes = np.diff(np.append(starts, household.size))
    assert set(sizes.tolist()) == {1, 2, 3}
    assert 1.5 < sizes.mean() < 1.75


def test_retired_are_old_and_students_young(large):
    """Everyone from 65 on is retired and nobody else; students are under 35, mostly under 25."""
    band, profile = column(large, "customers", "age_band"), column(large, "customers", "profile")
    assert ((profile == "retired") == (band == "65+")).all()
    assert set(band[profile == "student"]) == {"18-24", "25-34"}
    assert (band[profile == "student"] == "18-24").mean() > 0.6


def test_income_has_mean_one_and_rises_until_fifty(large):
    """The mean level is 1, and bands are ordered as the parameters say."""
    income, band = (
        column(large, "customers", "income_level"),
        column(large, "customers", "age_band"),
    )
    assert income.mean() == pytest.approx(1.0, abs=0.02)
    means = [income[band == name].mean() for name in BANDS]
    assert means[0] < means[5] < means[1] < means[2] < means[3]
    logs = np.log(income[band == "45-54"])
    assert logs.std() == pytest.approx(0.55, abs=0.02)


def test_cards_per_customer_follow_their_law(large, facts):
    """Numbers of cards are cut geometric with the country's mean, one to four."""
    country = column(large, "customers", "country")
    owner = column(large, "cards", "customer_id")
    ids, counts = np.unique(owner, return_counts=True)
    count_of = dict(zip(ids.tolist(), counts.tolist(), strict=True))
    count = np.array([count_of[key] for key in large["customers"]["customer_id"].to_pylist()])
    assert set(count.tolist()) <= {1, 2, 3, 4}
    for name in ("US", "GB"):
        expected = card_counts(facts, (name,))[0]
        seen = np.bincount(count[country == name], minlength=5)[1:] / (country == name).sum()
        assert np.allclose(seen, expected, atol=0.012)


@pytest.mark.parametrize("sd", [0.0, 0.1, 0.5, 0.95, 1.5])
def test_levels_are_lognormal_with_the_configured_spread(build, sd):
    """The sd of the log is the config's, and the mean level is 1."""
    level = column(build(cards=30_000, activity={"rate_log_sd": sd}), "cards", "purchases_per_day")
    logs = np.log(level)
    assert logs.std() == pytest.approx(sd, abs=0.02)
    standard_error = np.sqrt(np.expm1(sd * sd) / level.size)
    assert abs(level.mean() - 1.0) < 4 * standard_error + 1e-3
    # Below, the few levels of age and rank show through.
    if sd >= 0.9:
        z = (logs - logs.mean()) / logs.std()
        assert abs((z**3).mean()) < 0.06
        assert abs((z**4).mean() - 3.0) < 0.15


def test_levels_depend_on_income_and_on_the_card_s_rank(large):
    """Further cards are used less; richer customers buy more often, but not in proportion."""
    level = column(large, "cards", "purchases_per_day")
    owner = column(large, "cards", "customer_id")
    is_first = np.concatenate(([True], owner[1:] != owner[:-1]))
    assert level[~is_first].mean() / level[is_first].mean() == pytest.approx(0.6, abs=0.05)
    income = of_customer(large, "cards", "income_level")
    slope = np.polyfit(np.log(income), np.log(level), 1)[0]
    assert 0.2 < slope < 0.4


def test_online_shares_have_the_country_s_mean(large, facts):
    """The mean share is the country's, the old buy less online than the young."""
    share, country = (
        column(large, "cards", "online_share"),
        of_customer(large, "cards", "country"),
    )
    for name, expected in (("US", 0.20), ("GB", 0.24), ("AE", 0.24)):
        assert share[country == name].mean() == pytest.approx(expected, rel=0.04)
    band = of_customer(large, "cards", "age_band")
    assert share[band == "65+"].mean() < 0.6 * share[band == "25-34"].mean()
    assert share.min() >= 0.0
    assert share.max() <= 1.0


def test_online_share_is_a_shifted_beta(build, facts):
    """Scaled back, the share of one age band follows beta(1, b): by Kolmogorov and Smirnov."""
    tables = build(cards=20_000, countries={"US": 1.0})
    share, band = column(tables, "cards", "online_share"), of_customer(tables, "cards", "age_band")
    config = Config(catalog={"countries": {"US": 1.0}})
    means = online_means(choose_places(config, facts["places"]), facts)
    mean, spread = means[0][BANDS.index("35-44")], facts["cards"]["online_spread"]
    beta = (share[band == "35-44"] - (1 - spread) * mean) / spread
    uniform = np.sort((1 - np.clip(beta, 0, 1)) ** ((1 - mean) / mean))
    # Kolmogorov and Smirnov's distance at the level of 1 in 1,000.
    distance = np.abs(uniform - (np.arange(uniform.size) + 0.5) / uniform.size).max()
    assert distance < 1.95 / np.sqrt(uniform.size)


@pytest.mark.parametrize("name", ["US", "GB", "AE"])
def test_scheme_and_product_mixes_hold_in_each_country(large, facts, name):
    """Both mixes are the country's, and credit-only schemes are on credit cards only."""
    country = of_customer(large, "cards", "country") == name
    scheme, product = column(large, "cards", "card_scheme"), column(large, "cards", "card_product")
    for column_values, mix in ((scheme, "scheme_mix"), (product, "product_mix")):
        seen = shares(column_values[country])
        for value, expected in facts["countries"][mix][name].items():
            assert seen.get(value, 0.0) == pytest.approx(expected, abs=0.02)
    assert set(product[np.isin(scheme, ["amex", "discover", "jcb"])]) == {"credit"}


def test_bins_are_of_a_range_that_no_issuer_has(large):
    """BINs stand between 990000 and 999999; one BIN is one scheme, product and country."""
    bins = column(large, "cards", "bin")
    assert all("990000" <= value <= "999999" for value in set(bins.tolist()))
    kinds = set(
        zip(
            bins.tolist(),
            column(large, "cards", "card_scheme").tolist(),
            column(large, "cards", "card_product").tolist(),
            of_customer(large, "cards", "country").tolist(),
            strict=True,
        )
    )
    assert len(kinds) == len(set(bins.tolist()))


def test_cards_outlive_the_epoch_by_three_years(large):
    """Every expiry is the last day of a month, after epoch + 3 years and within 7."""
    for day in set(large["cards"]["expires_on"].to_pylist()):
        assert EPOCH.replace(year=2028) < day < EPOCH.replace(year=2032) + datetime.timedelta(62)
        assert day.day == calendar.monthrange(day.year, day.month)[1]


def test_openings_are_before_the_epoch(large):
    """Accounts are at least 30 days old at the epoch; most cards are opened before it."""
    accounts = column(large, "accounts", "opened_day")
    assert accounts.max() <= EPOCH - datetime.timedelta(30)
    assert (column(large, "cards", "opened_day") < EPOCH).mean() > 0.8


def test_cards_come_and_go(large):
    """A twentieth of the cards in use is new in a year, and as many are given up."""
    opened = column(large, "cards", "opened_day")
    closed = [day for day in large["cards"]["closed_on"].to_pylist() if day is not None]
    year = EPOCH + datetime.timedelta(365)
    at_epoch = float((opened <= EPOCH).sum())
    new = float(((opened > EPOCH) & (opened <= year)).sum()) / at_epoch
    gone = len([day for day in closed if day <= year]) / at_epoch
    assert 0.04 < new < 0.06
    assert 0.03 < gone < 0.06
    assert min(closed) >= EPOCH + datetime.timedelta(60)


def test_young_people_have_young_accounts(large):
    """No account is older than its customer's age band allows."""
    band = of_customer(large, "accounts", "age_band")
    opened = column(large, "accounts", "opened_day")
    assert opened[band == "18-24"].min() >= EPOCH - datetime.timedelta(round(6 * 365.25) + 1)
    assert opened[band == "65+"].min() < EPOCH - datetime.timedelta(20 * 365)


def test_another_epoch_moves_the_dates(build, small):
    """Dates follow activity.epoch, and nothing else does."""
    other = build(activity={"epoch": datetime.date(2024, 1, 1)})
    shift = datetime.timedelta(366)
    moved = [day - shift for day in small["accounts"]["opened_day"].to_pylist()]
    assert other["accounts"]["opened_day"].to_pylist() == moved
    closed = [day and day - shift for day in small["cards"]["closed_on"].to_pylist()]
    assert other["cards"]["closed_on"].to_pylist() == closed
    dates = ["expires_on", "opened_day", "closed_on"]
    assert other["cards"].drop_columns(dates).equals(small["cards"].drop_columns(dates))
    dates = ["opened_on", "closed_on"]
    assert other["merchants"].drop_columns(dates).equals(small["merchants"].drop_columns(dates))


def test_debit_cards_of_a_customer_share_an_account(large):
    """One account per customer for all debit cards, and one for every other card."""
    cards = large["cards"].to_pylist()
    debit: dict[int, set[int]] = {}
    other: list[int] = []
    for card in cards:
        if card["card_product"] == "debit":
            debit.setdefault(card["customer_id"], set()).add(card["account_id"])
        else:
            other.append(card["account_id"])
    assert {len(accounts) for accounts in debit.values()} == {1}
    current = {account for accounts in debit.values() for account in accounts}
    assert len(set(other)) == len(other)
    assert current.isdisjoint(other)
    assert large["accounts"].num_rows == len(current) + len(other)


def test_devices_of_a_household_share_its_address(large):
    """One to four devices a household with one address; no two households have the same."""
    rows = [row for row in large["devices"].to_pylist() if row["household_id"] is not None]
    by_household: dict[int, list[int]] = {}
    for row in rows:
        by_household.setdefault(row["household_id"], []).append(row["ip_address"])
    assert {len(found) for found in by_household.values()} == {1, 2, 3, 4}
    addresses = [set(found) for found in by_household.values()]
    assert all(len(found) == 1 for found in addresses)
    assert len(set().union(*addresses)) == len(by_household)
    assert set(by_household) == set(column(large, "customers", "household_id").tolist())


def test_a_pool_of_devices_belongs_to_nobody(large, facts):
    """Eight in a hundred devices have neither household nor address, at any stretch of the list."""
    is_pool = np.array([value is None for value in large["devices"]["household_id"].to_pylist()])
    lacks = np.array([value is None for value in large["devices"]["ip_address"].to_pylist()])
    assert (is_pool == lacks).all()
    share = facts["devices"]["pool_share"]
    for part in np.array_split(is_pool, 4):
        assert part.mean() == pytest.approx(share, abs=0.012)


def test_user_agents_fit_the_kind(large):
    """Phones and tablets alone have apps; most first devices are phones."""
    kind, agent = column(large, "devices", "kind"), column(large, "devices", "user_agent_family")
    apps = np.isin(agent, ["app_ios", "app_android", "samsung_internet"])
    assert set(kind[apps]) == {"phone", "tablet"}
    household = np.array(large["devices"]["household_id"].to_pylist(), dtype=object)
    is_first = np.concatenate(([True], household[1:] != household[:-1]))
    owned = np.array([value is not None for value in household])
    assert (kind[is_first & owned] == "phone").mean() > 0.9


def test_addresses_are_a_bijection_of_the_reserved_network(facts):
    """No two households share an address, and all lie in 240.0.0.0/4."""
    index = np.concatenate([np.arange(200_000), 2**28 - 1 - np.arange(200_000)]).astype(np.uint64)
    found = home_addresses(3, index, facts["devices"])
    assert np.unique(found).size == index.size
    assert found.min() >= 0xF0000000
    assert found.max() <= 0xFFFFFFFF


def test_addresses_are_a_bijection_when_small(facts):
    """Exhaustively: with 10 bits, all 1024 addresses occur."""
    found = home_addresses(3, np.arange(1024, dtype=np.uint64), {"ip_bits": 10, "ip_network": 5})
    assert sorted(found.tolist()) == list(range(5, 1029))

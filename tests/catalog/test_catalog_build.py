"""The catalog as a whole: shape, determinism, what stays when a world grows."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.catalog.build import build_catalog
from fauxpay.catalog.columns import TABLES, contract
from fauxpay.catalog.integrity import check_catalog
from fauxpay.config.model import Config
from fauxpay.contracts.digests import LogicalDigest
from fauxpay.errors import ConfigError
from fauxpay.foundations.parameters import load_parameters

PEOPLE = ("customers", "accounts", "cards", "devices")
SHOPS = ("places", "merchants", "terminals")


def starts_with(longer: pa.Table, shorter: pa.Table) -> bool:
    return longer.num_rows >= shorter.num_rows and longer.slice(0, shorter.num_rows).equals(shorter)


def test_tables_are_the_contract_s(small):
    """Every table of the contract is there, with its columns and types, and in one chunk."""
    assert tuple(sorted(small)) == tuple(sorted(TABLES))
    for name, table in small.items():
        assert table.schema.equals(contract(name).arrow_schema()), name
        assert all(column.num_chunks == 1 for column in table.columns), name


def test_small_catalog_passes_every_check(small):
    """A made catalog breaks no contract and no rule."""
    assert check_catalog(small) == []


def test_large_catalog_passes_every_check(large):
    """A larger one does not either."""
    assert check_catalog(large) == []


def test_sizes_are_exact(small):
    """The numbers of cards, merchants and places are those that were asked for."""
    sizes = {name: small[name].num_rows for name in ("cards", "merchants", "places")}
    assert sizes == {"cards": 600, "merchants": 400, "places": 24}


@pytest.mark.parametrize("cards", [1, 2, 3, 599, 601, 5_000])
def test_more_or_fewer_cards_leave_the_others_alone(build, small, cards):
    """Worlds of different numbers of cards begin with the same rows, and share all shops."""
    other = build(cards=cards)
    longer, shorter = (other, small) if cards > 600 else (small, other)
    assert other["cards"].num_rows == cards
    for name in PEOPLE:
        assert starts_with(longer[name], shorter[name]), name
    for name in SHOPS:
        assert longer[name].equals(shorter[name]), name


def test_more_merchants_leave_people_alone(build, small):
    """More merchants change no place, customer, account, card or device."""
    other = build(merchants=900)
    for name in ("places", *PEOPLE):
        assert other[name].equals(small[name]), name


def test_more_merchants_keep_the_identity_of_the_others(build, small):
    """A merchant of both worlds stands at the same spot, nearly always in the same trade."""
    columns = ["merchant_id", "place_id", "latitude", "longitude", "mcc"]
    few = small["merchants"].select(columns).to_pylist()
    many = {row["merchant_id"]: row for row in build(merchants=900)["merchants"].to_pylist()}
    shared = [(row, many[row["merchant_id"]]) for row in few if row["merchant_id"] in many]
    assert len(shared) > 0.95 * len(few)
    assert all(row[key] == other[key] for row, other in shared for key in columns[1:4])
    assert np.mean([row["mcc"] == other["mcc"] for row, other in shared]) > 0.9


def test_same_config_same_catalog(build, small):
    """Building again, after other builds, gives the same tables."""
    build(seed=8, cards=50)
    again = build()
    assert all(again[name].equals(small[name]) for name in TABLES)


def test_order_of_countries_is_no_choice(build, small):
    """The order in which countries are written down changes nothing."""
    again = build(countries={"AE": 0.2, "GB": 0.3, "US": 0.5})
    assert all(again[name].equals(small[name]) for name in TABLES)


def test_seed_changes_people_and_shops_but_not_places(build, small):
    """Another seed is another world in the same cities."""
    other = build(seed=8)
    assert other["places"].equals(small["places"])
    assert not any(other[name].equals(small[name]) for name in (*PEOPLE, "merchants", "terminals"))


def test_what_is_no_part_of_the_catalog_changes_nothing(build, small):
    """Settings of activity other than epoch and rate_log_sd are not read."""
    other = build(activity={"purchases_per_card_day": 3.0, "travel_share": 0.5})
    assert all(other[name].equals(small[name]) for name in TABLES)


def test_another_process_makes_the_same_catalog(small):
    """Neither hashing of texts nor anything else of a process gets into a catalog."""
    code = (
        "from fauxpay.catalog.build import build_catalog\n"
        "from fauxpay.config.model import Config\n"
        "from fauxpay.foundations.parameters import load_parameters\n"
        "config = Config(catalog={'seed': 7, 'cards': 600, 'merchants': 400, 'places': 24,"
        " 'countries': {'US': 0.5, 'GB': 0.3, 'AE': 0.2}})\n"
        "tables = build_catalog(config, load_parameters())\n"
        "print(sum(tables['cards']['card_id'].to_pylist()), sum(tables['merchants']['popularity']"
        ".to_pylist()), tables['merchants']['name'][17])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    cards, merchants = small["cards"], small["merchants"]
    expected = (
        f"{sum(cards['card_id'].to_pylist())} {sum(merchants['popularity'].to_pylist())} "
        f"{merchants['name'][17]}"
    )
    assert done.stdout.strip() == expected


GOLDEN = {
    "places": "2ccc5c1379b5b508",
    "merchants": "3393f93e1c876c39",
    "terminals": "9e9e766173704e2c",
    "customers": "bf90da1d93427cef",
    "accounts": "8ac170bd416afc0c",
    "cards": "c41c5407061312cb",
    "devices": "5f87ea6eab45f6f8",
}


def test_golden_digests(small):
    """Golden: another digest needs a line in CHANGELOG saying why, and a raised MODEL_VERSION."""
    found = {}
    for name in TABLES:
        digest = LogicalDigest(contract(name), {})
        digest.update(small[name])
        found[name] = digest.hexdigest()[:16]
    assert found == GOLDEN


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(1, 300), st.sampled_from([0.0, 0.4, 1.0]))
def test_any_seed_gives_a_sound_catalog(seed, cards, chain_share):
    """Property: whatever the seed, the number of cards and the chains, every check passes."""
    config = Config(
        catalog={
            "seed": seed,
            "cards": cards,
            "merchants": 150,
            "places": 9,
            "countries": {"US": 0.5, "JP": 0.5},
            "chain_share": chain_share,
        }
    )
    tables = build_catalog(config, load_parameters())
    assert check_catalog(tables) == []
    assert tables["cards"].num_rows == cards


@pytest.mark.parametrize("country", ["IN", "BR", "ZA", "DE", "BH", "NZ"])
def test_any_country_can_stand_alone(build, country):
    """A world of one country is sound, with facts of its own or without."""
    tables = build(countries={country: 1.0}, places=5, merchants=60, cards=40)
    assert check_catalog(tables) == []
    assert set(tables["places"]["country"].to_pylist()) == {country}


def test_too_few_merchants_are_refused_with_the_least_number(build):
    """The message says how many are needed, and with so many it works."""
    with pytest.raises(
        ConfigError, match=r"catalog.merchants = 125: allowed is at least 138, .* shops"
    ):
        build(merchants=125, online_merchant_share=0.0)
    assert build(merchants=138, online_merchant_share=0.0)["merchants"].num_rows == 138


def test_fewest_places_still_work(build):
    """As many places as countries is little, but allowed."""
    tables = build(places=3, merchants=100)
    assert check_catalog(tables) == []


def test_speed(parameters):
    """100,000 cards and 20,000 merchants take less than 1.5 s of CPU."""
    config = Config(catalog={"cards": 100_000, "merchants": 20_000})
    begin = time.process_time()
    build_catalog(config, parameters)
    assert time.process_time() - begin < 1.5

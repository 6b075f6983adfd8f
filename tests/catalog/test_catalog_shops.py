"""Merchants, chains, popularity: consistent, and distributed as stated."""

from __future__ import annotations

import datetime
from collections import Counter

import numpy as np
import pytest

from fauxpay.catalog.places import metropolitan_weights
from fauxpay.catalog.popularity import ranks
from fauxpay.catalog.trades import make_trades
from fauxpay.config.model import CatalogConfig

EPOCH = datetime.date(2025, 1, 1)

DENSE = {"countries": {"US": 1.0}, "places": 3, "cards": 1}


def merchants_of(tables):
    """The columns of the merchants as numpy arrays, null chains as -1."""
    table = tables["merchants"]
    columns = {name: np.array(table[name].to_pylist()) for name in table.column_names}
    columns["chain_id"] = table["chain_id"].fill_null(-1).to_numpy()
    return columns


def trade_of_mcc(facts):
    """Trades of shops by MCC, for codes that one trade alone has."""
    shops = facts["merchants"]["outlet_share"]
    return {mcc: trade for trade in shops for mcc in facts["merchants"]["mcc"][trade]}


@pytest.fixture(scope="module")
def dense(build):
    """Three large cities with very many shops."""
    return merchants_of(build(**DENSE, merchants=30_000, online_merchant_share=0.1))


def test_shares_of_merchants_are_the_config_s(large, dense):
    """Online merchants are the configured share, exactly; chains within sampling error."""
    assert (dense["presence"] == "online").sum() == 3_000
    merchants = merchants_of(large)
    for found in (dense, merchants):
        shops = found["presence"] != "online"
        assert (found["chain_id"][shops] >= 0).mean() == pytest.approx(0.35, abs=0.015)
        assert (found["chain_id"][~shops] == -1).all()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.8, 1.0])
def test_any_chain_share_is_met(build, share):
    """The hurdle reaches every share from none to all."""
    found = merchants_of(build(merchants=8_000, chain_share=share))
    shops = found["presence"] != "online"
    assert (found["chain_id"][shops] >= 0).mean() == pytest.approx(share, abs=0.02)


def test_chains_share_name_mcc_and_price_level(large):
    """All outlets of a chain have one name, MCC, price level, country and presence."""
    seen: dict[int, set[tuple[object, ...]]] = {}
    for row in large["merchants"].to_pylist():
        if row["chain_id"] is not None:
            facts = (row["name"], row["mcc"], row["price_level"], row["merchant_country"])
            seen.setdefault(row["chain_id"], set()).add((*facts, row["presence"]))
    assert len(seen) > 100
    assert {len(kinds) for kinds in seen.values()} == {1}


def test_chain_sizes_follow_a_power_law_of_rank(dense, facts):
    """Within a trade, outlets fall with the chain's rank by the exponent of the parameters."""
    law = facts["merchants"]["chains"]
    in_trade = (dense["mcc"] == "5812") & (dense["chain_id"] >= 0)
    sizes = sorted(Counter(dense["chain_id"][in_trade].tolist()).values(), reverse=True)
    expected = np.arange(1, law["count_max"] + 1) ** -law["exponent"]
    expected *= in_trade.sum() / expected.sum()
    # Poisson noise of a count is its root.
    assert len(sizes) == law["count_max"]
    assert (np.abs(np.array(sizes) - expected) < 5 * np.sqrt(expected)).all()


def test_chain_sizes_have_a_heavy_tail(large):
    """Over all trades most chains are small and the largest is many times the median."""
    sizes = np.array(list(Counter(large["merchants"]["chain_id"].drop_null().to_pylist()).values()))
    assert np.median(sizes) <= 6
    assert sizes.max() > 20 * np.median(sizes)


def test_chain_membership_does_not_hang_on_the_others(build):
    """With half as many merchants, shops of both worlds belong to the same chain, nearly all."""
    few, many = (build(merchants=count)["merchants"].to_pylist() for count in (2_000, 4_000))
    chain = {row["merchant_id"]: row["chain_id"] for row in many}
    same = [
        chain[row["merchant_id"]] == row["chain_id"] for row in few if row["merchant_id"] in chain
    ]
    assert len(same) > 1_900
    assert np.mean(same) > 0.97


def test_popularity_is_zipf_within_place_and_trade(dense):
    """Log weight falls with log rank by the config's exponent, exactly."""
    place = dense["place_id"][0]
    rows = (dense["place_id"] == place) & (dense["mcc"] == "5812") & (dense["presence"] != "online")
    weight = np.sort(dense["popularity"][rows])[::-1]
    assert weight.size > 300
    slope = np.polyfit(np.log(np.arange(1, weight.size + 1)), np.log(weight), 1)[0]
    exponent = CatalogConfig().merchant_zipf_exponent
    assert slope == pytest.approx(-exponent, abs=1e-3)


def test_the_exponent_of_popularity_is_the_config_s(build):
    """Exponent 0 makes shops of a trade and place equal; 2 makes the first lead by 4."""
    for exponent, lead in ((0.0, 1.0), (2.0, 4.0)):
        tables = build(**DENSE, merchants=2_000, merchant_zipf_exponent=exponent)
        found = merchants_of(tables)
        rows = (found["place_id"] == found["place_id"][0]) & (found["mcc"] == "5812")
        weight = np.sort(found["popularity"][rows & (found["presence"] != "online")])[::-1]
        assert weight[0] / weight[1] == pytest.approx(lead, rel=1e-4)


def test_weights_of_shops_add_up_by_place_and_trade(dense, facts):
    """Shops of a country weigh 1, of a place its share of people, of a trade its visits."""
    shops = dense["presence"] != "online"
    assert dense["popularity"][shops].sum() == pytest.approx(1.0, abs=1e-4)
    assert dense["popularity"][~shops].sum() == pytest.approx(1.0, abs=1e-4)
    trades = make_trades(facts["merchants"], ("US",))
    by_mcc = trade_of_mcc(facts)
    for trade in ("grocery", "fuel", "restaurant", "cash"):
        rows = np.array([by_mcc.get(mcc) == trade for mcc in dense["mcc"]]) & shops
        expected = trades.visit_share[0][trades.names.index(trade)]
        assert dense["popularity"][rows].sum() == pytest.approx(expected, rel=1e-3)


def region_weight(population: int, facts) -> int:
    """People of the region around one city."""
    return int(metropolitan_weights(np.array([population]), facts["places"])[0])


def test_places_weigh_as_their_people(large, facts):
    """The weights of a place's shops sum to its region's share of the country's people."""
    found = merchants_of(large)
    shops = found["presence"] != "online"
    places = large["places"].to_pylist()
    total = Counter()
    for place in places:
        place["weight"] = region_weight(place["population"], facts)
        total[place["country"]] += place["weight"]
    for place in places[::7]:
        weight = found["popularity"][shops & (found["place_id"] == place["place_id"])].sum()
        share = place["weight"] / total[place["country"]]
        assert weight == pytest.approx(share, rel=1e-4)


def test_trades_have_their_share_of_outlets(dense, facts):
    """Outlets of a trade are the country's share of all, beyond the floor."""
    trades = make_trades(facts["merchants"], ("US",))
    by_mcc = trade_of_mcc(facts)
    shops = dense["presence"] != "online"
    seen = Counter(by_mcc[mcc] for mcc in dense["mcc"][shops])
    for trade, name in enumerate(trades.names[: trades.shop_count]):
        # A few codes stand in two trades, so single trades may differ a little.
        expected = trades.outlet_share[0][trade]
        assert seen[name] / shops.sum() == pytest.approx(expected, abs=0.012), name


def test_the_mix_depends_on_the_country(build):
    """Japan has more convenience stores than the United States."""
    tables = build(merchants=6_000, places=12, cards=1, countries={"US": 0.5, "JP": 0.5})
    found = merchants_of(tables)
    share = {
        country: (found["mcc"][found["merchant_country"] == country] == "5499").mean()
        for country in ("US", "JP")
    }
    assert share["JP"] > 1.6 * share["US"]


def test_every_place_has_the_floor(small):
    """Two groceries, fuel or convenience that never closes, a restaurant, a cash machine."""
    found = merchants_of(small)
    for place in small["places"]["place_id"].to_pylist():
        here = (found["place_id"] == place) & (found["presence"] != "online")
        mccs = Counter(found["mcc"][here].tolist())
        assert mccs["5411"] + mccs["5300"] + mccs["5422"] >= 2
        assert mccs["5812"] >= 1
        assert mccs["6011"] >= 1
        fuel = np.isin(found["mcc"], ["5541", "5542", "5499"])
        assert "always" in found["opening"][here & fuel]


def test_every_country_has_the_online_floor(small):
    """Marketplace, digital goods, streaming, telecom and subscription are there in each country."""
    found = merchants_of(small)
    for country in ("US", "GB", "AE"):
        rows = (found["merchant_country"] == country) & (found["presence"] == "online")
        mccs = set(found["mcc"][rows].tolist())
        assert mccs & {"5399", "5311"}
        assert mccs & {"5815", "5816", "5817", "5818"}
        assert mccs >= {"4899", "4814", "5968"}


def test_online_merchants_sit_in_large_cities_and_never_close(large):
    """Their place is one of the five largest of the country."""
    found = merchants_of(large)
    online = found["presence"] == "online"
    assert set(found["opening"][online]) == {"always"}
    for country in ("US", "GB", "AE"):
        places = [p["place_id"] for p in large["places"].to_pylist() if p["country"] == country]
        assert set(found["place_id"][online & (found["merchant_country"] == country)]) <= set(
            places[:5]
        )


def test_shops_stand_in_their_city_and_crowd_its_centre(large):
    """All stand within the radius; more than half within half of it (a quarter of the area)."""
    found, places = merchants_of(large), large["places"].to_pylist()
    by_id = {place["place_id"]: place for place in places}
    here = [by_id[key] for key in found["place_id"].tolist()]
    north = (found["latitude"] - [p["latitude"] for p in here]) * 111.195
    east = (found["longitude"] - [p["longitude"] for p in here]) * 111.195
    east *= np.cos(np.radians([p["latitude"] for p in here]))
    relative = np.hypot(north, east) / np.array([p["radius_km"] for p in here])
    assert relative.max() < 1.01
    # Distance is u ** 0.75 of the radius, so P(< half) = 0.5 ** (1 / 0.75).
    assert (relative < 0.5).mean() == pytest.approx(0.5 ** (1 / 0.75), abs=0.015)


def test_longitudes_go_around_the_date_line(build):
    """Shops of Suva, on the far side of the world, stay within -180..180."""
    found = merchants_of(build(countries={"NZ": 1.0}, places=10, merchants=400, cards=1))
    assert np.abs(found["longitude"]).max() <= 180.0


def test_price_levels_are_lognormal_by_trade(dense, facts):
    """Single restaurants: mean 1, sd of the log as stated; cash costs the same everywhere."""
    rows = (dense["mcc"] == "5812") & (dense["chain_id"] == -1) & (dense["presence"] != "online")
    level = dense["price_level"][rows]
    assert level.mean() == pytest.approx(1.0, abs=0.03)
    expected = facts["merchants"]["price_log_sd"]["restaurant"]
    assert np.log(level).std() == pytest.approx(expected, rel=0.05)
    assert set(dense["price_level"][dense["mcc"] == "6011"]) == {1.0}


def test_both_is_for_chains_mostly(large):
    """Chains sell online too far more often than single shops; cash machines never do."""
    found = merchants_of(large)
    is_chain, both = found["chain_id"] >= 0, found["presence"] == "both"
    shops = found["presence"] != "online"
    assert both[is_chain].mean() > 4 * both[shops & ~is_chain].mean() > 0
    assert not both[found["mcc"] == "6011"].any()


def test_names_end_in_a_word_of_the_trade(large, facts):
    """A name is an invented word and a word of the merchant's trade, or of its category."""
    texts = facts["merchants"]["names"]
    endings = {text for words in texts["trade"].values() for text in words}
    names = large["merchants"]["name"].to_pylist()
    for name, mcc in zip(names, large["merchants"]["mcc"].to_pylist(), strict=True):
        assert name.partition(" ")[2] in texts["category"].get(mcc, endings), (name, mcc)
    assert len({name.partition(" ")[0] for name in names}) > 5_000


def test_ranks_count_from_one_within_groups():
    """The highest score of a group has rank 1."""
    group, score = np.array([1, 0, 1, 1]), np.array([0.2, 0.5, 0.9, 0.1])
    assert ranks(group, score).tolist() == [2, 1, 1, 3]


def test_merchants_open_and_close(large):
    """About as many shops open as close in the years told; the first of a place stay."""
    merchants = large["merchants"]
    opened = merchants["opened_on"].to_pylist()
    closed = merchants["closed_on"].to_pylist()
    new = sum(day > EPOCH for day in opened) / len(opened)
    gone = sum(day is not None for day in closed) / len(closed)
    assert 0.08 < new < 0.2
    assert 0.08 < gone < 0.2
    seen: dict[int, int] = {}
    for place, begin, end in zip(merchants["place_id"].to_pylist(), opened, closed, strict=True):
        nth = seen[place] = seen.get(place, 0) + 1
        if nth <= 5:
            assert begin <= EPOCH
            assert end is None


def test_chains_last_longer(large):
    """An outlet of a chain closes half as often as a single shop."""
    merchants = large["merchants"]
    ends = [day is not None for day in merchants["closed_on"].to_pylist()]
    in_chain = [chain is not None for chain in merchants["chain_id"].to_pylist()]
    chains = [end for end, member in zip(ends, in_chain, strict=True) if member]
    singles = [end for end, member in zip(ends, in_chain, strict=True) if not member]
    assert 0.4 < (sum(chains) / len(chains)) / (sum(singles) / len(singles)) < 0.75

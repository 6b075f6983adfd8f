"""Places: which cities take part."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fauxpay.catalog.households import homes
from fauxpay.catalog.places import choose_places, metropolitan_weights, radii_km
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.foundations.reference import reference


def chosen(facts, places, countries):
    config = Config(
        catalog={
            "places": places,
            "countries": countries,
            "merchants": 5 * places + 200,
            "online_merchant_share": 0.0,
        }
    )
    return choose_places(config, facts["places"])


def test_countries_have_places_by_their_share(facts):
    """Half of the households, half of the places."""
    places = chosen(facts, 200, {"US": 0.5, "DE": 0.3, "JP": 0.2})
    assert dict(zip(places.countries, places.count.tolist(), strict=True)) == {
        "DE": 60,
        "JP": 40,
        "US": 100,
    }


def test_small_countries_have_three_places(facts):
    """A country of a hundredth of the households still has three cities."""
    places = chosen(facts, 50, {"US": 0.98, "DE": 0.01, "JP": 0.01})
    assert places.count.tolist() == [3, 3, 44]


def test_countries_with_few_cities_leave_theirs_to_others(facts):
    """A country cannot have more places than cities; the others get the rest."""
    known = Counter(reference("places")["country"].to_pylist())
    places = chosen(facts, known["SG"] + 40, {"SG": 0.9, "US": 0.1})
    assert places.count.tolist() == [known["SG"], 40]


def test_the_most_populous_are_taken(facts):
    """No city that was left out has more people than one that was taken, in any country."""
    places = chosen(facts, 60, {"US": 0.5, "GB": 0.5})
    taken = set(places.id.tolist())
    for country, code in (("GB", 0), ("US", 1)):
        least = places.population[places.country == code].min()
        rows = [row for row in reference("places").to_pylist() if row["country"] == country]
        left_out = [row["population"] for row in rows if row["geoname_id"] not in taken]
        assert max(left_out) <= least


def test_places_are_sorted_by_country_and_population(facts):
    """Row order is country, then falling population; first and count describe it."""
    places = chosen(facts, 60, {"US": 0.5, "GB": 0.5})
    assert places.country.tolist() == sorted(places.country.tolist())
    for first, count in zip(places.first.tolist(), places.count.tolist(), strict=True):
        assert (np.diff(places.population[first : first + count]) <= 0).all()


def test_radius_grows_with_the_root_of_population_up_to_a_limit(facts):
    """Four times the people, twice the radius; never below 1 km or above 15 km."""
    radius = radii_km(np.array([100, 200_000, 800_000, 30_000_000]), facts["places"])
    assert radius[0] == 1.0
    assert radius[2] == pytest.approx(2 * radius[1], rel=1e-3)
    assert radius[3] == 15.0


def test_too_many_places_are_refused(facts):
    """A request for more cities than there are says how many there are."""
    config = Config(catalog={"places": 10, "countries": {"SG": 1.0}})
    wish = config.model_copy(update={"catalog": config.catalog.model_copy(update={"places": 999})})
    with pytest.raises(ConfigError, match=r"catalog.places: 999, but expected 1 to \d+"):
        choose_places(wish, facts["places"])


def test_a_country_without_cities_is_refused(facts):
    """An unknown code is named."""
    config = Config(catalog={"places": 10, "countries": {"SG": 1.0}})
    catalog = config.catalog.model_copy(update={"countries": {"QQ": 1.0}})
    wish = config.model_copy(update={"catalog": catalog})
    with pytest.raises(ConfigError, match=r"catalog.countries: QQ has no city"):
        choose_places(wish, facts["places"])


def test_homes_follow_the_people_of_regions_within_a_country(facts):
    """A household's city is drawn by its region's people, always one of its country."""
    places = chosen(facts, 12, {"US": 0.5, "GB": 0.5})
    u = (np.arange(100_000) + 0.5) / 100_000
    for code in (0, 1):
        home = homes(u, np.full(u.size, code), places)
        seen = np.bincount(home, minlength=12) / u.size
        expected = np.where(places.country == code, places.weight, 0)
        assert np.allclose(seen, expected / expected.sum(), atol=1e-4)


def test_regions_grow_faster_than_their_cities(facts):
    """Ten times the people in the limits are 10 ** exponent times the people of the region."""
    exponent = facts["places"]["metropolitan_exponent"]
    weight = metropolitan_weights(np.array([1, 100_000, 1_000_000, 10_000_000]), facts["places"])
    assert weight[0] == 1
    assert weight[1] == 100_000
    assert weight[2:] / weight[1] == pytest.approx(10.0 ** (exponent * np.arange(1, 3)), rel=1e-4)
    plain = metropolitan_weights(
        np.array([123_456]), facts["places"] | {"metropolitan_exponent": 1}
    )
    assert plain.tolist() == [123_456]


def test_homes_of_the_edges_stay_in_the_country(facts):
    """The smallest and largest draws give the first and last city of the country."""
    places = chosen(facts, 12, {"US": 0.5, "GB": 0.5})
    edges = np.array([0.0, 1.0 - 2.0**-53])
    assert homes(edges, np.array([0, 0]), places).tolist() == [0, 5]
    assert homes(edges, np.array([1, 1]), places).tolist() == [6, 11]

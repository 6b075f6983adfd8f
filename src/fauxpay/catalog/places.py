"""Places: the most populous cities of each country that takes part.

Reads    reference places(geoname_id, city, country, zone, latitude, longitude, population)
         reference countries(country, currency)
Writes   places
Draws    nothing
Sources  parameters.yaml [places]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.catalog.columns import shaped, texts
from fauxpay.catalog.laws import allot
from fauxpay.errors import ConfigError
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.reference import reference

if TYPE_CHECKING:
    from fauxpay.config.model import Config

COORDINATE_DECIMALS = 5


def choose_places(config: Config, facts: Mapping[str, Any]) -> Places:
    """The places of a config, sorted by country and then by falling population.

    facts  catalog.places of parameters.yaml
    Raises ConfigError when a country is not known or there are not enough cities.
    """
    countries = tuple(sorted(config.catalog.countries))
    share = np.array([config.catalog.countries[country] for country in countries])
    cities = reference("places")
    codes = pc.index_in(cities["country"].combine_chunks(), pa.array(countries, pa.string()))
    country_of_city = codes.fill_null(-1).to_numpy().astype(np.int64)
    known = np.bincount(country_of_city[country_of_city >= 0], minlength=len(countries))
    quota = _quota(config, share, known, int(facts["per_country_min"]))
    # The reference is sorted by falling population within a country.
    rows = np.concatenate(
        [
            np.flatnonzero(country_of_city == code)[:count]
            for code, count in enumerate(quota.tolist())
        ]
    )
    chosen = cities.take(pa.array(rows))
    population = np.maximum(_numbers(chosen, "population", pa.int64()), 1)
    return Places(
        countries=countries,
        currencies=_currencies(countries),
        share=share / share.sum(),
        first=np.cumsum(quota) - quota,
        count=quota,
        id=_numbers(chosen, "geoname_id", pa.int32()),
        city=chosen["city"].combine_chunks(),
        zone=chosen["zone"].combine_chunks(),
        country=np.repeat(np.arange(len(countries)), quota),
        latitude=np.round(_numbers(chosen, "latitude", pa.float64()), COORDINATE_DECIMALS),
        longitude=np.round(_numbers(chosen, "longitude", pa.float64()), COORDINATE_DECIMALS),
        population=population,
        weight=metropolitan_weights(population, facts),
        radius_km=radii_km(population, facts),
    )


def metropolitan_weights(population: I64, facts: Mapping[str, Any]) -> I64:
    """People of the region around each city, relative to each other: i64[n] >= 1.

    The reference counts people inside of a city's limits; a large city's region reaches much
    further beyond them than a small one's.
    """
    reference_size = float(facts["metropolitan_reference"])
    relative = (population / reference_size) ** float(facts["metropolitan_exponent"])
    return np.maximum(np.rint(relative * reference_size), 1).astype(np.int64)


def radii_km(population: I64, facts: Mapping[str, Any]) -> F64:
    """Radius of a disc that holds the population at the usual density, within limits."""
    radius = np.sqrt(population / (np.pi * facts["built_up_density"]))
    radius = np.clip(radius, facts["radius_km_min"], facts["radius_km_max"])
    return np.asarray(np.round(radius, 3))


def places_table(places: Places) -> pa.Table:
    """The contract's table of places."""
    return shaped(
        "places",
        {
            "place_id": places.id,
            "city": places.city,
            "country": texts(places.countries, places.country),
            "zone": places.zone,
            "latitude": places.latitude,
            "longitude": places.longitude,
            "population": places.population,
            "radius_km": places.radius_km,
        },
    )


def _quota(config: Config, share: F64, known: I64, least: int) -> I64:
    """Number of places of each country: by its share, at least `least` where that is possible."""
    wanted = config.catalog.places
    for country, count in zip(sorted(config.catalog.countries), known.tolist(), strict=True):
        if count == 0:
            raise ConfigError(
                f"catalog.countries: {country} has no city in the reference table; "
                "expected an ISO 3166 alpha-2 code with cities"
            )
    if not known.size <= wanted <= known.sum():
        raise ConfigError(
            f"catalog.places: {wanted}, but expected {known.size} to {int(known.sum())}: one for "
            "each of catalog.countries at least, their known cities at most"
        )
    # Fewer than asked for only when the config leaves no room for more.
    low = np.minimum(known, min(least, wanted // known.size))
    return allot(share, wanted, low, known.astype(np.int64))


def _numbers(table: pa.Table, column: str, arrow_type: pa.DataType) -> Any:
    return table[column].cast(arrow_type).to_numpy()


def _currencies(countries: tuple[str, ...]) -> tuple[str, ...]:
    table = reference("countries")
    known = dict(zip(table["country"].to_pylist(), table["currency"].to_pylist(), strict=True))
    return tuple(str(known[country]) for country in countries)


@dataclass(frozen=True, slots=True)
class Places:
    """Arrays by place; countries, currencies, share, first and count are by country.

    weight stands for the people of the region around a city.
    The places of country c are the rows first[c] .. first[c] + count[c] - 1.
    """

    countries: tuple[str, ...]
    currencies: tuple[str, ...]
    share: F64
    first: I64
    count: I64
    id: Any
    city: pa.Array
    zone: pa.Array
    country: I64
    latitude: F64
    longitude: F64
    population: I64
    weight: I64
    radius_km: F64

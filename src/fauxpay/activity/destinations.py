"""Destinations: where a trip leads, by a gravity law.

Reads    places
Writes   a pool of places by the traveller's country, at home and abroad
Draws    nothing
Sources  parameters.yaml [travel], countries/*.yaml [abroad.tourist_pull]

A place draws travellers by its inhabitants, its country's pull on tourists and its nearness, so
neighbours are visited more than what lies across an ocean.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxpay.catalog.world import World
from fauxpay.foundations.alias import AliasPool, alias_pool
from fauxpay.foundations.draws import F64, I64
from fauxpay.foundations.parameters import Parameters
from fauxpay.foundations.rounding import rounded

EARTH_RADIUS_KM = 6371.0


def destinations(world: World, parameters: Parameters) -> AliasPool:
    """Segment c: places of country c; segment count + c: places of all other countries."""
    travel = parameters.section("activity.travel")
    country, count = world.places.country, len(world.countries)
    people = np.maximum(world.places.population, 1).astype(np.float64)
    mass = people ** travel["population_exponent"]
    weights = _abroad(world, mass, parameters, travel)
    place = np.arange(country.size)
    segments, members = [country], [place]
    pulls = [np.maximum(rounded(mass), 1e-9)]
    for own in range(count):
        there = _strongest(place[country != own], weights[own], travel["destinations_max"])
        there = there if there.size else place  # one country only: nobody goes abroad
        segments.append(np.full(there.size, count + own))
        members.append(there)
        pulls.append(weights[own][there])
    return alias_pool(
        np.concatenate(segments), np.concatenate(members), np.concatenate(pulls), 2 * count
    )


def _abroad(world: World, mass: F64, parameters: Parameters, travel: dict[str, Any]) -> list[F64]:
    """Pull of every place on travellers of each country, > 0."""
    facts = [parameters.of_country(code)["abroad"] for code in world.countries]
    pull = np.array([fact["tourist_pull"] for fact in facts])[world.places.country]
    found = []
    for own in range(len(world.countries)):
        distance = _distance_km(world, world.places.country == own) + travel["distance_km_min"]
        weight = mass * pull / distance ** travel["distance_exponent"]
        found.append(np.maximum(rounded(weight), 1e-30))
    return found


def _strongest(place: I64, weight: F64, count: int) -> I64:
    """The places of greatest weight, in the order of the world; ties go to the first."""
    order = np.argsort(-weight[place], kind="stable")[:count]
    return np.sort(place[order])


def _distance_km(world: World, is_home: Any) -> F64:
    """Great-circle distance of every place from where a country's people live on average."""
    latitude, longitude = np.radians(world.places.latitude), np.radians(world.places.longitude)
    point = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ]
    )
    people = world.places.population[is_home].astype(np.float64)
    centre = (point[:, is_home] * np.maximum(people, 1.0)).sum(axis=1)
    centre /= max(float(np.sqrt((centre**2).sum())), 1e-12)
    distance: F64 = EARTH_RADIUS_KM * np.arccos(
        np.clip((centre[:, None] * point).sum(axis=0), -1.0, 1.0)
    )
    return distance

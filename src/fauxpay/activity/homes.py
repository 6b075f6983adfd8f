"""Homes: who moves house, when and where to.

Reads    cards, places
Writes   moves(is_mover, moved_day, place)
Draws    activity/move (of the catalog's seed)
Sources  parameters.yaml [moving]

A household moves once at most in the years that are told. The day of the move is one of journey,
so what was said of travel holds: nobody buys in two cities on one day.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np

from fauxpay.catalog.world import NEVER, Bool, World
from fauxpay.config.model import Config
from fauxpay.foundations.alias import alias_pool
from fauxpay.foundations.draws import I64, below, draw, stream_key, uniform
from fauxpay.foundations.parameters import Parameters

_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Moves:
    """By card: whether it ever moves, the UTC day of the move, and its place from then on."""

    is_mover: Bool
    moved_day: I64
    place: I64


def moves(world: World, config: Config, parameters: Parameters) -> Moves:
    """The moves of a world's households."""
    law = parameters.section("activity.moving")
    household, seed = world.cards.household.astype(np.uint64), config.catalog.seed
    epoch_day = (config.activity.epoch - datetime.date(1970, 1, 1)).days
    years = float(law["told_years"])
    goes = uniform(draw(stream_key(seed, "activity/move"), household))
    is_mover = goes < float(law["rate_per_year"]) * years
    span = int(years * _DAYS_PER_YEAR)
    when = below(draw(stream_key(seed, "activity/move_day"), household), span)
    # In a catalog of one's own nobody may be told to live anywhere.
    country, people = world.places.country, np.maximum(world.places.population, 1)
    weight = people.astype(np.float64)
    pool = alias_pool(country, np.arange(country.size), weight, len(world.countries))
    there = pool.pick(world.cards.country, draw(stream_key(seed, "activity/move_to"), household))
    is_mover &= there != world.cards.place
    return Moves(
        is_mover=is_mover,
        moved_day=np.where(is_mover, epoch_day + 1 + when, NEVER),
        place=np.where(is_mover, there, world.cards.place),
    )


def nobody_moves(world: World) -> Moves:
    """A world in which everybody stays."""
    cards = world.cards.place.size
    return Moves(np.zeros(cards, dtype=np.bool_), np.full(cards, NEVER), world.cards.place)

"""Stays: who is away from home sleeps in hotels of the place, and pays for it there.

Reads    rows(card, place), cards, moves, merchants
Writes   the segment and list that local purchases are drawn from
Draws    WHERE_COMMUTE, which nobody who is away needs to commute by
Sources  parameters.yaml [travel]

A card keeps to one hotel in a place: the first of a list of its own there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fauxpay.activity import streams
from fauxpay.activity.rows import LOCAL, Rows
from fauxpay.catalog.world import PRESENCES, Bool, World
from fauxpay.foundations.draws import I64, U64
from fauxpay.foundations.parameters import Parameters

if TYPE_CHECKING:
    from fauxpay.activity.homes import Moves

STAY_LIST = 7  # after those of activity.commute


@dataclass(frozen=True, slots=True)
class StayTables:
    """What local purchases of travellers are turned by.

    chance  of 16, that a purchase is paid to a hotel
    homes   i64[2, cards]  home, and that after moving house
    beds    bool[places]   where there is a hotel that is always in business
    """

    chance: int
    homes: I64
    beds: Bool


def stay_tables(world: World, moves: Moves, parameters: Parameters, lasting: Bool) -> StayTables:
    """Tables of a world; lasting are the merchants that are always in business."""
    share = float(parameters.value("activity.travel.stay_share"))
    beds = np.zeros(world.places.city.size, dtype=np.bool_)
    beds[world.merchants.place[gives_beds(world, parameters) & lasting]] = True
    chance = round(share * (1 << streams.WHERE_COMMUTE.width))
    return StayTables(chance, np.stack([world.cards.place, moves.place]), beds)


def gives_beds(world: World, parameters: Parameters) -> Bool:
    """Merchants at which travellers pay for their stay in person."""
    categories = parameters.value("activity.travel.stay_categories")
    is_there = world.merchants.presence != PRESENCES.index("online")
    return np.asarray(np.isin(np.array(world.mccs)[world.merchants.mcc], categories) & is_there)


def staying(tables: StayTables, rows: Rows, choice: tuple[I64, U64]) -> tuple[I64, I64]:
    """(rows paid to a hotel, their places); choice is (kind, word of where) of all rows."""
    kind, word = choice
    turns = streams.WHERE_COMMUTE.of(word) < tables.chance
    turns &= kind == LOCAL
    row = np.flatnonzero(turns)
    # Cards are anywhere in memory, and nearly all of them are at home.
    card, place = rows.card.take(row), rows.place.take(row)
    away = np.flatnonzero(place != tables.homes[0].take(card))
    row, card, place = row.take(away), card.take(away), place.take(away)
    away = np.flatnonzero((place != tables.homes[1].take(card)) & tables.beds.take(place))
    return row.take(away), place.take(away)

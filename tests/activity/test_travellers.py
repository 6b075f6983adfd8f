"""Travellers: where they sleep, and with whom they go."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from worlds import DAY, config, days_tables, maker_of, until


@pytest.fixture(scope="module")
def maker():
    """A small world in which many travel."""
    size = {"merchants": 3000}
    return maker_of(
        config(
            catalog=size,
            activity={"travel_share": 0.18},
            fraud={"enabled": False},
            run=until(DAY + 60),
        )
    )


@pytest.fixture(scope="module")
def rows(maker) -> pl.DataFrame:
    """Six weeks of purchases in person, with the card's number and whether it is away from home."""
    activity, world = maker.shard(0).activity, maker.world
    weeks = range(DAY, DAY + 42, 7)
    made = [
        pl.from_arrow(day["transactions"])
        for first in weeks
        for day in days_tables(maker, range(first, first + 7))
    ]
    paid = (pl.col("channel") == "pos") & (pl.col("transaction_type") == "purchase")
    found = pl.concat(made).filter(paid)
    at = {id_: card for card, id_ in enumerate(world.cards.id.tolist())}
    card = np.array([at[id_] for id_ in found["card_id"]])
    day = found["event_time"].dt.epoch("d").cast(pl.Int64).to_numpy()
    place, _ = activity.places_on(card, day)
    homes = (world.cards.place[card], activity.tables.cells.moves.place[card])
    away = (place != homes[0]) & (place != homes[1])
    return found.with_columns(card=card, place=place, away=away)


def test_hotels_have_guests_from_elsewhere(rows, maker):
    """A traveller pays hotels often and people of the place hardly ever."""
    has_beds = maker.tables.where.stays.beds[rows["place"].to_numpy()]
    rows = rows.filter(has_beds)
    share = {
        away: (of["mcc"] == "7011").mean()
        for (away,), of in rows.group_by("away", maintain_order=True)
    }
    assert rows["away"].sum() > 300
    assert 0.12 < share[True] < 0.25
    assert share[False] < 0.01


def test_a_guest_keeps_to_one_hotel_in_a_place(rows):
    """Who pays a hotel again in the same city pays the same one, nearly always."""
    slept = rows.filter((pl.col("mcc") == "7011") & pl.col("away"))
    again = slept.group_by("card", "place").agg(pl.len(), pl.col("merchant_id").n_unique())
    again = again.filter(pl.col("len") > 1)
    assert again.height > 20
    assert (again["merchant_id"] == 1).mean() > 0.8


def test_most_households_travel_together(maker):
    """Where one of a household is away the others are there, too, in three of four households."""
    activity, cards = maker.shard(0).activity, maker.world.cards
    card = np.arange(activity.last_card)
    first = pl.DataFrame({"card": card, "house": cards.household, "person": cards.customer})
    first = first.unique("person").sort("card")
    pairs = first.join(first, on="house").filter(pl.col("person") < pl.col("person_right"))
    together = away = 0
    for day in range(DAY, DAY + 60, 5):
        place, _ = activity.places_on(card, np.full(card.size, day))
        left = place != np.where(
            activity.tables.cells.moves.moved_day <= day,
            activity.tables.cells.moves.place,
            cards.place,
        )
        one, other = pairs["card"].to_numpy(), pairs["card_right"].to_numpy()
        either = left[one] | left[other]
        away += int(either.sum())
        together += int((either & (place[one] == place[other])).sum())
    assert away > 150
    # Two who go alone are two trips, so these count twice.
    assert 0.45 < together / away < 0.75

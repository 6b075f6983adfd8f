"""Sequences: what a card does one after the other could have been done by one person."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.addresses import days_of
from fauxpay.activity.cells import Cells
from fauxpay.activity.engine import own_addresses
from fauxpay.activity.recurring import due_payments
from fauxpay.activity.shops import standing
from fauxpay.activity.tills import followers
from fauxpay.activity.visits import Visits, in_time
from worlds import DAY, config, maker_of, tables, until

PRESENT = pl.col("channel").is_in(["pos", "atm"])
BOUGHT = pl.col("transaction_type").is_in(["purchase", "withdrawal"])
BUSY = {"purchases_per_card_day": 20.0, "refund_share": 0.05, "reversal_share": 0.05}


def genuine(maker, days: range) -> pl.DataFrame:
    """Rows of days without the frauds."""
    parts = []
    for day in days:
        made = tables(maker, day)
        rows, truth = pl.from_arrow(made["transactions"]), pl.from_arrow(made["truth"])
        parts.append(rows.join(truth, on="transaction_id", how="anti", maintain_order="left"))
    return pl.concat(parts)


def speeds(rows: pl.DataFrame) -> pl.DataFrame:
    """(km, hours) between consecutive card-present purchases of each account's card."""
    placed = rows.filter(PRESENT & BOUGHT).sort("event_time", maintain_order=True)
    earlier = placed.with_columns(
        pl.col("latitude", "longitude", "event_time").shift(1).over("account_id").name.suffix("_0")
    ).drop_nulls("latitude_0")
    first, second = pl.col("latitude_0").radians(), pl.col("latitude").radians()
    east = (pl.col("longitude") - pl.col("longitude_0")).radians()
    half = ((second - first) / 2).sin() ** 2 + first.cos() * second.cos() * (east / 2).sin() ** 2
    hours = (pl.col("event_time") - pl.col("event_time_0")).dt.total_milliseconds() / 3.6e6
    return earlier.select(km=2 * 6371.0 * half.sqrt().arcsin(), hours=hours)


@pytest.fixture(scope="module")
def busy_maker():
    """A world in which cards buy twenty times a day, so that many purchases are close in time."""
    return maker_of(config(activity=BUSY, run=until(DAY + 40)))


@pytest.fixture(scope="module")
def busy(busy_maker) -> pl.DataFrame:
    """Five days of it."""
    return genuine(busy_maker, range(DAY, DAY + 5))


def one_card_accounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of accounts with one card: a replaced card keeps its account."""
    cards = maker_of(config()).world.cards
    account, count = np.unique(cards.account_id, return_counts=True)
    return rows.filter(pl.col("account_id").is_in(account[count == 1].tolist()))


def test_nobody_outruns_an_airliner(busy):
    """No genuine pair of card-present purchases of a card is faster than 900 km/h."""
    pairs = speeds(one_card_accounts(busy))
    near = pairs.filter(pl.col("hours") < 150 / 3600)
    assert near.height > 300
    too_fast = pairs.filter((pl.col("km") > 1) & (pl.col("km") > 900 * pl.col("hours")))
    assert too_fast.height == 0


def test_without_followers_somebody_would(busy_maker):
    """Negative space: with the law of tills switched off, the same test finds violations."""
    free = maker_of(config(activity=BUSY))
    free.tables = replace(free.tables, near_ms=0)
    pairs = speeds(one_card_accounts(genuine(free, range(DAY, DAY + 2))))
    assert pairs.filter((pl.col("km") > 1) & (pl.col("km") > 900 * pl.col("hours"))).height > 20


def test_leaders_are_those_of_the_whole_sequence():
    """Cell by cell the same leaders are found as over all days at once, over midnight too."""
    near = 300_000
    maker = maker_of(config(activity=BUSY | {"travel_share": 0.0}, run=until(DAY + 60)))
    maker.tables = replace(maker.tables, near_ms=near)
    activity, days = maker.shard(0).activity, range(DAY, DAY + 60)
    _, events = activity.days_events(days)
    nth = events.cell // (activity.last_card - activity.first_card)
    ordinary = np.flatnonzero(events.code < 512)
    at_ms = (events.at_ms + nth * 86_400_000)[ordinary]
    order = ordinary[np.lexsort((at_ms, events.card[ordinary]))]
    at_ms = events.at_ms[order] + nth[order] * 86_400_000
    address = own_addresses(events, nth + days.start)
    starts = np.diff(at_ms, prepend=-(10**12)) >= near
    starts |= np.diff(events.card[order], prepend=-1) != 0
    leader = np.maximum.accumulate(np.where(starts, np.arange(order.size), 0))
    wanted = dict(
        zip(order[~starts].tolist(), address[order][leader][~starts].tolist(), strict=True)
    )
    found = dict(zip(events.followers.row.tolist(), events.followers.address.tolist(), strict=True))
    # What follows a row of the day before the first is known to the cell alone.
    first_day = {row for row in found if nth[row] == 0}
    assert {r: a for r, a in found.items() if r not in first_day} == {
        r: a for r, a in wanted.items() if r not in first_day
    }
    followed = np.array(list(found))
    over = days_of(np.array(list(found.values()), dtype=np.uint64)) < nth[followed] + DAY
    assert over.sum() > 20


def test_midnight_utc_is_a_moment_like_any_other(busy_maker):
    """Trips neither pile up before the cut between two cells nor are missing after it."""
    activity = busy_maker.shard(0).activity
    _, events = activity.days_events(range(DAY, DAY + 40))
    quarter = events.at_ms[events.code < 512] // 900_000
    before, after = np.isin(quarter, [94, 95]).sum(), np.isin(quarter, [0, 1]).sum()
    wider = np.isin(quarter, [90, 91, 92, 93]).sum(), np.isin(quarter, [2, 3, 4, 5]).sum()
    assert min(before, after) > 3_000
    # Two quarters apart the level changes by a quarter of what it does in the eight around them.
    assert after / before == pytest.approx((wider[1] / wider[0]) ** 0.25, rel=0.08)


def test_nobody_pays_twice_in_one_breath(busy_maker):
    """Visits of a cell are some seconds apart, at the end of the day, too; their slots stay."""
    activity = busy_maker.shard(0).activity
    card = np.arange(activity.first_card, activity.last_card)
    for day in range(DAY, DAY + 5):
        _, events = activity.days_events(range(day, day + 1))
        visit = events.code < 512
        cell, at_ms = events.cell[visit], events.at_ms[visit]
        order = np.lexsort((at_ms, cell))
        gap, same = np.diff(at_ms[order]), np.diff(cell[order]) == 0
        assert same.sum() > 5 * card.size
        assert gap[same].min() >= activity.tables.visits.apart_ms == 20_000
        assert at_ms.min() >= 0
        assert at_ms.max() < 86_400_000
        near = gap[same & (gap < 45_000)]
        assert near.size > 150
        most = np.unique(near, return_counts=True)[1].max()
        assert most < 0.05 * near.size, "each waits its own time"


def test_payment_runs_keep_no_time_to_the_millisecond():
    """A subscription comes at about its own time of the night, each month and when tried again."""
    maker = maker_of(
        config(
            activity={"recurring_per_card": 6.0},
            fraud={"enabled": False},
            run=until(DAY + 60),
        )
    )
    activity, plan = maker.shard(0).activity, maker.shard(0).activity.plan
    found = []
    for attempt, day in ((0, DAY), (0, DAY + 31), (1, DAY + 1), (2, DAY + 3)):
        position = np.arange(plan.card.size)
        told = (position, np.full(position.size, day), attempt)
        card, at_ms, _ = due_payments(maker.world, activity.calendar, activity.keys, plan, told)
        offset = activity.calendar.offset_minutes(
            maker.world.places.region[maker.world.cards.place[card]],
            told[1],
            np.full(card.size, 43_200_000),
        )
        found.append((at_ms + offset * 60_000) % 86_400_000)
    first, *others = found
    low, high = plan.batch_ms
    for local in found:
        assert low <= local.min()
        assert local.max() < high
    for local in others:
        moved = np.abs(local - first)
        assert moved.max() < plan.spread_ms == 3_000_000
        assert (moved < 1000).mean() < 0.01
        assert moved.mean() == pytest.approx(plan.spread_ms / 3, rel=0.1)


def test_counters_pay_back_where_the_card_is():
    """A refund in a shop is in the city where the card is that day, or where its owner works."""
    maker = maker_of(config(activity={"travel_share": 0.18, "refund_share": 0.15}))
    activity, world = maker.shard(0).activity, maker.world
    rows = genuine(maker, range(DAY, DAY + 12))
    back = rows.filter((pl.col("channel") == "pos") & (pl.col("transaction_type") == "refund"))
    at = {id_: card for card, id_ in enumerate(world.cards.id.tolist())}
    back = back.filter(pl.col("card_id").is_in(sorted(at)))
    card = np.array([at[id_] for id_ in back["card_id"]])
    day = back["event_time"].dt.epoch("d").cast(pl.Int64).to_numpy()
    place, in_transit = activity.places_on(card, day)
    of = {id_: merchant for merchant, id_ in enumerate(world.merchants.id.tolist())}
    shop = world.merchants.place[[of[id_] for id_ in back["merchant_id"]]]
    assert back.height > 200
    assert not in_transit.any()
    assert ((shop == place) | (shop == activity.tables.where.commute.work[card])).all()
    assert (place != world.cards.place[card]).any(), "some are away, and paid back there"


def test_returns_of_followers_repeat_their_row(busy):
    """Refunds and reversals name merchant, till, currency and amount of the row they take back."""
    returns = busy.filter(pl.col("original_transaction_id").is_not_null())
    both = returns.join(
        busy, left_on="original_transaction_id", right_on="transaction_id", suffix="_0"
    )
    assert both.height > 500
    for column in ("merchant_id", "terminal_id", "currency", "amount_minor", "channel"):
        assert (both[column] == both[f"{column}_0"]).all(), column
    before = busy.filter(BOUGHT).sort("event_time", maintain_order=True)
    gap = pl.col("event_time").diff().over("account_id") < datetime.timedelta(seconds=60)
    followed = before.filter(gap)["transaction_id"]
    assert both["original_transaction_id"].is_in(followed.implode()).sum() > 5


def test_pages_are_near_each_other(busy):
    """Who buys online twice within minutes often buys in two shops, at times of two countries."""
    bought = busy.filter(BOUGHT & ~pl.col("is_recurring")).sort("event_time", maintain_order=True)
    # Who was refused tries again at the same page: that is no second purchase.
    earlier = pl.col("event_time", "channel", "merchant_id", "merchant_country", "is_approved")
    pairs = bought.with_columns(earlier.shift(1).over("account_id").name.suffix("_0"))
    gap = pl.col("event_time") - pl.col("event_time_0")
    pairs = pairs.filter("is_approved_0")
    soon = pairs.filter(gap < datetime.timedelta(seconds=60), pl.col("channel_0") == "ecom")
    online = soon.filter(pl.col("channel") == "ecom")
    assert online.height > 200
    other = (online["merchant_id"] != online["merchant_id_0"]).mean()
    abroad = (online["merchant_country"] != online["merchant_country_0"]).mean()
    usual = pairs.filter(gap > datetime.timedelta(hours=2), pl.col("channel_0") == "ecom")
    usual = usual.filter(pl.col("channel") == "ecom")
    assert other == pytest.approx((usual["merchant_id"] != usual["merchant_id_0"]).mean(), abs=0.08)
    assert abroad > 0.02


def cells_of(count: int) -> Cells:
    """Cells of one card on consecutive days."""
    zero = np.zeros(count, dtype=np.int64)
    return Cells(
        card=zero,
        day=np.arange(count) + DAY,
        address=zero.view(np.uint64),
        word=zero.view(np.uint64),
        place=zero,
        in_transit=np.zeros(count, dtype=np.bool_),
        group=zero,
        rate_index=zero,
        unused=zero[:0],
    )


def test_runs_chain_and_break_at_gaps():
    """A run goes on while gaps are short; its leader is its first; a long gap starts anew."""
    at_ms = np.array([900_000, 100_000, 160_000, 50_000, 400_000], dtype=np.int64)
    cell = np.array([0, 0, 0, 0, 1])
    address = np.arange(5, dtype=np.uint64) + 10
    first, count, slot = np.array([0, 4]), np.array([4, 1]), np.array([0, 1, 2, 3, 0])
    by_time = in_time(cell, at_ms, slot)
    visits = Visits(first, count, cell, cell * 0, slot, address, address, at_ms, by_time)
    found = followers(70_000, cells_of(2), visits, lambda at: (at[:0], cells_of(0), none(visits)))
    assert found.row.tolist() == [1, 2]
    assert found.address.tolist() == [13, 13]
    assert found.at_ms.tolist() == [50_000, 50_000]


def none(visits: Visits) -> Visits:
    """No visits."""
    return Visits(*(getattr(visits, name)[:0] for name in Visits.__slots__))


@pytest.fixture(scope="module")
def lives():
    """Half a year of a small world, a day in three, with much fraud: maker and rows."""
    maker = maker_of(
        config(
            fraud={"card_testing_per_card_year": 2.0, "lost_stolen_per_card_year": 2.0},
            activity={"refund_share": 0.05},
            run=until(DAY + 180),
        )
    )
    days = [tables(maker, day)["transactions"] for day in range(DAY, DAY + 180, 3)]
    return maker, pl.concat([pl.from_arrow(day) for day in days])


def test_nothing_is_bought_from_a_closed_merchant(lives):
    """Every purchase, frauds included, is within its merchant's days; and some come close."""
    maker, rows = lives
    merchants = maker.world.merchants
    life = pl.DataFrame(
        {"merchant_id": merchants.id, "from": merchants.opened_day, "to": merchants.closed_day}
    )
    joined = rows.filter(BOUGHT).join(life, on="merchant_id")
    day = pl.col("event_time").dt.epoch("d")
    assert joined.filter((day < pl.col("from")) | (day >= pl.col("to"))).height == 0
    assert joined.filter(day < pl.col("from") + 60).height > 50
    assert joined.filter(day >= pl.col("to") - 60).height > 50


def test_favourites_move_on_to_one_successor():
    """Where a favourite closes for good, its visitors go to a shop that stays."""
    maker = maker_of(config())
    activity = maker.shard(0).activity
    where, merchants = activity.tables.where, maker.world.merchants
    gone = int(np.flatnonzero(merchants.closed_day < 2**30)[0])
    word = np.arange(200, dtype=np.uint64) << np.uint64(40)
    segment = np.full(200, merchants.place[gone])
    asked = np.full(200, gone)
    last = standing(where, asked, (segment, word), np.full(200, merchants.closed_day[gone] - 1))
    after = standing(where, asked, (segment, word), np.full(200, merchants.closed_day[gone]))
    assert (last == gone).all()
    assert (after != gone).all()
    assert (merchants.closed_day[after] > 2**30).all()
    assert (merchants.place[after] == merchants.place[gone]).all()


def test_cards_are_silent_before_opening_and_after_closing(lives):
    """No row of a card, fraud and refunds included, is outside its days; new cards have no past."""
    maker, rows = lives
    cards = maker.world.cards
    life = pl.DataFrame(
        {"account_id": cards.account_id, "from": cards.opened_day, "to": cards.closed_day}
    ).filter((pl.col("from") > DAY - 400) | (pl.col("to") < 2**30))
    joined = one_card_accounts(rows).join(life, on="account_id")
    day = pl.col("event_time").dt.epoch("d")
    assert joined.filter((day < pl.col("from")) | (day >= pl.col("to"))).height == 0
    assert joined.filter((day >= pl.col("from")) & (day < pl.col("from") + 90)).height > 100
    assert joined.filter(pl.col("to") - 90 < day).height > 100


def test_no_compromise_and_no_replacement_outside_a_cards_days(lives):
    """Only live cards are compromised, and a card given up gets no successor."""
    maker, _ = lives
    plan, cards = maker.shard(0).plan, maker.world.cards
    told, reissues = plan.compromises, plan.reissues
    day = told.compromised_ms // 86_400_000
    assert (day >= cards.opened_day[told.card]).all()
    assert (day < cards.closed_day[told.card]).all()
    assert told.card.size > 1000
    day = reissues.reissued_ms // 86_400_000
    assert (day < cards.closed_day[reissues.card]).all()

"""Lives: subscriptions, ways to work, moves and seasons, as the laws say and as rows show."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.addresses import RECURRING, cell_addresses, code
from fauxpay.activity.engine import day_number
from fauxpay.activity.recurring import due_on_day
from fauxpay.activity.streams import Keys
from fauxpay.activity.terms import attempt_slots, attempts_of, term_tables, terms_of
from fauxpay.catalog.world import PROFILES
from fauxpay.foundations.bijection import IdLaw
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker
from worlds import DAY, config, days_tables, maker_of, parameters, tables

LOCAL = pl.col("event_time") + pl.duration(minutes=pl.col("local_offset_minutes"))
MONTHS = 120
EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()


@pytest.fixture(scope="module")
def terms():
    """Terms of 3,000 subscriptions over ten years of months: numbers, factors and what is due."""
    tables_of_terms = term_tables(parameters())
    first = np.datetime64("2025-01-10")
    months = first.astype("datetime64[M]") + np.arange(MONTHS)
    day = np.tile(months.astype("datetime64[D]").astype(np.int64) + 9, 3000)
    card = np.repeat(np.arange(3000), MONTHS)
    own = cell_addresses(card, day) | code(RECURRING, card % 8).view(np.uint64)
    found = terms_of(tables_of_terms, Keys.of(5), own)
    return tuple(part.reshape(3000, MONTHS) for part in (found.address, found.factor, found.is_due))


def test_subscriptions_end_at_the_stated_rate(terms):
    """Three in ten end in a year, and the next has another address, so another merchant."""
    address, _, _ = terms
    changes = (address[:, 1:] != address[:, :-1]).sum()
    per_year = changes / (address[:, 1:].size / 12)
    assert 0.27 < per_year < 0.33
    assert len(set(address[0])) < 20


def test_prices_rise_by_steps_and_stay_between(terms):
    """Within a term the price never falls, rises twice in five years, and else stays."""
    address, factor, _ = terms
    same = address[:, 1:] == address[:, :-1]
    step = factor[:, 1:] / factor[:, :-1]
    assert (step[same] >= 1).all()
    rises = step[same & (step > 1)]
    assert rises.min() > 1.02
    assert rises.max() < 1.21
    assert 0.3 < rises.size / (same.sum() / 12) < 0.42


def test_some_terms_are_idle_and_some_are_billed_yearly(terms):
    """A seventh of the time nothing is billed; a tenth of the others is billed once in a year."""
    address, factor, is_due = terms
    whole = address[:, 12:24] == address[:, 12:13]
    rows = np.flatnonzero(whole.all(axis=1))
    due = is_due[rows, 12:24].sum(axis=1)
    assert set(due.tolist()) == {0, 1, 12}
    assert 0.1 < (due == 0).mean() < 0.2
    assert 0.05 < (due == 1).sum() / (due > 0).sum() < 0.15
    assert (factor[rows[due == 1], 12] >= 10).all()


def test_an_attempt_asks_for_the_payment_of_its_due_day():
    """A retry in the next month is of the due day's term, price and month."""
    found = term_tables(parameters())
    keys, card, due = Keys.of(5), np.arange(500), np.full(500, 20_482)
    slot = card % 8
    first = cell_addresses(card, due) | code(RECURRING, slot).view(np.uint64)
    for attempt, back in enumerate(found.retry_days.tolist()):
        again = code(RECURRING, attempt_slots(slot, attempt)).view(np.uint64)
        own = cell_addresses(card, due + back) | again
        assert (attempts_of(own) == attempt).all()
        wanted, got = terms_of(found, keys, first), terms_of(found, keys, own)
        assert (wanted.address == got.address).all()
        assert (wanted.factor == got.factor).all()
        assert (wanted.is_due == got.is_due).all()


@pytest.fixture(scope="module")
def maker():
    """A small world with many subscriptions."""
    return maker_of(config(activity={"recurring_per_card": 5.0}, fraud={"enabled": False}))


@pytest.fixture(scope="module")
def rows(maker) -> pl.DataFrame:
    """Three weeks of rows with what their ids say: card, event class and attempt."""
    return told(maker)


def told(maker) -> pl.DataFrame:
    """Three weeks of rows of a world, with what their ids say."""
    days = [pl.from_arrow(tables(maker, day)["transactions"]) for day in range(DAY, DAY + 21)]
    made = pl.concat(days)
    word = IdLaw.of(1, "transactions").addresses(made["transaction_id"].to_numpy())
    return made.with_columns(
        card=(word >> np.uint64(30)).astype(np.int64),
        slot=(word & np.uint64(7)).astype(np.int64),
        attempt=((word >> np.uint64(3)) & np.uint64(3)).astype(np.int64),
        hour=LOCAL.dt.hour(),
        weekday=LOCAL.dt.weekday(),
    )


def test_declined_payments_are_tried_again_until_approved(rows, maker):
    """After a decline the payment comes again 1, 3 and 5 days after its due day, then no more."""
    back = dict(enumerate(maker.tables.terms.retry_days.tolist()))
    paid = rows.filter("is_recurring").with_columns(
        day=pl.col("event_time").dt.epoch("d"),
        offset=pl.col("attempt").replace_strict(back, return_dtype=pl.Int64),
    )
    paid = paid.with_columns(due=pl.col("day") - pl.col("offset"))
    tries = {(row["card"], row["slot"], row["due"], row["attempt"]): row for row in paid.to_dicts()}
    assert sum(row["attempt"] > 0 for row in tries.values()) > 30
    for (card, slot, due, attempt), row in tries.items():
        if attempt < 3 and due + back[attempt + 1] < DAY + 21 and due >= DAY:
            again = tries.get((card, slot, due, attempt + 1))
            closed = maker.world.cards.closed_day[card] <= due + back[attempt + 1]
            assert (again is None) == (row["is_approved"] or closed)
            if again is not None:
                assert again["merchant_id"] == row["merchant_id"]
                assert again["amount_minor"] == row["amount_minor"]


def test_what_is_due_in_cells_is_what_is_due_on_their_days():
    """Asked by card or by day, the same payments are due, and so are those to be tried again."""
    split = config(activity={"recurring_per_card": 3.0}, output={"cards_per_shard": 400})
    activity = maker_of(split).shard(1).activity
    assert activity.first_card == 400
    draws = np.random.default_rng(1)
    card = draws.integers(activity.first_card, activity.last_card, 3000)
    day = draws.integers(DAY, DAY + 40, 3000)
    plan, found = activity.plan, activity.due_before(card, day)
    for back, (cell, position) in zip(activity.tables.terms.retry_days, found, strict=True):
        wanted = set()
        for one in np.unique(day).tolist():
            month_day = datetime.date.fromordinal(EPOCH_ORDINAL + one - int(back)).day
            due = due_on_day(plan, month_day)
            asked = np.flatnonzero(day == one)
            at, which = np.nonzero(card[asked][:, None] == plan.card[due])
            wanted |= set(zip(asked[at].tolist(), due[which].tolist(), strict=True))
        got = list(zip(cell.tolist(), position.tolist(), strict=True))
        assert len(got) == len(set(got)) > 50
        assert set(got) == wanted


def test_lunch_is_near_work_and_weekends_are_not(rows, maker):
    """People who work in another city shop there at noon on workdays, and not on weekends."""
    world, where = maker.world, maker.tables.where
    away = (where.commute.work >= 0) & (where.commute.work != where.home)
    assert away.sum() > 20
    pos = rows.filter((pl.col("channel") == "pos") & (pl.col("transaction_type") == "purchase"))
    pos = pos.filter(pl.col("card").is_in(np.flatnonzero(away).tolist()))
    works = [world.cities[world.places.city[place]] for place in where.commute.work]
    at_work = np.array([works[c] == m for c, m in pos.select("card", "merchant_city").iter_rows()])
    noon = ((pos["weekday"] <= 5) & pos["hour"].is_in([11, 12, 13])).to_numpy()
    weekend = (pos["weekday"] >= 6).to_numpy()
    assert at_work[noon].mean() > 0.5
    assert at_work[weekend].mean() < 0.1


def test_fares_are_paid_in_the_commute_hours():
    """Fares are a larger part of what commuters buy at the peaks than of what the retired buy."""
    # With a carrier in most places.
    maker = maker_of(config(catalog={"merchants": 3000}, fraud={"enabled": False}))
    rows = told(maker)
    commuter, retired = PROFILES.index("commuter"), PROFILES.index("retired")
    profile = dict(enumerate(maker.world.cards.profile.tolist()))
    pos = rows.filter((pl.col("channel") == "pos") & (pl.col("weekday") <= 5)).with_columns(
        fare=pl.col("mcc").cast(pl.String).is_in(["4111", "4112", "4131"]),
        profile=pl.col("card").replace_strict(profile, return_dtype=pl.Int64),
        peak=pl.col("hour").is_in([6, 7, 8]),
    )
    goes, stays = (pos.filter(pl.col("profile") == kind) for kind in (commuter, retired))
    assert goes.filter("peak")["fare"].mean() > 2 * goes.filter(~pl.col("peak"))["fare"].mean()
    assert goes.filter("peak")["fare"].mean() > 2 * stays.filter("peak")["fare"].mean()


def test_who_moves_house_shops_in_the_new_city(maker):
    """At home before, nowhere on the day, in the new place afterwards; whole households."""
    activity, cards = maker.shard(0).activity, maker.world.cards
    moves = activity.tables.cells.moves
    mover = np.flatnonzero(moves.is_mover)
    years = float(parameters().value("activity.moving.told_years"))
    assert 0.02 < mover.size / cards.id.size / years < 0.07
    for household in set(cards.household[mover].tolist()):
        of = cards.household == household
        assert len(set(moves.moved_day[of].tolist())) == 1
        assert len(set(moves.place[of].tolist())) == 1
    day = moves.moved_day[mover]
    _, in_transit = activity.places_on(mover, day)
    usual = activity.places_on(mover, day - 40)[0] == cards.place[mover]
    after = activity.places_on(mover, day + 40)[0] == moves.place[mover]
    assert in_transit.mean() > 0.9
    assert usual.mean() > 0.9
    assert after.mean() > 0.9


def test_trips_follow_the_season(maker):
    """More cards are away in July than in February in the north, and fewer in the south."""
    activity, cards = maker.shard(0).activity, maker.world.cards
    july, february = 20_648, 20_498
    goes = activity.tables.cells.season.reshape(len(maker.world.countries), -1)
    for name, ratio in (("US", 1.6 / 0.7), ("BR", 1.3 / 1.2)):
        if name in maker.world.countries:
            row = goes[maker.world.countries.index(name)]
            assert row[july >> 3] / row[february >> 3] == pytest.approx(ratio, rel=0.01)
    card = np.arange(activity.last_card)
    away = [
        sum(activity.places_on(card, day + k)[1].mean() for k in range(28)) / 28
        for day in (february - 14, july - 14)
    ]
    assert away[1] > 1.3 * away[0]
    assert cards.id.size > 500


def test_plans_have_a_few_prices_that_rise_for_all_who_pay_them():
    """A streaming service asks rich and poor the same; after a month all of a plan pay more."""
    first = datetime.date(2025, 1, 1)
    settings = config(
        activity={"recurring_per_card": 6.0, "epoch": first},
        fraud={"enabled": False},
        run={"from": first, "to": datetime.date(2026, 3, 1)},
    )
    facts = load_parameters({"activity.recurring.price_changes_per_year": 3.0})
    maker = PartitionMaker(maker_of(config()).world, settings, facts)
    plans, count = facts.value("activity.recurring.plan_categories"), maker.tables.plans.plans
    paid = {}
    for month in (datetime.date(2025, 2, 3), datetime.date(2026, 2, 3)):
        begin = day_number(month)
        made = [
            pl.from_arrow(day["transactions"])
            for day in days_tables(maker, range(begin, begin + 7))
        ]
        paid[month] = pl.concat(made).filter("is_recurring")
    both = []
    for rows in paid.values():
        listed = rows.filter(pl.col("mcc").is_in(plans)).group_by("merchant_id")
        prices = listed.agg(
            cards=pl.col("card_id").n_unique(), price=pl.col("amount_minor").unique()
        )
        many = prices.filter(pl.col("cards") > 10)
        assert many.height > 5
        # Each plan may be paid by the year, too.
        assert many["price"].list.len().max() <= 2 * count
        own = rows.filter(pl.col("mcc") == "4900")
        assert own["amount_minor"].n_unique() > 0.8 * own["card_id"].n_unique()
        both.append(dict(prices.select("merchant_id", pl.col("price").list.min()).iter_rows()))
    shared = both[0].keys() & both[1].keys()
    risen = [both[1][merchant] > both[0][merchant] for merchant in shared]
    assert len(risen) > 10
    assert sum(risen) > 0.4 * len(risen)


def test_risen_prices_end_as_prices_do():
    """Where prices of a list are whole dollars they are so however often they rose."""
    whole = [0.0, 1.0] + [0.0] * 7
    facts = load_parameters({"activity.countries.default.endings.list": whole})
    settings = config(activity={"recurring_per_card": 6.0}, fraud={"enabled": False})
    maker = PartitionMaker(maker_of(config()).world, settings, facts)
    made = [pl.from_arrow(day["transactions"]) for day in days_tables(maker, range(DAY, DAY + 5))]
    listed = pl.col("mcc").is_in(["4899", "4814", "5815", "5816", "5817", "5818", "7997"])
    paid = pl.concat(made).filter(pl.col("is_recurring") & listed & (pl.col("currency") == "USD"))
    assert paid.height > 100
    assert (paid["amount_minor"] % 100 == 0).all()

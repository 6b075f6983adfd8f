"""Behaviour: time, place, money and manner of genuine rows agree with each other."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from fauxpay.activity import streams
from fauxpay.activity.calendar import CURVE_SLOTS, build_calendar
from fauxpay.activity.engine import day_number
from fauxpay.activity.streams import Field
from fauxpay.catalog.world import OPENINGS
from worlds import DAY, config, days_tables, maker_of, parameters, tables, until

LOCAL = pl.col("event_time") + pl.duration(minutes=pl.col("local_offset_minutes"))


@pytest.fixture(scope="module")
def maker():
    """A plain small world."""
    return maker_of(config())


@pytest.fixture(scope="module")
def rows(maker) -> pl.DataFrame:
    """Four weeks of rows, with the local hour."""
    days = [pl.from_arrow(tables(maker, day)["transactions"]) for day in range(DAY, DAY + 28)]
    return pl.concat(days).with_columns(hour=LOCAL.dt.hour(), weekday=LOCAL.dt.weekday())


def test_fields_of_a_stream_do_not_overlap():
    """No two decisions share a bit of a word."""
    used: dict[str, int] = {}
    for value in vars(streams).values():
        if isinstance(value, Field):
            mask = ((1 << value.width) - 1) << value.shift
            assert value.shift + value.width <= 64
            assert not used.get(value.stream, 0) & mask, value
            used[value.stream] = used.get(value.stream, 0) | mask


def test_nights_are_quiet_and_days_have_a_rhythm(rows):
    """The trough is before dawn and no hour has more than 13 % of a day."""
    share = rows["hour"].value_counts(normalize=True).sort("hour")["proportion"].to_numpy()
    assert share[2:5].sum() < 0.06
    assert 0.06 < share.max() < 0.13
    weekday = rows["weekday"].value_counts(normalize=True).sort("weekday")["proportion"]
    assert weekday[4] == weekday.max()
    assert weekday[6] == weekday.min()


def test_shops_are_open_when_they_are_visited(rows, maker):
    """Nobody buys in person at a shop of office or day hours in the middle of the night."""
    merchants = maker.world.merchants
    opening = dict(zip(merchants.id.tolist(), merchants.opening.tolist(), strict=True))
    night = rows.filter((pl.col("channel") == "pos") & pl.col("hour").is_in([1, 2, 3])).filter(
        pl.col("transaction_type") == "purchase"
    )
    assert night.height > 20
    assert {int(opening[m]) for m in night["merchant_id"]} <= {0, 4, 5}


def test_shops_are_open_when_they_pay_back(rows, maker):
    """Nobody gets money back over the counter of a shop that is shut, or out of business."""
    merchants, hours = maker.world.merchants, maker.parameters.value("activity.opening.open_hours")
    at = {merchant: i for i, merchant in enumerate(merchants.id.tolist())}
    back = rows.filter((pl.col("channel") == "pos") & (pl.col("transaction_type") == "refund"))
    row = np.array([at[merchant] for merchant in back["merchant_id"]])
    chance = np.array([hours[opening] for opening in OPENINGS])
    assert back.height > 200
    assert (back["hour"].to_numpy() < 6).any(), "some come at night"
    assert (chance[merchants.opening[row], back["hour"].to_numpy()] > 0).all()
    day = back["event_time"].dt.epoch("d").to_numpy()
    assert (day < maker.tables.where.closed_day[row]).all()


def test_merchants_agree_with_themselves(rows):
    """A merchant has one country, city, category, currency and place on the map."""
    facts = ["merchant_country", "merchant_city", "mcc", "currency"]
    assert rows.select("merchant_id", *facts).unique().height == rows["merchant_id"].n_unique()
    placed = rows.filter(pl.col("latitude").is_not_null())
    spots = placed.select("merchant_id", "latitude", "longitude").unique()
    assert spots.height == placed["merchant_id"].n_unique()


def test_channel_fits_entry_mode_and_nulls(rows):
    """What does not apply is null; what was entered fits the channel."""
    allowed = {
        "pos": {"chip", "contactless", "magstripe"},
        "atm": {"chip", "contactless", "magstripe"},
        "moto": {"manual"},
        "ecom": {"ecommerce", "credential_on_file"},
    }
    for channel, modes in allowed.items():
        part = rows.filter(pl.col("channel") == channel)
        assert set(part["entry_mode"]) <= modes, channel
        remote = channel in ("ecom", "moto")
        assert (part["latitude"].is_null() == remote).all(), channel
    offline = rows.filter(pl.col("channel") != "ecom")
    assert offline["ip_address"].is_null().all()
    assert offline["device_id"].is_null().all()
    cash = rows.filter(pl.col("channel") == "atm")
    assert set(cash["mcc"]) == {"6011"}
    genuine = cash.filter(pl.col("transaction_type") == "withdrawal")
    assert set(genuine["authentication"]) == {"pin"}


def test_a_shop_pays_back_without_the_customers_machine(rows):
    """Refunds and reversals online name no device, address or browser; purchases entered do."""
    online = rows.filter((pl.col("channel") == "ecom") & ~pl.col("is_recurring"))
    back = pl.col("original_transaction_id").is_not_null()
    for name in ("device_id", "ip_address", "user_agent_family"):
        null = online.group_by(back=back).agg(share=pl.col(name).is_null().mean())
        assert dict(null.iter_rows()) == {True: 1.0, False: 0.0}, name


def test_some_machines_are_met_but_once(rows, maker):
    """Strays are no household's, and some of them no customer comes back to."""
    devices = maker.world.devices
    pool = pl.Series(devices.id[devices.pool_first :])
    stray = rows.filter(pl.col("device_id").is_in(pool.implode()))
    assert stray.height > 250
    of_card = stray.group_by("customer_id").agg(n=pl.len(), kinds=pl.col("device_id").n_unique())
    of_card = of_card.filter(pl.col("n") > 2)
    share = (of_card["kinds"].sum() - of_card.height) / (of_card["n"].sum() - of_card.height)
    assert 0.15 < share < 0.6


def test_guests_use_their_hosts_lines(rows, maker):
    """Some genuine purchases come through another household's line, on one's own machine, too."""
    world, law = maker.world, maker.parameters.section("activity.online")
    device = {id_: i for i, id_ in enumerate(world.devices.id.tolist())}
    line = [int(world.devices.ip_address[i]) for i in range(world.devices.pool_first)]
    online = rows.filter(pl.col("ip_address").is_not_null())
    used = np.array([device[id_] for id_ in online["device_id"]])
    owned = used < world.devices.pool_first
    address = online["ip_address"].to_numpy()
    strange = np.isin(address, line) & (world.devices.ip_address[used] != address)
    assert online.height > 3000
    assert strange[owned].mean() == pytest.approx(law["guest_line_share"], abs=0.012)
    # Who borrows a machine is on its owner's line: together they are no thief's alone.
    assert strange[~owned].mean() == pytest.approx(law["stray_line_share"], abs=0.1)


def test_money_fits_its_currency(rows):
    """Cash is whole notes; yen have no cents; billing is the amount at home."""
    cash = rows.filter((pl.col("channel") == "atm") & (pl.col("currency") == "USD"))
    assert (cash["amount_minor"] % 1000 == 0).all()
    home = rows.filter(pl.col("currency") == pl.col("billing_currency"))
    assert (home["amount_minor"] == home["billing_amount_minor"]).all()
    assert home.height > 0.9 * rows.height
    away = rows.filter(
        (pl.col("currency") == "EUR") & (pl.col("billing_currency") == "USD")
    ).select(pl.col("billing_amount_minor") / pl.col("amount_minor"))
    assert 0.9 < float(np.median(away.to_numpy())) < 1.4
    assert rows["amount_minor"].min() > 0


def test_carriers_have_a_list_of_fares(rows, maker):
    """Whoever rides with a carrier pays one of its few fares; baskets hardly ever cost the same."""
    prices = maker.tables.tickets.prices
    paid = rows.filter(pl.col("transaction_type") == "purchase")
    of = paid.group_by("mcc", "merchant_id").agg(pl.len(), pl.col("amount_minor").n_unique())
    fares = of.filter(pl.col("mcc").is_in(["4111", "4112", "4131", "4784", "7523"]))
    assert fares["amount_minor"].max() <= prices
    assert fares.filter(pl.col("len") > 3 * prices).height > 3
    baskets = of.filter((pl.col("mcc") == "5411") & (pl.col("len") > 3 * prices))
    assert (baskets["amount_minor"] > 2 * prices).all()


def test_declines_have_codes(rows):
    """Approved means code 00 and nothing else does."""
    assert ((rows["response_code"] == "00") == rows["is_approved"]).all()
    assert 0.01 < 1 - rows["is_approved"].mean() < 0.1


def test_a_wrong_pin_was_asked_for():
    """Codes about a PIN stand where one was asked, at chips of tills and at machines."""
    quiet = maker_of(config(fraud={"enabled": False}, run=until(DAY + 56)))
    made = days_tables(quiet, range(DAY, DAY + 56))
    rows = pl.concat([pl.from_arrow(day["transactions"]) for day in made])
    told = rows.filter(pl.col("response_code").is_in(["55", "75"]))
    assert told.height > 20
    assert set(told["authentication"]) == {"pin"}
    assert set(told["channel"]) == {"pos", "atm"}
    assert set(told.filter(pl.col("channel") == "pos")["entry_mode"]) == {"chip"}


def test_favourites_recur(rows):
    """A busy card's first shop takes a fifth of its visits, and there is always a new one."""
    visits = rows.group_by("card_id", "merchant_id").len().sort("len", descending=True)
    cards = (
        visits.group_by("card_id", maintain_order=True)
        .agg(
            pl.col("len").first().alias("top"),
            pl.col("len").sum().alias("all"),
            pl.len().alias("shops"),
        )
        .filter(pl.col("all") >= 30)
    )
    assert 0.1 < (cards["top"] / cards["all"]).mean() < 0.4
    assert (cards["shops"] / cards["all"]).mean() > 0.25


def test_counts_are_over_dispersed(rows):
    """Card-month counts vary far more than Poisson's."""
    count = rows.group_by("card_id").len()["len"]
    assert count.var() / count.mean() > 4


def test_daylight_saving_days_have_23_and_25_hours():
    """On the day the clocks change the local curve moves by one hour of UTC, and not before."""
    day = day_number(datetime.date(2026, 3, 7))
    calendar = build_calendar([("America/New_York", "US")], day, 4, parameters())
    offsets = calendar.offsets.reshape(4, 96)
    assert offsets[0].tolist() == [-300] * 96
    assert sorted(set(offsets[1].tolist())) == [-300, -240]
    assert int((offsets[1] == -240).sum()) == 96 - 28
    assert offsets[2].tolist() == [-240] * 96


def test_curves_follow_local_time():
    """The quietest UTC hours of New York, Calcutta and Tokyo are their own small hours."""
    day = day_number(datetime.date(2026, 5, 13))
    regions = [("America/New_York", "US"), ("Asia/Kolkata", "IN"), ("Asia/Tokyo", "JP")]
    calendar = build_calendar(regions, day, 1, parameters())
    for region, offset in enumerate((-4, 5.5, 9)):
        row = calendar.curve_row[0, region * 6]
        curve = calendar.curves[row * CURVE_SLOTS : (row + 1) * CURVE_SLOTS]
        weight = np.bincount(curve, minlength=96).reshape(24, 4).sum(axis=1)
        quiet = (int(weight.argmin()) + offset) % 24
        assert 1.5 <= quiet <= 4.5, regions[region]


def test_holidays_and_black_friday_move_the_day():
    """Christmas is quiet, its eve's eve and Black Friday are busy, Fridays beat Sundays."""
    first = day_number(datetime.date(2025, 11, 1))
    calendar = build_calendar([("America/Chicago", "US")], first, 61, parameters())
    level = {
        name: int(calendar.rate_steps[day_number(datetime.date(2025, *date)) - first, 1])
        for name, date in {
            "friday": (11, 14),
            "sunday": (11, 16),
            "black": (11, 28),
            "eve": (12, 23),
            "christmas": (12, 25),
        }.items()
    }
    assert level["black"] > level["friday"] > level["sunday"]
    assert level["eve"] > level["christmas"] + 20


def test_travellers_spend_where_they_are():
    """A card away from home buys in person there, and never on the days of the journey."""
    maker = maker_of(config(activity={"travel_share": 0.18}))
    activity = maker.shard(0).activity
    card = np.arange(activity.last_card)
    place, in_transit = activity.places_on(card, DAY)
    moves = activity.tables.cells.moves
    rows = pl.from_arrow(tables(maker, DAY)["transactions"])
    city = dict(zip(maker.world.cards.id.tolist(), place.tolist(), strict=True))
    moving = {int(i) for i in maker.world.cards.id[in_transit]}
    pos = rows.filter((pl.col("channel") == "pos") & (pl.col("transaction_type") == "purchase"))
    names, home = maker.world.cities, maker.world.cards.place
    work = np.where(place == home, activity.tables.where.commute.work, -1)
    near = dict(zip(maker.world.cards.id.tolist(), work.tolist(), strict=True))
    for row in pos.to_dicts():
        if row["card_id"] in city:
            there = (city[row["card_id"]], near[row["card_id"]])
            allowed = {names[maker.world.places.city[place]] for place in there if place >= 0}
            assert row["merchant_city"] in allowed
            assert row["card_id"] not in moving
    away = (place != np.where(moves.moved_day < DAY, moves.place, home)).mean()
    assert 0.05 < away < 0.14


def test_who_is_away_is_not_on_the_line_at_home():
    """Online purchases of travellers never come from their household's address."""
    maker = maker_of(config(activity={"travel_share": 0.18}, fraud={"enabled": False}))
    activity, world = maker.shard(0).activity, maker.world
    rows = pl.concat([pl.from_arrow(tables(maker, DAY + n)["transactions"]) for n in range(12)])
    online = rows.filter(pl.col("ip_address").is_not_null())
    at = {id_: card for card, id_ in enumerate(world.cards.id.tolist())}
    online = online.filter(pl.col("card_id").is_in(sorted(at)))
    card = np.array([at[id_] for id_ in online["card_id"]])
    day = online["event_time"].dt.epoch("d").cast(pl.Int64).to_numpy()
    place, in_transit = activity.places_on(card, day)
    homes = (world.cards.place[card], activity.tables.cells.moves.place[card])
    away = ~in_transit & (place != homes[0]) & (place != homes[1])
    own = activity.tables.sessions.own_device[card]
    home_line = world.devices.ip_address[own] == online["ip_address"].to_numpy()
    assert away.sum() > 80
    assert home_line[away & (own >= 0)].sum() == 0
    assert 0.4 < home_line[~away & (own >= 0)].mean() < 0.6


def test_control_group_has_no_behaviour():
    """Realism v1: same columns, flat hours, and amounts that know nothing of the trade."""
    maker = maker_of(config(activity={"realism": "v1"}))
    rows = pl.concat(
        [pl.from_arrow(tables(maker, day)["transactions"]) for day in range(DAY, DAY + 14)]
    ).with_columns(hour=LOCAL.dt.hour())
    share = rows["hour"].value_counts(normalize=True)["proportion"]
    assert share.max() < 0.055
    assert rows["original_transaction_id"].null_count() == rows.height
    by_trade = (
        rows.filter(pl.col("currency") == "USD")
        .group_by("mcc")
        .agg(pl.col("amount_minor").log().mean().alias("level"), pl.len())
        .filter(pl.col("len") > 150)
    )
    assert by_trade["level"].std() < 0.25

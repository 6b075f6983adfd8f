"""Countries: what differs between them can be seen in the rows that are generated."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.calendar import build_calendar
from fauxpay.activity.engine import day_number, local_quarters
from fauxpay.activity.rows import LOCAL_QUARTERS
from fauxpay.catalog.build import build_catalog
from fauxpay.config.model import Config
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker, world_of
from worlds import days_tables, parameters

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "worlds" / "ten-countries.yaml"
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "JP", "BR", "IN", "ZA", "AE")
DINING = ("5812", "5814", "5813")


@pytest.fixture(scope="module")
def maker() -> PartitionMaker:
    """The example world in small, its countries of equal size, without fraud."""
    example = Config.load(EXAMPLE)
    assert set(example.catalog.countries) == set(COUNTRIES)
    settings = example.with_values(
        {
            "catalog.cards": 9000,
            "catalog.merchants": 5000,
            "catalog.places": 80,
            "catalog.countries": dict.fromkeys(COUNTRIES, 0.1),
            "activity.epoch": datetime.date(2025, 12, 1),
            "run.to": datetime.date(2027, 1, 5),
            "fraud.enabled": False,
        }
    )
    facts = load_parameters(settings.parameters)
    return PartitionMaker(world_of(build_catalog(settings, facts)), settings, facts)


def rows_of(maker: PartitionMaker, first: tuple[int, int, int], count: int) -> pl.DataFrame:
    """Approved rows of UTC days, with country of the card, local time and price in units."""
    begin = day_number(datetime.date(*first))
    made = [
        pl.from_arrow(day["transactions"])
        for day in days_tables(maker, range(begin, begin + count))
    ]
    cards = maker.world.cards
    home = pl.DataFrame(
        {
            "card_id": cards.id,
            "country": np.array(maker.world.countries)[cards.country],
        }
    )
    local = pl.col("event_time") + pl.duration(minutes=pl.col("local_offset_minutes"))
    return (
        pl.concat(made)
        .join(home, on="card_id")
        .filter("is_approved")
        .with_columns(local=local, hour=local.dt.hour(), date=local.dt.date())
    )


@pytest.fixture(scope="module")
def usual(maker) -> pl.DataFrame:
    """Four plain weeks of June, local dates inside only."""
    rows = rows_of(maker, (2026, 5, 31), 30)
    inside = pl.col("date").is_between(datetime.date(2026, 6, 1), datetime.date(2026, 6, 28))
    return rows.filter(inside)


@pytest.fixture(scope="module")
def at_home(usual) -> pl.DataFrame:
    """Purchases and withdrawals in person in the card's own country."""
    in_person = pl.col("channel").is_in(["pos", "atm"])
    genuine = pl.col("transaction_type").is_in(["purchase", "withdrawal"])
    return usual.filter(in_person & genuine & (pl.col("merchant_country") == pl.col("country")))


def share(rows: pl.DataFrame, country: str, condition: pl.Expr) -> float:
    """Share of a country's rows that meet a condition."""
    own = rows.filter(pl.col("country") == country)
    assert own.height > 300, country
    return float(own.select(condition.mean()).item())


def test_yen_are_whole_and_round(at_home):
    """Yen have no cents, most shelf prices end in 0; dollars mostly do not, and .99 is a price."""
    yen = at_home.filter((pl.col("country") == "JP") & (pl.col("channel") == "pos"))
    assert set(yen["currency"]) == {"JPY"}
    assert 0.45 < (yen["amount_minor"] % 10 == 0).mean() < 0.85
    paid = at_home.filter(pl.col("channel") == "pos")
    cents = pl.col("amount_minor") % 100
    assert share(paid, "US", cents % 10 == 0) < 0.4
    for country in ("US", "GB", "ZA"):
        assert 0.04 < share(paid, country, cents == 99) < 0.18, country
    assert share(paid, "BR", cents == 90) > 3 * share(paid, "US", cents == 90)
    assert share(paid, "IN", cents == 0) > 2 * share(paid, "US", cents == 0)


@pytest.mark.parametrize(
    ("country", "note"),
    [("US", 20), ("GB", 10), ("JP", 1000), ("IN", 100), ("ZA", 50), ("AE", 100), ("BR", 10)],
)
def test_cash_comes_in_the_notes_of_the_country(at_home, country, note):
    """Every withdrawal at home is a multiple of the smallest note."""
    cash = at_home.filter((pl.col("channel") == "atm") & (pl.col("country") == country))
    minor = note if country == "JP" else note * 100
    assert cash.height > 50
    assert (cash["amount_minor"] % minor == 0).all()


@pytest.mark.parametrize(
    ("country", "units", "least"), [("US", 100, 0.5), ("GB", 50, 0.5), ("JP", 10_000, 0.8)]
)
def test_round_sums_are_what_most_take_out(at_home, country, units, least):
    """Most withdrawals are sums of a machine's buttons; 130 pounds are not as usual as 100."""
    cash = at_home.filter((pl.col("channel") == "atm") & (pl.col("country") == country))
    minor = units if country == "JP" else units * 100
    is_round = cash["amount_minor"] % minor == 0
    assert least < is_round.mean() < 0.98
    most = cash["amount_minor"].value_counts().sort("count")["amount_minor"][-1]
    assert most % minor == 0


def test_spain_dines_later_than_germany(at_home):
    """Dinner from nine to midnight is a large part of Spanish and a small one of German meals."""
    meals = at_home.filter(pl.col("mcc").is_in(DINING))
    late = {
        country: share(meals, country, pl.col("hour").is_in([21, 22, 23]))
        for country in ("ES", "DE", "US", "AE", "GB")
    }
    assert late["ES"] > 2.0 * late["DE"]
    assert late["ES"] > 1.8 * late["US"]
    assert late["AE"] > 1.8 * late["DE"]


def test_evenings_differ(at_home):
    """Late trains in Japan, cool markets in India, early nights in South Africa."""
    late = {c: share(at_home, c, (pl.col("hour") >= 22) | (pl.col("hour") == 0)) for c in COUNTRIES}
    assert late["JP"] > 1.25 * late["ZA"]
    assert late["AE"] > 1.5 * late["DE"]
    markets = pl.col("hour").is_in([19, 20, 21])
    assert share(at_home, "IN", markets) > 1.3 * share(at_home, "ZA", markets)


def test_weeks_differ(at_home):
    """German Sundays are shut, Japanese are not; Saturday is a day of rest in the Emirates."""
    sunday = {c: share(at_home, c, pl.col("local").dt.weekday() == 7) for c in COUNTRIES}
    assert sunday["DE"] < 0.6 * sunday["JP"]
    assert sunday["US"] > 1.3 * sunday["DE"]
    noon = pl.col("hour").is_in([12, 13])
    friday = at_home.filter(pl.col("local").dt.weekday() == 5)
    thursday = at_home.filter(pl.col("local").dt.weekday() == 4)
    assert share(friday, "AE", noon) < 0.85 * share(thursday, "AE", noon)
    assert share(friday, "FR", noon) > 0.9 * share(thursday, "FR", noon)


SHOPS = ("5411", "5651", "5691", "5621", "5661", "5732", "5912", "5200", "5251", "7230")


def test_german_shops_are_shut_on_sundays_and_kitchens_are_not(at_home):
    """Few shops sell on a German Sunday; who is out eats, and at home one buys online."""
    sunday = pl.col("local").dt.weekday() == 7
    shops = at_home.filter(pl.col("mcc").is_in(SHOPS))
    meals = at_home.filter(pl.col("mcc").is_in(DINING))
    assert share(shops, "DE", sunday) < 0.02
    assert share(meals, "DE", sunday) > 0.07
    assert share(shops, "US", sunday) > 0.1
    assert share(shops, "DE", sunday) < share(shops, "FR", sunday) < share(shops, "GB", sunday)


def test_public_holidays_are_days_of_rest(maker):
    """On Ascension Day, a Thursday, German shops are shut, and nobody goes to work."""
    rows = rows_of(maker, (2026, 5, 13), 3).filter(
        (pl.col("channel") == "pos") & (pl.col("merchant_country") == "DE")
    )
    found = {}
    for day in (13, 14, 15):
        own = rows.filter(pl.col("date") == datetime.date(2026, 5, day))
        found[day] = (own["mcc"].is_in(SHOPS)).mean()
    assert found[14] < 0.15 * found[13]
    assert found[15] > 0.8 * found[13]


def test_bars_fill_up_towards_the_weekend(at_home):
    """Friday and Saturday are the days of bars by more than they are those of shops."""
    ends = pl.col("local").dt.weekday().is_in([5, 6])
    begins = pl.col("local").dt.weekday().is_in([1, 2])
    own = at_home.filter(pl.col("country") != "DE")
    ratio = {}
    for name, trades in (("bars", ("5813",)), ("shops", ("5411",))):
        of = own.filter(pl.col("mcc").is_in(trades))
        ratio[name] = of.filter(ends).height / of.filter(begins).height
    assert ratio["bars"] > 1.25 * ratio["shops"]


def test_taps_cash_and_codes_differ(usual, at_home):
    """Britain taps more than Japan, India draws more cash than America and asks for codes."""
    paid = at_home.filter(pl.col("channel") == "pos")
    tap = {c: share(paid, c, pl.col("entry_mode") == "contactless") for c in COUNTRIES}
    assert tap["GB"] > tap["US"] + 0.1
    assert tap["GB"] > tap["JP"] + 0.1
    cash = {c: share(at_home, c, pl.col("channel") == "atm") for c in COUNTRIES}
    assert cash["IN"] > 2 * cash["US"]
    online = usual.filter(pl.col("entry_mode") == "ecommerce")
    code = {c: share(online, c, pl.col("authentication") == "otp") for c in ("IN", "US")}
    assert code["IN"] > 3 * code["US"]


def test_declines_differ(maker):
    """Brazil and India decline more than Japan."""
    begin = day_number(datetime.date(2026, 6, 1))
    made = [pl.from_arrow(d["transactions"]) for d in days_tables(maker, range(begin, begin + 14))]
    cards = maker.world.cards
    home = pl.DataFrame(
        {"card_id": cards.id, "country": np.array(maker.world.countries)[cards.country]}
    )
    rows = pl.concat(made).join(home, on="card_id")
    declined = {c: share(rows, c, ~pl.col("is_approved")) for c in ("BR", "IN", "JP")}
    assert declined["BR"] > 1.5 * declined["JP"]
    assert declined["IN"] > 1.5 * declined["JP"]


def daily(rows: pl.DataFrame, country: str, first: tuple[int, int, int], days: int) -> np.ndarray:
    """Purchases a local date of a country's cards."""
    begin = datetime.date(*first)
    wanted = pl.DataFrame({"date": [begin + datetime.timedelta(days=step) for step in range(days)]})
    own = rows.filter((pl.col("country") == country) & (pl.col("transaction_type") == "purchase"))
    counted = wanted.join(own.group_by("date").len(), on="date", how="left").sort("date")
    return counted["len"].fill_null(0).to_numpy()


def test_ramadan_moves_the_emirates_into_the_night(maker):
    """In the fast purchases move from the day into the night; elsewhere nothing moves."""
    before = rows_of(maker, (2026, 1, 19), 14)
    fast = rows_of(maker, (2026, 2, 23), 14)
    night = pl.col("hour").is_in([21, 22, 23, 0, 1, 2])
    day = pl.col("hour").is_in(range(7, 17))
    assert share(fast, "AE", night) > 1.8 * share(before, "AE", night)
    assert share(fast, "AE", day) < 0.75 * share(before, "AE", day)
    assert share(fast, "IN", night) == pytest.approx(share(before, "IN", night), abs=0.03)


def test_diwali_lifts_india(maker):
    """The week before Diwali 2026 (8 November) is busier than one of September, in India."""
    plain = rows_of(maker, (2026, 9, 13), 9)
    feast = rows_of(maker, (2026, 11, 1), 8)
    lift = {
        c: daily(feast, c, (2026, 11, 2), 6).sum() / daily(plain, c, (2026, 9, 14), 6).sum()
        for c in ("IN", "ZA")
    }
    assert lift["IN"] > 1.15
    assert lift["IN"] > lift["ZA"] + 0.1


def test_christmas_is_quiet_where_it_is_kept(maker):
    """25 December empties Britain and not Japan, whose week ends as it began."""
    rows = rows_of(maker, (2026, 12, 15), 13)
    december = {c: daily(rows, c, (2026, 12, 16), 10) for c in ("GB", "DE", "JP", "AE")}
    for country in ("GB", "DE"):
        assert december[country][9] < 0.5 * december[country][:7].mean(), country
    assert december["JP"][9] > 0.8 * december["JP"][:7].mean()


def test_people_spend_on_payday(maker, usual):
    """Japan is paid on the 25th; on it and the day after more is bought than a week earlier."""
    # Thursday 25 June against Thursday 18 June 2026.
    paid = daily(usual, "JP", (2026, 6, 25), 2).sum() / daily(usual, "JP", (2026, 6, 18), 2).sum()
    assert 1.15 < paid < 2.2
    other = daily(usual, "BR", (2026, 6, 25), 2).sum() / daily(usual, "BR", (2026, 6, 18), 2).sum()
    assert other < paid - 0.1


def test_black_friday_is_american_and_brazilian(maker):
    """The Friday after Thanksgiving beats the two weeks before it, in the US and Brazil most."""
    rows = rows_of(maker, (2026, 11, 12), 18)
    lift = {}
    for country in ("US", "BR", "IN"):
        days = daily(rows, country, (2026, 11, 13), 15)
        lift[country] = days[14] / days[:14].mean()
    assert lift["US"] > 1.08
    assert lift["BR"] > 1.08
    assert lift["IN"] < min(lift["US"], lift["BR"])


def test_trips_lead_to_neighbours_and_to_the_sun(maker):
    """Germans abroad are in France rather than in Japan; more Britons leave than Indians."""
    activity = maker.shard(0).activity
    world = maker.world
    card = np.tile(np.arange(activity.last_card), 40)
    day = np.repeat(np.arange(40) * 9 + day_number(datetime.date(2026, 1, 1)), activity.last_card)
    place, in_transit = activity.places_on(card, day)
    there = world.places.country[place[~in_transit]]
    home = world.cards.country[card[~in_transit]]
    of = {code: index for index, code in enumerate(world.countries)}
    abroad = there != home
    from_germany = np.bincount(there[abroad & (home == of["DE"])], minlength=len(of))
    assert from_germany[of["FR"]] > 3 * from_germany[of["JP"]]
    assert from_germany[of["ES"]] > 3 * from_germany[of["BR"]]
    rate = {c: (abroad & (home == of[c])).sum() / (home == of[c]).sum() for c in ("GB", "IN", "AE")}
    assert rate["GB"] > 3 * rate["IN"]
    assert rate["AE"] > rate["GB"]


def test_remote_shops_abroad_are_those_that_sell_abroad(usual):
    """The Emirates buy abroad far more than the US; what is bought abroad is mostly American."""
    online = usual.filter((pl.col("channel") == "ecom") & ~pl.col("is_recurring"))
    crosses = pl.col("merchant_country") != pl.col("country")
    assert share(online, "AE", crosses) > 3 * share(online, "US", crosses)
    foreign = online.filter(crosses & (pl.col("country") != "US"))["merchant_country"]
    counted = foreign.value_counts().sort("count", descending=True)
    assert counted["merchant_country"][0] == "US"
    assert set(counted["merchant_country"]) == set(COUNTRIES)


def test_prices_differ_as_incomes_do(at_home):
    """The same basket is dearer in the US than in India, in dollars of one day."""
    level = {}
    for country, per_dollar in (("US", 1.0), ("IN", 85.0)):
        own = at_home.filter((pl.col("country") == country) & (pl.col("mcc") == "5411"))
        assert own.height > 60
        level[country] = own["amount_minor"].median() / 100 / per_dollar
    assert level["IN"] < 0.5 * level["US"]


def test_every_pack_can_be_read():
    """Each of the ten countries, and any other, has all facts."""
    default = parameters().of_country("XX")
    for country in COUNTRIES:
        own = parameters().of_country(country)
        assert own.keys() == default.keys()
        assert own != default


def test_cyber_monday_is_online(maker):
    """On Cyber Monday Americans buy a larger part online than on Mondays before, Indians do not."""
    rows = rows_of(maker, (2026, 11, 15), 17).filter(~pl.col("is_recurring"))
    monday = pl.col("date") == datetime.date(2026, 11, 30)
    before = pl.col("date").is_in([datetime.date(2026, 11, 16), datetime.date(2026, 11, 23)])
    lift = {
        c: share(rows.filter(monday), c, pl.col("channel") == "ecom")
        / share(rows.filter(before), c, pl.col("channel") == "ecom")
        for c in ("US", "IN")
    }
    assert lift["US"] > 1.25
    assert lift["IN"] < 1.15


def test_sales_begin_at_local_midnight():
    """The block of a quarter-hour is that of the local date, on either side of the UTC day."""
    day = day_number(datetime.date(2026, 11, 30))  # Cyber Monday, a Monday in UTC
    at_ms = np.array([0, 12, 23]) * 3_600_000
    own = build_calendar([("Africa/Abidjan", "GB")], day - 20, 25, parameters())
    region = np.zeros(3, dtype=np.int64)
    for minutes, blocks in ((0, [3, 3, 3]), (-360, [2, 3, 3]), (540, [3, 3, 0])):
        offset = np.full(3, minutes)
        quarter = local_quarters(own, (region, day), at_ms, offset)
        assert (quarter // LOCAL_QUARTERS).tolist() == blocks
        plain = local_quarters(own, (region, day - 14), at_ms, offset)
        assert (plain == quarter % LOCAL_QUARTERS).all()
        assert (local_quarters(own, (region, np.full(3, day)), at_ms, offset) == quarter).all()
    assert local_quarters(own, (region[:0], day), at_ms[:0], region[:0]).size == 0


def test_cards_of_unnamed_currencies_tap_too():
    """A limit that nobody named is worth as much as elsewhere, in units of the card's currency."""
    named = parameters().value("activity.entry.contactless_limit_units")
    assert not {"KRW", "HUF", "CNY"} & set(named)
    settings = Config(
        catalog={
            "cards": 1200,
            "merchants": 1500,
            "places": 24,
            "countries": {"KR": 0.25, "HU": 0.25, "CN": 0.25, "US": 0.25},
        },
        fraud={"enabled": False},
    )
    own = PartitionMaker(world_of(build_catalog(settings, parameters())), settings, parameters())
    most = own.tables.outcomes.ceiling.reshape(len(own.world.currencies), -1).max(axis=1)
    limit = dict(zip(own.world.currencies, most.tolist(), strict=True))
    assert limit["USD"] == named["USD"] * 100
    assert 50_000 <= limit["KRW"] <= 90_000
    assert 10_000_00 <= limit["HUF"] <= 20_000_00
    assert 300_00 <= limit["CNY"] <= 400_00
    paid = rows_of(own, (2026, 3, 2), 14).filter(pl.col("channel") == "pos")
    for country in ("KR", "HU", "CN"):
        assert share(paid, country, pl.col("entry_mode") == "contactless") > 0.33, country

"""Postings: who posts, when, with which other amount, and what changes none of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from fauxpay.activity.rows import POS, PURCHASE
from fauxpay.clearing.postings import Authorised, open_clearing, posted
from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.members import Members
from fauxpay.contracts.tables import table
from fauxpay.errors import ConfigError
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker
from worlds import DAY, config, days_tables, maker_of, parameters, same, tables, until

POSTINGS = table("activity.yaml#/$defs/postings")
TRANSACTIONS = "activity.yaml#/$defs/transactions"
# Sunday 2026-03-01 to Saturday 2026-03-28: four whole weeks, no holiday of the default countries
# but Japan's Vernal Equinox Day.
WEEKS = range(DAY - 1, DAY + 27)
BUSY = {"card_testing_per_card_year": 3.0, "lost_stolen_per_card_year": 3.0}


def joined(made: list[dict[str, pa.Table]]) -> pl.DataFrame:
    """Transactions of days with their postings; `wait` in days, null where nothing was posted."""
    rows = pl.concat([pl.from_arrow(day["transactions"]) for day in made])
    posted = pl.concat([pl.from_arrow(day["postings"]) for day in made])
    wait = (pl.col("posted_on") - pl.col("event_time").dt.date()).dt.total_days()
    return rows.join(posted, on="transaction_id", how="left").with_columns(
        wait=wait, weekday=pl.col("event_time").dt.weekday()
    )


@pytest.fixture(scope="module")
def month() -> pl.DataFrame:
    """Four weeks of a small world."""
    return joined(days_tables(maker_of(config()), WEEKS))


@pytest.fixture(scope="module")
def day() -> dict[str, pa.Table]:
    """One day with much fraud."""
    return tables(maker_of(config(fraud=BUSY)), DAY)


def shares(rows: pl.DataFrame) -> dict[int, float]:
    """Share of the postings by their wait."""
    posted = rows.filter(pl.col("wait").is_not_null())
    counts = posted.group_by("wait").len().sort("wait")
    return {wait: count / posted.height for wait, count in counts.iter_rows()}


def test_postings_satisfy_their_contract(day):
    """Every posting is shaped as stated and points to a transaction of its day."""
    members = {TRANSACTIONS: Members.of(day["transactions"]["transaction_id"].to_numpy())}
    assert day["postings"].num_rows > 500
    assert check_batch(POSTINGS, day["postings"], members) == []


def test_what_posts(month):
    """Approved purchases, withdrawals and refunds post; declines, reversals and reversed do not."""
    undone = month.filter(pl.col("transaction_type") == "reversal")["original_transaction_id"]
    assert undone.len() > 50
    kept = (
        pl.col("is_approved")
        & (pl.col("transaction_type") != "reversal")
        & ~pl.col("transaction_id").is_in(undone.implode())
    )
    told = month.with_columns(due=kept, posts=pl.col("wait").is_not_null())
    assert told.filter(pl.col("due") != pl.col("posts")).height == 0
    refunds = told.filter(pl.col("transaction_type") == "refund")
    assert refunds.height > 100
    assert refunds["posts"].all()
    assert told.filter(~pl.col("is_approved")).height > 300


def test_most_post_within_three_days(month):
    """REALISM row 14: at least 95 % within 3 days; about three quarters on the next."""
    found = shares(month)
    assert sum(share for wait, share in found.items() if wait <= 3) >= 0.97
    assert found[1] == pytest.approx(0.76, abs=0.08)
    assert found[2] == pytest.approx(0.09, abs=0.06)
    assert found[3] == pytest.approx(0.13, abs=0.04)
    assert min(found) == 0
    assert max(found) > 3


def test_weekdays_have_their_own_lags(month):
    """Friday's purchases come on Monday, Saturday's, too; of all other days on the next."""
    western = month.filter(pl.col("billing_currency") != "JPY")
    by_day = {day: shares(western.filter(pl.col("weekday") == day)) for day in range(1, 8)}
    for weekday in (1, 2, 3, 4, 7):
        assert by_day[weekday][1] > 0.85, weekday
    assert by_day[5][3] > 0.55
    assert by_day[6][2] > 0.55
    # A third of the accounts, of which the busiest make much of a small world.
    assert by_day[5][1] == pytest.approx(0.33, abs=0.12)
    assert by_day[6].get(3, 0) < 0.08


def test_classes_differ(month):
    """Cash is in the books on its own day, hotels and pumps later than shops."""
    midweek = month.filter(pl.col("weekday").is_in([1, 2, 3]) & pl.col("wait").is_not_null())

    def mean(*mccs: str) -> float:
        return midweek.filter(pl.col("mcc").cast(pl.String).is_in(mccs))["wait"].mean()

    assert mean("6011") < 0.7
    assert mean("5411") == pytest.approx(1.07, abs=0.06)
    assert mean("5541", "5542") > mean("5411")
    assert mean("7011") > mean("5541", "5542")


def test_amounts_differ_where_they_are_known_late(month):
    """American tips, pumps and hotels alone, at terminals, inside their bounds."""
    posted = month.filter(pl.col("wait").is_not_null()).with_columns(
        ratio=pl.col("posted_amount_minor") / pl.col("billing_amount_minor"),
        mcc=pl.col("mcc").cast(pl.String),
    )
    changed = posted.filter(pl.col("posted_amount_minor") != pl.col("billing_amount_minor"))
    assert changed.height > 100
    tips = posted.filter(pl.col("mcc").is_in(["5812", "5813"]) & (pl.col("channel") == "pos"))
    american = tips.filter(
        (pl.col("merchant_country") == "US") & (pl.col("transaction_type") == "purchase")
    )
    tipped = american.filter(pl.col("posted_amount_minor") != pl.col("billing_amount_minor"))
    assert tipped.height / american.height == pytest.approx(0.55, abs=0.06)
    assert tipped.filter(pl.col("billing_amount_minor") > 500)["ratio"].is_between(1.14, 1.26).all()
    allowed = (
        (pl.col("mcc").is_in(["5812", "5813"]) & (pl.col("merchant_country") == "US"))
        | pl.col("mcc").is_in(["5542", "7011"])
    ) & ((pl.col("channel") == "pos") & pl.col("transaction_type").is_in(["purchase", "refund"]))
    assert changed.filter(~allowed).height == 0
    assert changed.filter(pl.col("mcc") == "5542")["ratio"].max() <= 1.0
    assert posted["posted_amount_minor"].min() >= 1
    currencies = posted["posted_currency"].cast(pl.String)
    assert (currencies == posted["billing_currency"].cast(pl.String)).all()


@pytest.mark.parametrize("stretch", [1, 14, 56])
def test_refunds_give_back_what_was_posted(stretch):
    """Never more, never less and never before the purchase, genuine or not, by any stretch."""
    settings = config(
        activity={"refund_share": 0.2},
        fraud={"refund_abuse_per_card_year": 3.0},
        run=until(DAY + 56),
    )
    # Where sums change after the card was asked, hardly anything is taken back.
    shares = parameters().value("activity.returns.category_share")
    facts = load_parameters({"activity.returns.category_share": dict.fromkeys(shares, 0.5)})
    own = PartitionMaker(maker_of(settings).world, settings, facts)
    days = range(DAY, DAY + 56)
    made = [
        one
        for start in range(days.start, days.stop, stretch)
        for one in days_tables(own, range(start, start + stretch))
    ]
    rows = joined(made)
    truth = pl.concat([pl.from_arrow(day["truth"]) for day in made])
    abused = truth.filter(pl.col("typology") == "refund_abuse")["transaction_id"]
    columns = ["billing_amount_minor", "posted_amount_minor", "posted_on"]
    back = rows.filter(pl.col("transaction_type") == "refund").join(
        rows.select("transaction_id", *columns),
        left_on="original_transaction_id",
        right_on="transaction_id",
        suffix="_of_purchase",
    )
    assert back["transaction_id"].is_in(abused.implode()).sum() > 30
    assert (back["posted_on"] >= back["posted_on_of_purchase"]).all()
    # Bought and given back at different rates of exchange: only like is held against like.
    same_rate = back.filter(
        pl.col("billing_amount_minor") == pl.col("billing_amount_minor_of_purchase")
    )
    changed = pl.col("posted_amount_minor") != pl.col("billing_amount_minor")
    assert same_rate.filter(changed).height > 50
    assert (same_rate["posted_amount_minor"] == same_rate["posted_amount_minor_of_purchase"]).all()


def test_the_control_group_knows_no_weekday():
    """Realism v1: all lags of 0 to 6 days alike, whatever the day, and every amount as it was."""
    rows = joined(days_tables(maker_of(config(activity={"realism": "v1"})), WEEKS))
    assert list(shares(rows)) == list(range(7))
    for weekday in range(1, 8):
        found = shares(rows.filter(pl.col("weekday") == weekday))
        assert max(found.values()) < 0.18
    posted = rows.filter(pl.col("wait").is_not_null())
    assert posted.height == rows["is_approved"].sum()
    assert (posted["posted_amount_minor"] == posted["billing_amount_minor"]).all()


@pytest.mark.parametrize("chunk_rows", [256, 7777])
@pytest.mark.parametrize("row_group_rows", [1024, 131_072])
def test_chunks_and_row_groups_change_nothing(day, chunk_rows, row_group_rows):
    """Metamorphic: postings are the same however their transactions are filled."""
    output, run = {"row_group_rows": row_group_rows}, {"chunk_rows": chunk_rows}
    made = tables(maker_of(config(fraud=BUSY, output=output, run=run)), DAY)
    assert same(made["postings"], day["postings"])


def test_stretches_change_nothing():
    """Metamorphic: days made together have the postings of days made alone, across windows."""
    settings = config(fraud=BUSY, output={"row_group_rows": 1500}, run={"chunk_rows": 400})
    together = days_tables(maker_of(settings), range(DAY, DAY + 9))
    for nth in (0, 1, 4, 5, 8):
        alone = tables(maker_of(settings), DAY + nth)
        assert same(together[nth]["postings"], alone["postings"])


def test_shards_hold_the_same_postings(day):
    """Metamorphic: cards cut into shards have the same postings."""
    maker = maker_of(config(fraud=BUSY, output={"cards_per_shard": 400}))
    parts = [pl.from_arrow(tables(maker, DAY, shard)["postings"]) for shard in range(3)]
    cut = pl.concat(parts).sort("transaction_id")
    assert cut.to_dicts() == pl.from_arrow(day["postings"]).sort("transaction_id").to_dicts()


def test_fraud_changes_no_posting_of_others(day):
    """Metamorphic: without fraud every genuine posting stands; thieves' are posted like any."""
    off = pl.from_arrow(tables(maker_of(config(fraud={"enabled": False})), DAY)["postings"])
    on, truth = pl.from_arrow(day["postings"]), pl.from_arrow(day["truth"])
    genuine = on.join(truth, on="transaction_id", how="anti")
    assert genuine.sort("transaction_id").to_dicts() == off.sort("transaction_id").to_dicts()
    approved = pl.from_arrow(day["transactions"]).filter("is_approved")
    stolen = approved.join(truth, on="transaction_id", how="semi")
    assert stolen.height > 5
    assert on.join(stolen, on="transaction_id", how="semi").height == stolen.height


def test_more_cards_leave_other_postings_alone(day):
    """Metamorphic: a world with more cards has every posting of the smaller one."""
    larger = pl.from_arrow(
        tables(maker_of(config(fraud=BUSY, catalog={"cards": 1000})), DAY)["postings"]
    )
    small = pl.from_arrow(day["postings"])
    kept = larger.join(small.select("transaction_id"), on="transaction_id", how="semi")
    assert kept.sort("transaction_id").to_dicts() == small.sort("transaction_id").to_dicts()
    assert kept.height < larger.height


def test_postings_off_changes_no_row(day):
    """Metamorphic: without postings the transactions, truth and labels are the same."""
    made = tables(maker_of(config(fraud=BUSY, activity={"postings": False})), DAY)
    assert made["postings"].num_rows == 0
    for name in ("transactions", "truth", "labels"):
        assert same(made[name], day[name])


def test_seeds_move_lags_but_not_books(day):
    """Another seed draws other lags; which issuer keeps which books is of the world."""
    settings = config(fraud=BUSY, run={"seed": 2})
    world = maker_of(settings).world
    first = open_clearing(world, config(fraud=BUSY), parameters())
    other = open_clearing(world, settings, parameters())
    assert first.key != other.key
    assert (first.books.of_card == other.books.of_card).all()


def test_no_column_tells_of_fraud(day):
    """Among approved purchases online, which all post alike, thieves' lags are those of others."""
    made = days_tables(maker_of(config(fraud=BUSY)), range(DAY, DAY + 21))
    truth = pl.concat([pl.from_arrow(one["truth"]) for one in made])
    rows = joined(made).filter(
        pl.col("is_approved") & (pl.col("channel") == "ecom") & pl.col("wait").is_not_null()
    )
    midweek = rows.filter(pl.col("weekday").is_in([1, 2, 3, 4]))
    stolen = midweek.join(truth, on="transaction_id", how="semi")
    others = midweek.join(truth, on="transaction_id", how="anti")
    assert stolen.height > 100
    assert shares(stolen)[1] == pytest.approx(shares(others)[1], abs=0.05)
    assert day["postings"].schema.names == list(POSTINGS.names)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("class_of_category", {"6011": "night"}, "6011 is 'night'; expected one of cash, fuel"),
        ("completion.law_of_category", {"5812": "gift"}, "expected one of pump, stay, tip"),
        ("completion.factor", {"pump": [0.0, 1.0]}, "above 0"),
        ("completion.factor", {"tip": [1.3, 1.2]}, "expected the lowest"),
        ("lag_business_days", {"cash": [0.5, 0.4, 0.0, 0.0, 0.0, 0.0]}, "sum to 1"),
        ("completion.share", {"pump": {"default": 1.5}}, "from 0 to 1"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(name, change, told):
    """Negative space: an overridden parameter that leads nowhere says what is expected."""
    full = f"clearing.{name}"
    world = maker_of(config()).world

    def opened():
        changed = load_parameters({full: {**parameters().value(full), **change}})
        return open_clearing(world, config(), changed)

    with pytest.raises(ConfigError, match=told):
        opened()


def test_the_control_group_s_lag_has_bounds():
    """A lag beyond any calendar's horizon is refused."""
    changed = load_parameters({"clearing.control_lag_days_max": 31})
    with pytest.raises(ConfigError, match="expected 0 to 30 days"):
        open_clearing(maker_of(config()).world, config(), changed)
    for longest in (0, 30):
        fits = load_parameters({"clearing.control_lag_days_max": longest})
        control = config(activity={"realism": "v1"})
        opened = open_clearing(maker_of(config()).world, control, fits)
        assert opened.lag_count == opened.lag.max() + 1 == longest + 1


def test_final_amounts_are_between_their_factors_and_never_nothing():
    """A cent at a pump stays a cent; factors lie inside of their bounds, and evenly."""
    name = "clearing.completion.factor"
    changed = load_parameters({name: {**parameters().value(name), "pump": [0.05, 0.9]}})
    world, facts = maker_of(config()).world, changed.section("clearing")["completion"]
    opened = open_clearing(world, config(), changed)
    for own, (low, high) in zip(
        np.split(opened.factor, len(facts["factor"])),
        (facts["factor"][name] for name in sorted(facts["factor"])),
        strict=True,
    ):
        assert low < own.min() < own.max() < high
        assert own.mean() == pytest.approx((low + high) / 2)
    pump = np.flatnonzero(np.array(world.mccs)[world.merchants.mcc] == "5542")[:1]
    rows = Authorised(
        address=np.arange(1, 401, dtype=np.uint64),
        card=np.zeros(400, dtype=np.int64),
        merchant=np.repeat(pump, 400),
        nth=0,
        amount=np.ones(400, dtype=np.int64),
        channel=np.full(400, POS, dtype=np.int8),
        kind=np.full(400, PURCHASE, dtype=np.int8),
        refunds=(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int64)),
    )
    waits = opened.books.waits(range(DAY, DAY + 1), opened.lag_count)
    assert set(posted(opened, waits, rows)[1].tolist()) == {1}
    dear = posted(opened, waits, replace(rows, amount=np.full(400, 10_000)))[1]
    low, high = facts["factor"]["pump"]
    assert 10_000 * low <= dear.min() < 10_000 * (low + high) / 2 < dear.max() <= 10_000


def test_a_parameter_moves_what_it_says():
    """Metamorphic: without books that never close nothing is posted on a weekend."""
    changed = load_parameters({"clearing.daily_books_share": 0.0})
    world = maker_of(config()).world
    maker = PartitionMaker(world, config(), changed)
    rows = joined(days_tables(maker, range(DAY, DAY + 7)))
    posted = rows.filter(pl.col("wait").is_not_null())
    assert posted["posted_on"].dt.weekday().max() == 5
    assert posted.height > 5000

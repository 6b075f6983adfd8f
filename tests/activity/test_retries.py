"""Second tries: who is refused asks again, at the same shop, and is answered as the account is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.addresses import RETRY, TRY_SHIFT, classes, slots_of, tried_first
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker
from worlds import DAY, config, days_tables, maker_of, parameters, transactions, until

DAYS = range(DAY, DAY + 45)
RUN = until(DAYS.stop)
WORLD = {"cards": 3000, "merchants": 1200, "places": 30}
LAW = parameters().section("activity.retries")
PRESENT = pl.col("channel").is_in(["pos", "atm"])


def named(maker: PartitionMaker, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with what their ids say: the class, which try it is, and the visit tried first."""
    address = maker.transaction_ids.addresses(rows["transaction_id"].to_numpy())
    is_retry = classes(address) == RETRY
    first = maker.transaction_ids.ids(tried_first(address))
    return rows.with_columns(
        pl.col("response_code", "channel").cast(pl.String),
        is_retry=pl.Series(is_retry),
        is_visit=pl.Series(classes(address) == 0),
        nth=pl.Series(np.where(is_retry, 1 + (slots_of(address) >> TRY_SHIFT), 0)),
        first=pl.Series(first),
    )


def month(maker: PartitionMaker, days: range = DAYS) -> pl.DataFrame:
    """All transactions of days, named."""
    parts = [pl.from_arrow(day["transactions"]) for day in days_tables(maker, days)]
    return named(maker, pl.concat(parts))


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Six weeks of customers alone."""
    return month(maker_of(config(catalog=WORLD, fraud={"enabled": False}, run=RUN)))


@pytest.fixture(scope="module")
def tries(rows: pl.DataFrame) -> pl.DataFrame:
    """Each retry with the try before it, whose columns end in _0, and with the gap in seconds."""
    again = rows.filter("is_retry").with_columns(before=pl.col("nth") - 1)
    found = again.join(
        rows, left_on=["first", "before"], right_on=["first", "nth"], suffix="_0", how="left"
    )
    gap = (pl.col("event_time") - pl.col("event_time_0")).dt.total_milliseconds() / 1000
    return found.with_columns(gap=gap)


def test_retries_repeat_what_was_refused(tries):
    """Same card and till, same kind, machine and day, after the try before, which was refused."""
    assert tries.height > 1_500
    assert tries["transaction_id_0"].null_count() == 0
    assert not tries["is_approved_0"].any()
    same = ("card_id", "account_id", "channel", "transaction_type", "device_id", "ip_address")
    for column in (*same, "is_recurring"):
        assert tries[column].eq_missing(tries[f"{column}_0"]).all(), column
    assert (tries["event_time"].dt.date() == tries["event_time_0"].dt.date()).all()
    there = tries.filter(pl.col("channel") != "ecom")
    for column in ("merchant_id", "terminal_id", "mcc", "currency"):
        assert (there[column] == there[f"{column}_0"]).all(), column


def test_most_ask_for_the_same_and_some_for_less(tries):
    """At tills only who lacked money asks for less; online some go on to another page."""
    less = tries.filter(PRESENT & (pl.col("amount_minor") != pl.col("amount_minor_0")))
    assert less.height > 30
    assert (less["amount_minor"] < less["amount_minor_0"]).all()
    assert less["response_code_0"].is_in(list(LAW["answers_to_less"])).all()
    online = tries.filter(channel="ecom")
    moved = (online["amount_minor"] != online["amount_minor_0"]).mean()
    assert 0.5 * LAW["other_share"]["remote"] < moved < 1.3 * LAW["other_share"]["remote"]
    stays = online.filter(pl.col("merchant_id") == pl.col("merchant_id_0"))
    assert stays.height > 0.75 * online.height


def test_gaps_keep_their_bounds(tries):
    """Nobody is faster than a customer's own pace, and nobody waits longer than the law says."""
    for which, law in ((PRESENT, "present"), (~PRESENT, "remote")):
        gap, bounds = tries.filter(which)["gap"], LAW["gap_seconds"][law]
        assert gap.min() >= bounds["min"] - 0.001
        assert gap.max() <= bounds["max"] + 0.001
        assert bounds["median"] * 0.9 < gap.median() < bounds["median"] * 1.5
    assert LAW["gap_seconds"]["remote"]["min"] >= parameters().value(
        "activity.trips.apart_seconds_min"
    )


def test_tries_end(tries, rows):
    """A third request is the last one, a second comes before it, and none follows an approval."""
    assert sorted(tries["nth"].unique()) == [1, 2]
    assert tries.filter(nth=2)["is_retry_0"].all()
    assert tries.filter(nth=1)["is_visit_0"].all()
    refused = rows.filter("is_retry", ~pl.col("is_approved"))["transaction_id"]
    assert 0.1 < tries.filter(nth=2).height / refused.len() < 0.6


def within(count: int, total: int, share: float) -> bool:
    """Whether a count of a total is what a share makes likely."""
    return abs(count - total * share) <= 4.5 * np.sqrt(total * share * (1 - share)) + 1


def test_shares_of_those_who_try_again_are_the_parameters(rows, tries):
    """By code, of all refusals that the card's next purchase left time to: the shares as told."""
    ahead = (
        rows.sort("event_time")
        .filter("is_visit")
        .with_columns(next_at=pl.col("event_time").shift(-1).over("card_id"))
    )
    end = pl.col("event_time").dt.truncate("1d") + pl.duration(days=1)
    ahead = ahead.with_columns(until=pl.min_horizontal(pl.col("next_at"), end))
    free = ahead.filter(
        pl.col("until") - pl.col("event_time") > pl.duration(minutes=70), ~pl.col("is_approved")
    )
    first = tries.filter(nth=1)["first"]
    counted = 0
    for which, law in ((PRESENT, "present"), (~PRESENT, "remote")):
        for code, own in free.filter(which).group_by("response_code"):
            share, again = LAW["share"][law].get(code[0], 0.0), own["first"].is_in(first.implode())
            assert within(int(again.sum()), own.height, share), (law, code, own.height)
            counted += own.height
    assert counted > 2_000


def test_answers_follow_the_answer_before(tries):
    """By code, the shares as told; who asks for less is answered by a law of its own."""
    less = PRESENT & (pl.col("amount_minor") != pl.col("amount_minor_0"))
    for which, law in ((~less, LAW["answers"]), (less, LAW["answers_to_less"])):
        for code, own in tries.filter(which).group_by("response_code_0"):
            told = law.get(code[0], {code[0]: 1.0})
            assert own["response_code"].is_in(list(told)).all(), code
            for answer, share in told.items():
                count = own.filter(response_code=answer).height
                assert within(count, own.height, share), (code, answer, count, own.height)


def test_nobody_mistypes_a_pin_that_was_not_asked(rows):
    """Codes about a PIN stand where one was asked, at second tries as at first ones."""
    about = rows.filter(pl.col("response_code").is_in(["55", "75"]))
    assert about.filter("is_retry").height > 10
    assert (about["authentication"] == "pin").all()


def test_a_day_alone_is_the_day_of_the_month(rows):
    """Retries hang on their own day: made alone, it has the same rows, byte for byte."""
    maker = maker_of(config(catalog=WORLD, fraud={"enabled": False}, run=RUN))
    for day in (DAYS[3], DAYS[20]):
        alone = named(maker, pl.from_arrow(transactions(maker, day)))
        start = pl.lit(day).cast(pl.Date)
        of_month = rows.filter(pl.col("event_time").dt.date() == start)
        assert alone.filter("is_retry").height > 15
        assert alone.equals(of_month)


def test_shards_change_nothing(rows):
    """Cut into shards, the same retries come out."""
    maker = maker_of(
        config(
            catalog=WORLD,
            fraud={"enabled": False},
            output={"cards_per_shard": 1024},
            run=RUN,
        )
    )
    day = DAYS[7]
    parts = [pl.from_arrow(transactions(maker, day, shard)) for shard in range(3)]
    cut = named(maker, pl.concat(parts)).sort("event_time", "transaction_id")
    whole = rows.filter(pl.col("event_time").dt.date() == pl.lit(day).cast(pl.Date))
    assert cut.equals(whole.sort("event_time", "transaction_id"))


def test_where_nobody_tries_again_all_else_stays(rows):
    """With shares of nought the retries are missing; other rows stay but for their links."""
    own = config(catalog=WORLD, fraud={"enabled": False}, run=RUN)
    none = dict.fromkeys(LAW["share"]["present"], 0.0)
    remote = dict.fromkeys(LAW["share"]["remote"], 0.0)
    law = load_parameters({"activity.retries.share": {"remote": remote, "present": none}})
    maker = PartitionMaker(maker_of(own).world, own, law)
    without = month(maker, DAYS[:10])
    assert not without["is_retry"].any()
    end = pl.lit(DAYS[10]).cast(pl.Date)
    rest = rows.filter(~pl.col("is_retry"), pl.col("event_time").dt.date() < end)
    assert rest.drop("previous_transaction_id").equals(without.drop("previous_transaction_id"))


def test_the_control_group_never_tries_again():
    """Realism v1 is as flat as it was."""
    maker = maker_of(config(activity={"realism": "v1"}))
    assert not month(maker, DAYS[:5])["is_retry"].any()


def test_links_count_retries(rows):
    """A retry is a request like others: the next one of the card points to it."""
    expected = pl.col("transaction_id").shift(1).over("card_id", order_by=pl.int_range(pl.len()))
    chained = rows.with_columns(expected=expected).filter(pl.col("expected").is_not_null())
    assert (chained["previous_transaction_id"] == chained["expected"]).all()


def test_a_code_told_twice_is_no_thief_s_mark():
    """Of cards refused twice within minutes with one code, few were in a thief's hands."""
    fraud = {"rate": 0.005}
    maker = maker_of(config(catalog=WORLD, fraud=fraud, run=RUN))
    made = days_tables(maker, DAYS[:30])
    told = pl.concat([pl.from_arrow(day["transactions"]) for day in made])
    truth = pl.concat([pl.from_arrow(day["truth"]) for day in made])
    told = named(maker, told).join(truth, on="transaction_id", how="left")
    earlier = pl.col("event_time", "response_code", "is_fraud").shift(1).over("account_id")
    pairs = told.with_columns(earlier.name.suffix("_0"))
    soon = pl.col("event_time") - pl.col("event_time_0") < pl.duration(minutes=10)
    twice = pairs.filter(
        soon, pl.col("response_code") == pl.col("response_code_0"), pl.col("response_code") != "00"
    )
    assert twice.height > 300
    assert twice["is_fraud"].fill_null(False).mean() < 0.1

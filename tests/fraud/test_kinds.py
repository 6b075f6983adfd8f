"""Each kind of fraud is what it is said to be: true visits, true cards, its own way to pay."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

from fauxpay.activity.addresses import RETRY, classes
from fauxpay.activity.calendar import DAY_MS
from fauxpay.activity.rows import LOCAL, ONLINE, TELEPHONE
from fauxpay.activity.shops import finds_open
from fauxpay.contracts.tables import table
from fauxpay.fraud.pull import purchases
from fauxpay.fraud.story import NO_ORIGINAL, chosen
from fauxpay.fraud.typology import OURS
from worlds import DAY, config, maker_of, tables

DAYS = 10


@cache
def maker(name: str, rate: float, **more: object):
    """A small world with one kind of fraud."""
    rates = {f"{kind}_per_card_year": 0.0 for kind in OURS}
    return maker_of(config(fraud={**rates, f"{name}_per_card_year": rate, **more}))


@cache
def told(name: str, rate: float = 4.0) -> dict[str, pl.DataFrame]:
    """Rows, truth and labels of some days of it."""
    days = [tables(maker(name, rate), day) for day in range(DAY, DAY + DAYS)]
    names = ("transactions", "truth", "labels")
    return {one: pl.concat([pl.from_arrow(day[one]) for day in days]) for one in names}


def frauds(name: str, rate: float = 4.0) -> pl.DataFrame:
    """The fraudulent rows of a kind."""
    made = told(name, rate)
    rows = made["truth"].join(made["transactions"], on="transaction_id")
    assert rows.height == made["truth"].height > 20
    return rows


@pytest.mark.parametrize("day", [DAY, DAY + 5, DAY + 6])
def test_pulled_purchases_are_the_rows_that_are_made(day):
    """What a card is said to have bought is, to the merchant and the minute, what stands there."""
    own = maker("phishing", 0.0)
    made = pl.from_arrow(tables(own, day)["transactions"])
    rows = made.filter(~pl.col("is_recurring") & pl.col("original_transaction_id").is_null())
    # What is tried again after a refusal is pulled by nobody.
    address = own.transaction_ids.addresses(rows["transaction_id"].to_numpy())
    rows = rows.filter(pl.Series(classes(address) != RETRY))
    card = np.arange(own.world.cards.id.size)
    bought = purchases(own.shard(0).activity, card, np.full(card.size, day))
    pulled = pl.DataFrame(
        {
            "transaction_id": own.transaction_ids.ids(bought.address),
            "at": bought.at_ms * 1000,
            "merchant": own.world.merchants.id[bought.merchant],
            "terminal": own.world.terminals.id[bought.terminal],
            "amount": bought.amount.astype(np.int64),
            "approved": bought.is_approved,
            "entry": bought.entry_mode,
            "undone": bought.is_approved & bought.is_reversed,
        }
    )
    both = rows.join(pulled, on="transaction_id")
    assert both.height == rows.height == pulled.height > 500
    assert (both["event_time"].dt.timestamp("us") == both["at"]).all()
    assert (both["merchant_id"] == both["merchant"]).all()
    assert (both["terminal_id"] == both["terminal"]).all()
    assert (both["amount_minor"] == both["amount"]).all()
    assert (both["is_approved"] == both["approved"]).all()
    back = made.filter(pl.col("transaction_type") == "reversal")["original_transaction_id"]
    assert set(both.filter("undone")["transaction_id"]) == set(back) & set(both["transaction_id"])
    assert both["undone"].sum() > 0
    modes = table("activity.yaml#/$defs/transactions").column("entry_mode").enum
    assert both["entry_mode"].cast(pl.String).to_list() == [modes[one] for one in both["entry"]]


def test_common_point_of_purchase_analysis_finds_the_breach():
    """Every stolen card bought at one merchant; it stands out against cards at large."""
    from fauxpay.fraud.data_breach import breached_merchants
    from fauxpay.fraud.plan import grounds_of

    own = maker("data_breach", 1.0)
    shard, world = own.shard(0), own.world
    plan, activity = shard.plan, shard.activity
    end_day = activity.epoch_day + activity.calendar.days
    told = grounds_of(activity, own.config, own.parameters, end_day)
    ground = next(ground for named, ground in told if named.typology.name == "data_breach")
    campaigns, sizes = np.unique(plan.compromises.campaign, return_counts=True)
    assert campaigns.size > 5
    tested = 0
    for campaign in campaigns[np.argsort(-sizes)][:4]:
        of = np.flatnonzero(plan.compromises.campaign == campaign)
        planted = int(breached_merchants(ground, np.array([campaign]))[0])
        days = np.arange(-27, 1)
        when = plan.compromises.compromised_ms[of] // DAY_MS
        inside = when[:, None] + days >= activity.epoch_day
        card = np.repeat(plan.compromises.card[of], days.size).reshape(inside.shape)[inside]
        day = (when[:, None] + days)[inside]
        bought = purchases(activity, card, day)
        at_visit = np.isin(bought.at_ms, plan.compromises.compromised_ms[of])
        assert (bought.merchant[at_visit] == planted).sum() >= np.unique(when).size
        pairs = np.unique(np.stack([bought.card, bought.merchant]), axis=1)
        everyone = purchases(activity, np.arange(900), np.full(900, int(when[0])))
        usual = np.bincount(everyone.merchant, minlength=world.merchants.id.size) + 1.0
        seen = np.bincount(pairs[1], minlength=world.merchants.id.size)
        cards = np.unique(plan.compromises.card[of]).size
        assert seen[planted] == cards, "every stolen card was there"
        assert int((seen / np.sqrt(usual)).argmax()) == planted or seen.argmax() == planted
        tested += 1
    assert tested == 4


def test_skimmed_cards_were_inserted_at_the_machine():
    """The compromise is a true card-present visit, and the copy is read by stripe."""
    own = maker("skimming", 2.0)
    plan, activity = own.shard(0).plan, own.shard(0).activity
    card = plan.compromises.card
    bought = purchases(activity, card, plan.compromises.compromised_ms // DAY_MS)
    visits = set(zip(bought.card.tolist(), bought.at_ms.tolist(), strict=True))
    assert card.size > 200
    stolen = zip(card.tolist(), plan.compromises.compromised_ms.tolist(), strict=True)
    assert set(stolen) <= visits
    rows = frauds("skimming")
    assert set(rows["entry_mode"]) == {"magstripe"}
    home = pl.from_arrow(_catalog(own, "customers")).select("customer_id", "country")
    rows = rows.join(home, on="customer_id")
    assert 0.4 < (rows["merchant_country"] != rows["country"]).mean() < 0.9


def _catalog(own, name):
    from worlds import catalog_of

    return catalog_of(own.config)[name]


def test_phishing_passes_strong_authentication():
    """Most rows carry a one-time password, at hours when people are awake."""
    rows = frauds("phishing")
    assert (rows["channel"] == "ecom").all()
    assert (rows["authentication"] == "otp").mean() > 0.6
    assert rows["is_approved"].mean() > 0.5


def test_most_guesses_of_a_bin_attack_are_refused():
    """Masses of attempts on cards of few issuer ranges, refused for what was guessed wrong."""
    own = maker("bin_attack", 5.0)
    attacks = own.shard(0).plan.attacks
    assert attacks.card.size > 500
    assert (attacks.response == 0).mean() < 0.5
    codes = [code for code in own.transactions.column("response_code").enum if code]
    guessed = np.isin(attacks.response, [codes.index(code) for code in ("14", "54", "05")])
    assert guessed.mean() > 0.4
    era = attacks.at_ms // (42 * DAY_MS)
    ranges = own.world.cards.bin
    for one in np.unique(era[guessed])[:4]:
        of_wave = ranges[attacks.card[guessed & (era == one)]]
        assert np.unique(of_wave).size < 0.7 * np.unique(ranges).size
    hours = attacks.at_ms[guessed] // 3_600_000
    assert np.unique(hours).size < 0.2 * (hours.max() - hours.min()), "waves, not a trickle"


def test_friendly_fraud_is_genuine_in_truth_and_fraud_to_the_bank():
    """No row of truth; disputed rows are approved online purchases that the bank calls fraud."""
    own, made = maker("friendly_fraud", 5.0), told("friendly_fraud", 5.0)
    assert made["truth"].height == 0
    plan = own.shard(0).plan
    window = plan.disputes_on(range(DAY, DAY + DAYS))
    ids = own.transaction_ids.ids(plan.disputes.address[window])
    rows = made["transactions"].filter(pl.col("transaction_id").is_in(ids.tolist()))
    assert rows.height == ids.size > 30
    assert rows["is_approved"].all()
    assert set(rows["channel"]) == {"ecom"}
    called = made["labels"].filter(pl.col("label") == "fraud")["transaction_id"]
    assert len(set(called) & set(ids.tolist())) == ids.size


def test_nobody_disputes_what_was_cancelled():
    """A purchase that is taken back within the day is never on the bill, so it is not regretted."""
    rates = {f"{kind}_per_card_year": 0.0 for kind in OURS}
    rates["friendly_fraud_per_card_year"] = 5.0
    own = maker_of(config(fraud=rates, activity={"reversal_share": 0.4}))
    made = [tables(own, day)["transactions"] for day in range(DAY, DAY + DAYS)]
    rows = pl.concat([pl.from_arrow(day) for day in made])
    plan = own.shard(0).plan
    ids = own.transaction_ids.ids(plan.disputes.address[plan.disputes_on(range(DAY, DAY + DAYS))])
    undone = rows.filter(pl.col("transaction_type") == "reversal")["original_transaction_id"]
    assert ids.size > 20
    assert undone.len() > 100
    assert np.isin(ids, undone.to_numpy()).sum() == 0


def test_abused_refunds_point_at_honest_purchases():
    """Each points back to an approved purchase of the same card, merchant and amount."""
    rows = frauds("refund_abuse", 5.0)
    assert set(rows["transaction_type"]) == {"refund"}
    all_rows = told("refund_abuse", 5.0)["transactions"]
    columns = ["customer_id", "merchant_id", "amount_minor", "is_approved", "event_time"]
    back = rows.join(
        all_rows.select("transaction_id", *columns),
        left_on="original_transaction_id",
        right_on="transaction_id",
    )
    assert back.height > 15
    assert back["is_approved_right"].all()
    for column in columns[:3]:
        assert (back[column] == back[f"{column}_right"]).all(), column
    assert (back["event_time"] > back["event_time_right"]).all()
    online = back.filter(pl.col("channel") == "ecom")
    assert online.height > 3
    assert online["ip_address"].null_count() == online["device_id"].null_count() == online.height


def test_abused_refunds_find_the_counter_open():
    """No money is taken back over the counter of a shop that is never open at that hour."""
    own = maker("refund_abuse", 5.0)
    shard, hours = own.shard(0), own.tables.where
    attacks = shard.plan.attacks
    row = np.flatnonzero((attacks.original != NO_ORIGINAL) & (attacks.kind == LOCAL))
    merchant, (day, of_day) = attacks.merchant[row], np.divmod(attacks.at_ms[row], DAY_MS)
    place = own.world.merchants.place[merchant]
    quarter = shard.activity.local_quarters(place, day, of_day)
    assert row.size > 300
    assert finds_open(hours, merchant, (day, quarter), np.zeros_like(row)).all()


def test_rings_share_machines():
    """Cards of one ring meet in few devices; each device has genuine traffic too."""
    own = maker("mule_ring", 0.6)
    plan, world = own.shard(0).plan, own.world
    online = plan.attacks.device >= 0
    ring = plan.compromises.campaign[plan.attacks.compromise[online]]
    for one in np.unique(ring)[:6]:
        of = ring == one
        cards = np.unique(plan.attacks.card[online][of]).size
        devices = np.unique(plan.attacks.device[online][of]).size
        assert devices <= 8
        assert cards > 1.5 * devices
    assert (plan.attacks.device[online] >= world.devices.pool_first).all()


def test_merchants_that_bust_out_are_one_a_campaign():
    """Each campaign charges at one merchant for some days; the next at another."""
    own = maker("merchant_bust_out", 1.0)
    plan = own.shard(0).plan
    pairs = np.unique(
        np.stack([plan.compromises.campaign[plan.attacks.compromise], plan.attacks.merchant]),
        axis=1,
    )
    assert pairs.shape[1] == np.unique(pairs[0]).size > 15
    assert np.unique(pairs[1]).size > 0.3 * pairs.shape[1]


def test_cards_not_received_are_taken_at_a_renewal():
    """Each card has one renewal in some years, and renewals are spread evenly over the days."""
    own = maker("card_not_received", 3.0)
    plan = own.shard(0).plan
    years = own.parameters.value("fraud.card_not_received.renewal_years")
    day = plan.compromises.compromised_ms // DAY_MS
    assert day.size > 100
    order = np.lexsort((day, plan.compromises.card))
    card, sorted_day = plan.compromises.card[order], day[order]
    again = np.diff(sorted_day)[np.diff(card) == 0]
    assert (again > round(years * 365.25) - 12).all()
    halves = np.bincount((day - day.min()) * 2 // (np.ptp(day) + 1), minlength=2)
    assert abs(halves[0] / day.size - 0.5) < 3 * 0.5 / day.size**0.5, "every renewal is robbed"
    kinds = {LOCAL, ONLINE, TELEPHONE}
    assert set(plan.attacks.kind.tolist()) == kinds, "no cash without the letter"


def test_invented_customers_are_never_blocked_and_spend_from_their_own_devices():
    """Application fraud has card, PIN and device in hand; no card is replaced."""
    rows = frauds("application_fraud", 3.0)
    assert maker("application_fraud", 3.0).shard(0).plan.reissues.card.size == 0
    assert {"pos", "ecom"} <= set(rows["channel"])
    cash = rows.filter(pl.col("channel") == "atm")
    assert (cash["response_code"] != "55").all()


@pytest.mark.parametrize("name", ["account_takeover", "card_testing"])
def test_strangers_use_machines_of_the_pool(name):
    """Remote thieves come from stray devices or pose as the customer's, never as a neighbour's."""
    own = maker(name, 4.0)
    shard = own.shard(0)
    attacks = shard.plan.attacks
    by_phone = attacks.kind == TELEPHONE
    assert (attacks.device[by_phone] == -1).all()
    attacks = chosen(attacks, np.flatnonzero(~by_phone))
    assert attacks.device.size > 500
    posed = attacks.device == own.tables.sessions.own_device[attacks.card]
    assert (attacks.device[~posed] >= own.world.devices.pool_first).all()
    share = own.parameters.value("fraud.workplace.posed_share")
    assert abs(posed.mean() - share) < 0.08, "some cards have no machine to pose as"
    own_line = own.world.devices.ip_address[attacks.device[posed]] == attacks.ip_address[posed]
    assert 0.3 < own_line.mean() < 0.7
    assert np.unique(attacks.device).size > 4

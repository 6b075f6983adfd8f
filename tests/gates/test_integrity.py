"""Integrity rules: silent on what the engine writes, and each seen to fail on what it must not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fauxpay.catalog.world import NEVER
from fauxpay.gates.integrity import INTEGRITY_CHECKS, Integrity, Keys
from worlds import DAY, config, maker_of, transactions


@pytest.fixture(scope="module")
def maker():
    """A small world with replaced cards."""
    return maker_of(config(fraud={"card_testing_per_card_year": 2.0}))


@pytest.fixture(scope="module")
def batch(maker) -> pa.Table:
    """A day of rows."""
    return transactions(maker, DAY + 1)


def gate(maker) -> Integrity:
    """Rules that look every row up."""
    reissues = maker.shard(0).plan.reissues
    pairs = zip(reissues.id.tolist(), reissues.card.tolist(), strict=True)
    return Integrity(Keys.of(maker.world), dict(pairs))


def checked(maker, batch: pa.Table) -> set[str]:
    """Names of the rules that fail."""
    return {finding.check for finding in gate(maker).check(batch)}


def test_what_the_engine_writes_passes(maker, batch):
    """Positive space: no rule fails on any row of a day, replaced cards included."""
    assert checked(maker, batch) == set()


def test_control_group_passes_integrity():
    """The control group is without behaviour, but its keys and money are in order."""
    control = maker_of(config(activity={"realism": "v1"}))
    assert checked(control, transactions(control, DAY)) == set()


def changed(batch: pa.Table, name: str, row: int, value: object) -> pa.Table:
    """A batch with one other value; dictionary columns take the value's text."""
    column = batch.column(name).combine_chunks()
    kind = column.type
    cells = column.to_pylist()
    cells[row] = value
    if pa.types.is_dictionary(kind):
        domain = column.dictionary.to_pylist()
        codes = [None if c is None else domain.index(c) for c in cells]
        new = pa.DictionaryArray.from_arrays(pa.array(codes, kind.index_type), column.dictionary)
    else:
        new = pa.array(cells, kind)
    return batch.set_column(batch.schema.names.index(name), batch.schema.field(name), new)


def row_where(batch: pa.Table, **wanted: object) -> int:
    """The first row with these values."""
    columns = [batch.column(name).to_pylist() for name in wanted]
    return next(
        i for i, row in enumerate(zip(*columns, strict=True)) if row == tuple(wanted.values())
    )


def newest_card(maker, batch: pa.Table) -> int:
    """The row of the card that was opened last."""
    cards = maker.world.cards
    opened = dict(zip(cards.id.tolist(), cards.opened_day.tolist(), strict=True))
    days = [opened.get(card, 0) for card in batch["card_id"].to_pylist()]
    assert max(days) > 17_600, "some card was opened after the day that the damage names"
    return int(np.argmax(days))


def passing_row(batch: pa.Table, ids, closed_day, column: str) -> int:
    """The first purchase whose card or merchant has a last day."""
    ends = set(ids[closed_day < NEVER].tolist())
    rows = zip(batch[column].to_pylist(), batch["transaction_type"].to_pylist(), strict=True)
    return next(i for i, (key, kind) in enumerate(rows) if key in ends and kind == "purchase")


def damages(maker, batch: pa.Table) -> dict[str, pa.Table]:
    """For each rule a batch in which one row breaks it."""
    sale = {"channel": "pos", "transaction_type": "purchase", "is_approved": True}
    pos, ecom = row_where(batch, **sale), row_where(batch, channel="ecom")
    atm = row_where(batch, channel="atm", transaction_type="withdrawal")
    other = next(
        i
        for i, c in enumerate(batch["merchant_country"].to_pylist())
        if c != batch["merchant_country"][pos].as_py()
    )
    first = batch["transaction_id"][pos].as_py()
    early = np.datetime64("2018-01-02").astype("datetime64[us]").astype(object)
    late = np.datetime64("2034-01-02").astype("datetime64[us]").astype(object)
    cards, merchants = maker.world.cards, maker.world.merchants
    given_up = passing_row(batch, cards.id, cards.closed_day, "card_id")
    shut_down = passing_row(batch, merchants.id, merchants.closed_day, "merchant_id")
    return {
        "approval": changed(batch, "is_approved", pos, False),
        "entry_fits_channel": changed(batch, "entry_mode", ecom, "chip"),
        "place_fits_channel": changed(batch, "latitude", pos, None),
        "address_fits_channel": changed(batch, "ip_address", pos, 4026531841),
        "returns_point_back": changed(batch, "transaction_type", pos, "refund"),
        "cash_at_machines": changed(batch, "transaction_type", atm, "purchase"),
        "same_currency_same_amount": changed(batch, "billing_amount_minor", pos, 7),
        "no_self_link": changed(batch, "previous_transaction_id", pos, first),
        "card_agrees": changed(batch, "customer_id", pos, batch["customer_id"][other].as_py()),
        "merchant_agrees": changed(
            batch, "merchant_country", pos, batch["merchant_country"][other].as_py()
        ),
        "terminal_agrees": changed(batch, "terminal_id", pos, batch["terminal_id"][other].as_py()),
        "card_is_open": changed(batch, "event_time", newest_card(maker, batch), early),
        "card_is_not_closed": changed(batch, "event_time", given_up, late),
        "merchant_in_business": changed(batch, "event_time", shut_down, late),
        "civil_time": changed(batch, "local_offset_minutes", pos, 345),
    }


@pytest.mark.parametrize("rule", [name.split()[0] for name in INTEGRITY_CHECKS])
def test_every_rule_can_fail(maker, batch, rule):
    """Negative space: one wrong row is found, named and counted."""
    found = checked(maker, damages(maker, batch)[rule])
    assert rule in found


def test_a_finding_says_where(maker, batch):
    """A finding names the rule, the row, the value and what was expected."""
    finding = gate(maker).check(damages(maker, batch)["approval"])[0]
    assert finding.offenders == 1
    sale = {"channel": "pos", "transaction_type": "purchase", "is_approved": True}
    assert finding.first_row == row_where(batch, **sale)
    assert "is_approved" in finding.expected
    assert "transactions.response_code: 1 of" in str(finding)


@pytest.mark.parametrize("spread_days", [0, 1, 40, 2900])
def test_dates_are_held_row_by_row(maker, batch, spread_days):
    """Metamorphic: whatever days a batch spans, rows are found as if asked one by one."""
    rows, world = batch.num_rows, maker.world
    shift = np.random.default_rng(5).integers(-spread_days, spread_days + 1, rows) * 86_400_000_000
    at = batch.schema.names.index("event_time")
    event_us = batch.column("event_time").cast(pa.int64()).to_numpy() + shift
    moved = batch.set_column(at, batch.schema.field(at), pa.array(event_us, batch.schema.types[at]))
    day = event_us // 86_400_000_000
    card, shop = gate(maker), batch.column("transaction_type").to_pylist()
    own = card._positions("card_id", batch.column("card_id").to_numpy(), None)
    seller = card._positions("merchant_id", batch.column("merchant_id").to_numpy(), None)
    bought = np.array([kind in ("purchase", "withdrawal") for kind in shop])
    cards, merchants = world.cards, world.merchants
    shut = (day < merchants.opened_day[seller]) | (day >= merchants.closed_day[seller])
    expected = {
        "card_is_open": int((day < cards.opened_day[own]).sum()),
        "card_is_not_closed": int((day >= cards.closed_day[own]).sum()),
        "merchant_in_business": int((shut & bought).sum()),
    }
    found = {finding.check: finding.offenders for finding in gate(maker).check(moved)}
    assert {name: found.get(name, 0) for name in expected} == expected
    assert any(expected.values()) == (spread_days > 1)


def test_a_card_is_in_use_from_the_first_instant_of_a_day_to_the_last(maker, batch):
    """Midnight belongs to the day that begins: of the opening still wrong a moment before."""
    cards, day_us = maker.world.cards, 86_400_000_000
    position = {card: at for at, card in enumerate(cards.id.tolist())}

    def broken(row: int, name: str, day: int, moment_us: int) -> bool:
        moved = changed(
            batch, "event_time", row, np.datetime64(day * day_us + moment_us, "us").item()
        )
        return name in checked(maker, moved)

    # Beside a row of an earlier day, for dates are only looked at where some day needs it.
    row, days = newest_card(maker, batch), cards.opened_day
    opened = int(days[position[batch["card_id"][row].as_py()]])
    old = next(
        at
        for at, card in enumerate(batch["card_id"].to_pylist())
        if card in position and days[position[card]] < opened - 1
    )
    early = np.datetime64((opened - 1) * day_us, "us").item()
    batch = changed(batch, "event_time", old, early)
    assert not broken(row, "card_is_open", opened, 0)
    assert broken(row, "card_is_open", opened, -1)
    row = passing_row(batch, cards.id, cards.closed_day, "card_id")
    closed = int(cards.closed_day[position[batch["card_id"][row].as_py()]])
    assert not broken(row, "card_is_not_closed", closed, -1)
    assert broken(row, "card_is_not_closed", closed, 0)


def test_the_first_card_is_found_where_others_were_replaced(maker):
    """Position 0 is a position, not the lack of one."""
    own = gate(maker)
    assert own._replaced.size
    assert own._positions("card_id", maker.world.cards.id[:2], None).tolist() == [0, 1]


def test_rows_stand_where_their_merchant_does(maker, batch):
    """A row with the card present has the merchant's coordinates; another one has none to have."""
    pos = row_where(batch, channel="pos", transaction_type="purchase", is_approved=True)
    for name in ("latitude", "longitude"):
        elsewhere = changed(batch, name, pos, batch[name][pos].as_py() + 0.5)
        assert checked(maker, elsewhere) == {"merchant_agrees"}

"""Same bytes: however a world is cut, the rows are the same rows."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pyarrow as pa
import pytest

from worlds import DAY, config, days_tables, maker_of, parameters, same, tables, transactions

LINKS = ["previous_transaction_id", "card_id"]


@pytest.fixture(scope="module")
def month() -> dict[int, dict[str, pa.Table]]:
    """Ten days made one after the other."""
    maker = maker_of(config())
    return {day: tables(maker, day) for day in range(DAY, DAY + 10)}


def test_a_day_alone_is_the_day_of_a_month(month):
    """Metamorphic: a day made by a fresh maker equals the day inside a sequence."""
    for day in (DAY, DAY + 4, DAY + 9):
        alone = tables(maker_of(config()), day)
        assert {name: same(alone[name], month[day][name]) for name in alone} == dict.fromkeys(
            alone, True
        )


@pytest.mark.parametrize("cuts", [[0, 10], [0, 3, 4, 10], [4, 10], [9, 10]])
def test_days_made_together_are_the_days_made_alone(month, cuts):
    """Metamorphic: however days are gathered into stretches, each has the same tables."""
    maker = maker_of(config())
    for first, last in pairwise(cuts):
        for nth, made in enumerate(days_tables(maker, range(DAY + first, DAY + last))):
            alone = month[DAY + first + nth]
            assert {name: same(made[name], alone[name]) for name in alone} == dict.fromkeys(
                alone, True
            )


def test_stretches_keep_replaced_cards_and_links():
    """Metamorphic: cards replaced inside a stretch change their id and links at the same row."""
    busy = {"card_testing_per_card_year": 5.0, "lost_stolen_per_card_year": 5.0}
    settings = config(fraud=busy, output={"row_group_rows": 512}, run={"chunk_rows": 300})
    together = days_tables(maker_of(settings), range(DAY, DAY + 8))
    alone = maker_of(settings)
    first_ids = set(together[0]["transactions"]["card_id"].to_pylist())
    last_ids = set(together[7]["transactions"]["card_id"].to_pylist())
    assert len(last_ids - first_ids) > 50
    for nth, made in enumerate(together):
        day = tables(alone, DAY + nth)
        assert {name: same(made[name], day[name]) for name in day} == dict.fromkeys(day, True)


def test_order_of_days_changes_nothing(month):
    """Metamorphic: days made in any order are the same days."""
    maker = maker_of(config())
    for day in (DAY + 7, DAY + 2, DAY + 3, DAY + 9, DAY):
        assert same(tables(maker, day)["transactions"], month[day]["transactions"])


@pytest.mark.parametrize("chunk_rows", [256, 1000, 7777])
def test_chunks_change_nothing(month, chunk_rows):
    """Metamorphic: the number of rows filled at a time is memory, never bytes."""
    maker = maker_of(config(run={"chunk_rows": chunk_rows}))
    assert same(transactions(maker, DAY + 1), month[DAY + 1]["transactions"])


def test_row_groups_change_nothing(month):
    """Metamorphic: smaller row groups hold the same rows in the same order."""
    maker = maker_of(config(output={"row_group_rows": 1024}))
    assert same(transactions(maker, DAY + 1), month[DAY + 1]["transactions"])


def test_shards_hold_the_same_rows(month):
    """Metamorphic: cards cut into shards make the same rows, each shard in time order."""
    maker = maker_of(config(output={"cards_per_shard": 400}))
    parts = [transactions(maker, DAY + 2, shard) for shard in range(maker.shard_count())]
    assert len(parts) == 3
    joined = pl.concat([pl.from_arrow(part) for part in parts]).sort("transaction_id")
    whole = pl.from_arrow(month[DAY + 2]["transactions"]).sort("transaction_id")
    assert joined.to_dicts() == whole.to_dicts()


def test_more_cards_leave_the_other_cards_alone(month):
    """Metamorphic: a world with more cards has every row of the smaller one, fraud on."""
    maker = maker_of(config(catalog={"cards": 1000}))
    larger = pl.from_arrow(transactions(maker, DAY + 3))
    small = pl.from_arrow(month[DAY + 3]["transactions"])
    kept = larger.join(small.select("transaction_id"), on="transaction_id", how="semi")
    assert kept.height == small.height < larger.height
    assert kept.sort("transaction_id").to_dicts() == small.sort("transaction_id").to_dicts()


def test_fraud_off_leaves_genuine_rows_alone():
    """Metamorphic: without fraud every genuine row stands, but for links past a fraud."""
    busy = {"card_testing_per_card_year": 3.0, "lost_stolen_per_card_year": 2.0}
    with_fraud, without = maker_of(config(fraud=busy)), maker_of(config(fraud={"enabled": False}))
    frauds = changed = 0
    for day in range(DAY, DAY + 6):
        made = tables(with_fraud, day)
        on, truth = pl.from_arrow(made["transactions"]), pl.from_arrow(made["truth"])
        off = pl.from_arrow(transactions(without, day))
        genuine = on.join(truth, on="transaction_id", how="anti").sort("transaction_id")
        off = off.sort("transaction_id")
        frauds += truth.height
        assert genuine.drop(LINKS).to_dicts() == off.drop(LINKS).to_dicts()
        differs = genuine["card_id"] != off["card_id"]
        changed += int(differs.sum())
    assert frauds > 30
    assert changed > 30


def test_seeds_share_nothing_but_the_world(month):
    """Negative space: another seed makes other rows with other ids."""
    other = pl.from_arrow(transactions(maker_of(config(run={"seed": 2})), DAY))
    first = pl.from_arrow(month[DAY]["transactions"])
    assert other.join(first, on="transaction_id", how="semi").height == 0
    assert parameters().names()


def test_labels_off_changes_no_row(month):
    """Metamorphic: what the bank learns never moves what happened."""
    maker = maker_of(config(labels={"enabled": False}))
    made = tables(maker, DAY + 5)
    assert made["labels"].num_rows == 0
    assert same(made["transactions"], month[DAY + 5]["transactions"])

"""Own files: exports and tables of a run are known by their columns, without being told."""

from __future__ import annotations

import duckdb
import pytest

from fauxpay.cli.drift import _tables
from fauxpay.readers.flat import export_flat
from fauxpay.readers.run import open as open_store
from fauxpay.scorecard.card_table import open_card_table
from fauxpay.scorecard.scoring import score

FIRST_WORD = {"campaign", "known_at", "label_source"}
"""Of a run, and in no flat export."""


@pytest.fixture(scope="module")
def run(sealed):
    """The run whose tables are exported."""
    return open_store(sealed).latest()


@pytest.fixture(scope="module", params=["flat.parquet", "flat.csv", "flat.csv.gz"])
def flat(run, request, tmp_path_factory):
    """A flat export of each kind."""
    path = tmp_path_factory.mktemp("flat") / request.param
    export_flat(run, path)
    return path


def values(card):
    """What was measured, by fact."""
    return {each.fact.key: each.value for each in card.findings}


def rows(table, columns):
    """Canonical rows, in an order of their own."""
    query = f"SELECT {', '.join(columns)} FROM transactions ORDER BY ALL"
    with table.connect(threads=1, columns=[name.strip('"') for name in columns]) as connection:
        return connection.execute(query).fetchall()


def test_a_flat_export_is_the_run_but_for_the_banks_first_word(run, flat):
    """Every column that both have holds the same values: instants, major units, truth, walls."""
    ours, table = open_card_table(run), open_card_table(flat)
    assert ours.columns - table.columns == FIRST_WORD
    columns = [f'"{name}"' for name in sorted(table.columns)]
    assert rows(table, columns) == rows(ours, columns)


def test_a_flat_export_scores_as_its_run(run, tmp_path):
    """The same figures, wherever the file holds what a fact needs; sums may round otherwise."""
    export_flat(run, tmp_path / "flat.csv")
    ours, theirs = values(score(run)), values(score(tmp_path / "flat.csv"))
    lost = {key for key in ours if (ours[key] is None) != (theirs[key] is None)}
    assert all(key.startswith("known_") for key in lost)
    told = {key: value for key, value in theirs.items() if value is not None}
    assert len(told) > 30
    assert told == pytest.approx({key: ours[key] for key in told})


@pytest.mark.parametrize("kind", ["folder", "copy.csv", "pandas.csv"])
def test_transactions_alone_are_known(run, tmp_path, kind):
    """The table's folder, a CSV of it, and one that lost zeros and whole ids on its way."""
    folder = run.files("transactions")[0].parent.parent
    source = f"read_parquet('{folder}/*/*.parquet')"
    path = folder
    if kind != "folder":
        path = tmp_path / kind
        lossy = "* REPLACE (response_code::INT AS response_code, device_id::DOUBLE AS device_id)"
        chosen = "*" if kind == "copy.csv" else lossy
        duckdb.execute(f"COPY (SELECT {chosen} FROM {source}) TO '{path}'")
    ours, table = open_card_table(run), open_card_table(path)
    assert not {"label", "typology", "card_country"} & table.columns
    columns = ['"at"', "amount", "billing_amount", "response_code", "mcc", "local_at", "kind"]
    assert rows(table, columns) == rows(ours, columns)


def test_the_map_of_another_table_is_not_for_ours(flat, tmp_path):
    """Beside a table of somebody's ours needs no --map; alone, one names its own columns."""
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("cc,ts\n1,2026-03-01 00:00:00\n")
    first, second = _tables((str(flat), str(theirs)), ["card=cc,at=ts"], "nowhere")
    assert {"label", "amount"} <= first.columns
    assert second.columns == {"card", "at"}
    told = open_card_table(flat, {"known_at": "label_known_at"})
    assert "known_at" in told.columns

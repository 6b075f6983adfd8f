"""Privacy: nothing of a single row, and nothing of fewer than k cards, comes out."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import duckdb
import pytest
from fitted_worlds import made

from fauxpay.config.model import Config
from fauxpay.errors import ContractError
from fauxpay.scorecard.card_table import open_card_table

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))

from commands import fauxpay

PLANTED = {
    "merchant": "'Zzyzx Rare Merchant'",
    "amount": "87654.32",
    "mcc": "'1771'",
    "card_country": "'LI'",
    "merchant_country": "'TV'",
    "currency": "'XPF'",
    "typology": "'very_rare_typology'",
    "label_source": "'whistleblower'",
    "channel": "'moto'",
    "card": "'4000123412341234'",
}
TRACES = ("zyzx", "87654", "8765432", "1771", '"LI"', '"TV"', "XPF", "very_rare", "whistleblower")


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    """A small world's table in which five rows are of one card, and like nobody else's."""
    folder = tmp_path_factory.mktemp("privacy")
    run = made(
        Config(
            catalog={"cards": 500, "merchants": 800, "places": 40},
            fraud={"card_testing_per_card_year": 3.0, "lost_stolen_per_card_year": 2.0},
            run={"from": "2026-03-02", "to": "2026-03-16", "executor": "serial"}
            | {"out": str(folder / "root")},
        )
    )
    rare = ", ".join(f"{value} as {name}" for name, value in PLANTED.items())
    connection = open_card_table(run).connect()
    connection.execute(
        "create table mixed as select * replace (card::varchar as card, "
        "merchant::varchar as merchant) from transactions"
    )
    connection.execute(
        f"insert into mixed by name select * replace ({rare}, 1 as label) from mixed limit 5"
    )
    connection.execute(f"copy mixed to '{folder / 'planted.parquet'}' (format parquet)")
    return folder / "planted.parquet"


@pytest.fixture(scope="module")
def written(planted) -> tuple[Path, str]:
    """The config that the command writes of it, and all that it says."""
    file = planted.parent / "world.yaml"
    said = fauxpay("fit", planted, "-o", file, "--mirror-cards", 300)
    assert said.returncode == 0, said.stderr
    return file, said.stdout + said.stderr


def is_in(trace: str, text: str) -> bool:
    """Whether a trace stands in a text; one of digits as a number, not as decimals of another."""
    return re.search(rf"(?<![\d.]){trace}(?!\d)" if trace.isdigit() else trace, text) is not None


@pytest.mark.slow
def test_planted_values_do_not_come_out(planted, written):
    """No name, amount, code or number of the one card stands in the config, its twin or the log."""
    file, said = written
    texts = (file.read_text(), file.with_suffix(".fit.json").read_text(), said)
    for text in texts:
        for trace in (*TRACES, "4000123412341234"):
            assert not is_in(trace, text), trace
    plain = duckdb.sql(f"select merchant, card from '{planted}' using sample 200 rows").fetchall()
    ids = {str(value) for row in plain for value in row if len(str(value)) > 6}
    assert len(ids) > 100
    assert not [one for one in ids if any(one in text for text in texts)]


def test_the_scan_would_find_a_trace(planted):
    """Negative space: with k = 2 cards the rare row's card is still one, yet the row is there."""
    rows = duckdb.sql(f"select count(*) from '{planted}' where mcc = '1771'").fetchall()
    assert rows == [(5,)]
    found = '{"mcc": 1771, "codes": ["1771"], "largest": 87654.32, "country": "LI", "name": "zyzx"}'
    assert [trace for trace in TRACES if is_in(trace, found)] == ["zyzx", "87654", "1771", '"LI"']
    assert not [trace for trace in TRACES if is_in(trace, '{"DE": 0.1771, "cents": 117710}')]


def test_what_is_left_has_a_reason_and_what_is_not_has_its_cards(written):
    """Every knob of the file says its rows and at least k cards; the twin says k."""
    file, _ = written
    text = file.read_text()
    behind = [int(n.replace(",", "")) for n in re.findall(r"rows, ([\d,]+) cards", text)]
    behind += [int(n.replace(",", "")) for n in re.findall(r"# rows, ([\d,]+) cards", text)]
    assert len(behind) >= 15
    assert min(behind) >= 20
    provenance = json.loads(file.with_suffix(".fit.json").read_text())
    assert provenance["k"] == 20
    assert len(provenance["sha256"]["1 file"]) == 64
    Config.load(file)


def test_a_file_that_is_there_is_not_overwritten(planted, written):
    """Exit code 5, and the file as it was."""
    file, _ = written
    before = file.read_bytes()
    said = fauxpay("fit", planted, "-o", file)
    assert said.returncode == 5
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("x.txt", 2, "x.txt: expected a name that ends in .yaml"),
        ("nodir/x.yaml", 6, "nodir: no such folder; expected one for x.yaml"),
    ],
)
def test_a_target_that_cannot_be_is_told_before_anything_is_measured(tmp_path, name, code, told):
    """Not even the table is looked for."""
    said = fauxpay("fit", tmp_path / "none.csv", "-o", tmp_path / name)
    assert said.returncode == code
    assert told in said.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_three_columns_are_enough(planted, tmp_path):
    """Card, time and amount alone: a config of rates and hours, the rest left with reasons."""
    few = tmp_path / "few.csv"
    duckdb.sql(f"copy (select card as cc, \"at\" as ts, amount as amt from '{planted}') to '{few}'")
    file = tmp_path / "few.yaml"
    flags = ("--map", "card=cc,at=ts", "--map", "amount=amt", "--mirror-cards", 300)
    said = fauxpay("fit", few, "-o", file, *flags, "--quiet")
    assert said.returncode == 0, said.stderr
    assert not said.stderr
    loaded = Config.load(file)
    assert loaded.catalog.cards == pytest.approx(500, rel=0.2)
    text = file.read_text()
    for left in ("catalog.countries", "labels.found_share", "activity.favourite_zipf_exponent"):
        assert re.search(rf"# \* {left}", text), left


def test_too_few_cards_are_an_error(planted):
    """A k that the table cannot meet is said, with what is needed: nothing is fitted to a few."""
    from fauxpay.calibration.estimate import fit

    with pytest.raises(ContractError, match="at least 2000 cards"):
        fit(open_card_table(planted), k=400)

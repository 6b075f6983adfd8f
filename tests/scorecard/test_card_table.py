"""Card tables: runs, folders, globs, CSV of others, and what is refused."""

from __future__ import annotations

import gc
import tempfile
from datetime import datetime
from pathlib import Path

import pytest

from card_tables import instants, write
from fauxpay.errors import ConfigError, ContractError, FauxpayError, StorageError
from fauxpay.readers.run import open as open_store
from fauxpay.scorecard.card_table import open_card_table
from fauxpay.scorecard.columns import CANONICAL
from fauxpay.scorecard.mapping import mapping_of
from fauxpay.scorecard.scoring import score

SPARKOV = {
    "card": "cc_num",
    "merchant": "merchant",
    "at": "trans_date_trans_time",
    "amount": "amt",
    "label": "is_fraud",
    "latitude": "lat",
    "longitude": "long",
}
HEADER = "trans_date_trans_time,cc_num,merchant,category,amt,lat,long,is_fraud"


@pytest.fixture
def sparkov(tmp_path) -> Path:
    """A CSV as Sparkov writes them."""
    lines = [HEADER]
    for n in range(400):
        lines.append(
            f"2026-03-{n % 28 + 1:02d} {n % 24:02d}:15:00,4{n % 7:015d},"
            f'"fraud_Rippin, Kub and Mann {n % 9}",misc_net,{n % 50 + 0.99},36.1,-81.2,'
            f"{int(n % 97 == 0)}"
        )
    path = tmp_path / "fraudTrain.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def asked(table, query):
    """Rows of a query over a table."""
    with table.connect(threads=1) as connection:
        return connection.execute(query).fetchall()


def test_a_csv_of_others_reads_by_their_names(sparkov):
    """Names are mapped, values brought into shape, and names that fit already are taken."""
    table = open_card_table(sparkov, SPARKOV)
    assert table.columns == frozenset(SPARKOV)
    query = 'SELECT min("at"), count(DISTINCT card), sum(label), max(amount) FROM transactions'
    assert asked(table, query) == [(datetime(2026, 3, 1, 0, 15), 7, 5, 49.99)]
    card = score(sparkov, SPARKOV)
    assert card.evidence["rows"] == 400
    skipped = {each.fact.key: each.reason for each in card.findings if each.value is None}
    assert skipped["remote_count"] == "no column for channel: --map channel=THEIRS"


def test_a_run_has_what_its_side_tables_say(sealed):
    """Truth, labels and customers stand beside the transactions, each transaction once."""
    run = open_store(sealed).latest()
    for named in (sealed, run, str(run.folder)):
        table = open_card_table(named)
        assert table.run.run_id == run.run_id
    query = (
        "SELECT count(*), sum(label), count(typology), count(known_at), "
        'count(*) FILTER (known_at < "at"), count(card_country) FROM transactions'
    )
    rows, frauds, typed, known, early, countries = asked(table, query)[0]
    assert rows == countries == run.rows["transactions"]
    assert frauds == typed == run.rows["truth"]
    assert 0 < known <= run.rows["labels"]
    assert early == 0


def test_a_run_is_found_by_the_beginning_of_its_id(sealed):
    """As everywhere else, below the root that --out names."""
    run = open_store(sealed).latest()
    assert open_card_table(run.run_id[:6], root=sealed).run.run_id == run.run_id
    assert open_card_table("latest", root=sealed).run.run_id == run.run_id


def test_amounts_of_a_run_are_in_major_units(sealed):
    """Known answer: 1 yen is 1, 100 cents are 1."""
    run = open_store(sealed).latest()
    table = open_card_table(run)
    files = [str(path) for path in run.files("transactions")]
    sums = f"SELECT currency, sum(amount_minor)::BIGINT FROM read_parquet({files}) GROUP BY 1"
    minor = dict(asked(table, sums))
    major = dict(asked(table, "SELECT currency, sum(amount) FROM transactions GROUP BY 1"))
    for currency, total in minor.items():
        digits = {"JPY": 0}.get(currency, 2)
        assert major[currency] * 10**digits == pytest.approx(total)


def test_only_the_joins_that_are_needed_are_made(sealed):
    """A query of plain columns reads no side table."""
    table = open_card_table(sealed)
    assert "JOIN" not in table.relation(("card", "at", "amount"))
    assert table.relation(("card", "label")).count("JOIN") == 1


def test_folders_and_globs_are_all_their_files(tmp_path):
    """Every file of a folder counts, and a glob names some."""
    (tmp_path / "t" / "deep").mkdir(parents=True)
    for n, name in enumerate(("t/a.parquet", "t/b.parquet", "t/deep/c.parquet")):
        write(tmp_path / name, {"card": [n] * 3, "at": instants([1, 2, 3])})
    counted = "SELECT count(*) FROM transactions"
    assert asked(open_card_table(tmp_path / "t"), counted) == [(9,)]
    assert asked(open_card_table(f"{tmp_path}/t/*.parquet"), counted) == [(6,)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1772323200, "s"),
        (1772323200_000, "ms"),
        (1772323200_000_000, "us"),
        (1772323200.0, "f"),
    ],
)
def test_seconds_milliseconds_and_microseconds_are_told_apart(tmp_path, value, kind):
    """Numbers for times are taken by their size."""
    path = write(tmp_path / f"{kind}.parquet", {"card": [1], "at": [value]})
    assert asked(open_card_table(path), 'SELECT "at" FROM transactions') == [
        (datetime(2026, 3, 1),)
    ]


def test_times_with_a_zone_become_utc(tmp_path):
    """An instant stays the instant, whatever the zone of the machine."""
    path = write(tmp_path / "t.parquet", {"card": [1], "at": ["2026-03-01T02:00:00+02:00"]})
    assert asked(open_card_table(path), 'SELECT "at" FROM transactions') == [
        (datetime(2026, 3, 1),)
    ]


def test_temporary_folders_go_with_the_connection(tmp_path, monkeypatch):
    """What DuckDB spills into is removed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = write(tmp_path / "t.parquet", {"card": [1], "at": instants([1])})
    connection = open_card_table(path).connect()
    assert list(tmp_path.glob("fauxpay-score-*"))
    connection.close()
    del connection
    gc.collect()
    assert not list(tmp_path.glob("fauxpay-score-*"))


BROKEN = {
    "a name of ours that is none": ("crad=cc_num", "the nearest is 'card'"),
    "a column that is not there": ("amount=amount", "the nearest is 'amt'"),
    "a text for a number": ("amount=merchant", "cannot be read as amount"),
    "a text for a time": ("at=merchant", "cannot be read as at"),
    "a category for a channel": ("channel=category", "cannot be read as channel: it holds"),
    "an amount for a label": ("label=amt", "neither true nor false"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_mappings_are_refused(sparkov, name):
    """Each says what is wrong with which column, and what is near or expected."""
    text, expected = BROKEN[name]
    with pytest.raises(ConfigError, match=expected):
        open_card_table(sparkov, {**SPARKOV, **mapping_of([text])})


def test_a_table_without_cards_or_times_is_refused(sparkov):
    """Without them nothing can be measured, and the message says how to name them."""
    with pytest.raises(ConfigError, match=r"no column for card and at.*--map card=THEIR_NAME"):
        open_card_table(sparkov)


@pytest.mark.parametrize("text", ["card", "card=", "=cc", "card=a,card=b", "nonsense=a"])
def test_mappings_are_pairs_of_known_names(text):
    """Negative: what is no pair, said twice or unknown."""
    with pytest.raises(ConfigError, match="--map"):
        mapping_of([text])


def test_mappings_may_be_given_together_or_apart():
    """One flag with commas, or several flags; a name with a comma in a flag of its own."""
    both = {"card": "a", "at": "b"}
    assert mapping_of(["card=a, at=b"]) == mapping_of(["card=a", "at=b"]) == both
    assert mapping_of(["merchant=name, town"]) == {"merchant": "name, town"}
    assert set(mapping_of([f"{name}=x" for name in CANONICAL])) == set(CANONICAL)


def test_what_is_not_there_is_said(tmp_path):
    """Neither file, folder nor run."""
    with pytest.raises(StorageError, match="no such file"):
        open_card_table(tmp_path / "none.parquet")
    with pytest.raises(StorageError, match="neither a file"):
        open_card_table("abcdef", root=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match="neither Parquet nor CSV"):
        open_card_table(tmp_path / "empty")


def test_damaged_and_empty_files_are_errors_of_ours(tmp_path, sparkov):
    """A torn Parquet file, a late value of another kind, a table without rows."""
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1 not really")
    with pytest.raises(FauxpayError, match="cannot be read"):
        open_card_table(torn)
    empty = write(tmp_path / "empty.parquet", {"card": [], "at": instants([])})
    with pytest.raises(ContractError, match="no row with a card and a time"):
        score(empty)
    with sparkov.open("a") as file:
        file.writelines(f"2026-03-05 01:00:00,1,m,c,1.5,0,0,{n % 2}\n" for n in range(60_000))
        file.write("2026-03-05 01:00:00,1,m,c,1.5,0,0,perhaps\n")
    with pytest.raises(FauxpayError, match=r"perhaps|of its column's kind|cannot be read"):
        score(sparkov, SPARKOV)


def test_a_run_takes_no_mapping(sealed):
    """It knows its own columns."""
    with pytest.raises(ConfigError, match="knows its own columns"):
        open_card_table(sealed, {"card": "card_id"})

"""A catalog of one's own: what is taken, and what each kind of damage is told."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from fauxpay.activity.engine import day_number
from fauxpay.catalog.store import MULTIPLES, file_of, read_catalog
from fauxpay.config.model import Config
from fauxpay.errors import ContractError
from fauxpay.foundations.parameters import load_parameters
from fauxpay.partitions.compose import PartitionMaker, world_of


@pytest.fixture
def folder(small, tmp_path):
    """The small catalog as somebody might have written it."""
    for name, table in small.items():
        pq.write_table(table, file_of(tmp_path, name))
    return tmp_path


def rewrite(folder, name, change):
    file = file_of(folder, name)
    pq.write_table(change(pq.ParquetFile(file).read()), file)


def replace(table, column, values, arrow_type=None):
    """The table with other values in some rows of a column, in another type if one is given."""
    position = table.schema.get_field_index(column)
    rows = table[column].to_pylist()
    for row, value in values.items():
        rows[row] = value
    array = pa.array(rows, type=arrow_type or table.schema.field(column).type)
    return table.set_column(position, column, array)


def test_a_sound_catalog_comes_back_as_it_was(folder, small):
    """Reading what was written gives equal tables in the contract's types."""
    tables = read_catalog(folder)
    assert all(tables[name].equals(small[name]) for name in small)


def test_other_encodings_of_the_same_values_are_taken(folder, small):
    """int64 for int32, plain or large texts for dictionaries, float32 and columns in any order."""
    rewrite(
        folder,
        "places",
        lambda t: replace(replace(t, "place_id", {}, pa.int64()), "city", {}, pa.large_string()),
    )
    rewrite(folder, "devices", lambda t: replace(t, "kind", {}, pa.string()))
    rewrite(folder, "customers", lambda t: t.select(sorted(t.column_names)))
    rewrite(folder, "cards", lambda t: replace(t, "purchases_per_day", {}, pa.float32()))
    rewrite(folder, "merchants", lambda t: replace(t, "presence", {}, pa.large_string()))
    tables = read_catalog(folder)
    for name in ("places", "devices", "customers", "merchants"):
        assert tables[name].equals(small[name]), name


def test_dictionaries_in_another_order_are_put_in_the_contract_s(folder, small):
    """Codes of an enum come out in the contract's order, whatever the file's dictionary was."""
    reverse = pa.array(["desktop", "laptop", "tablet", "phone"])

    def recoded(table):
        codes = pc.index_in(table["kind"].combine_chunks().dictionary_decode(), reverse)
        kind = pa.DictionaryArray.from_arrays(codes, reverse)
        return table.set_column(table.schema.get_field_index("kind"), "kind", kind)

    rewrite(folder, "devices", recoded)
    kind = read_catalog(folder)["devices"]["kind"].combine_chunks()
    assert kind.equals(small["devices"]["kind"].combine_chunks())


DAMAGES = {
    "row below the range": (
        "places",
        lambda t: replace(t, "population", {3: -5}),
        (
            r"places.parquet: places.population: 1 of 24 rows fail the check 'range'; "
            r"first at row 3: -5; expected >= 0"
        ),
    ),
    "missing column": (
        "cards",
        lambda t: t.drop_columns(["bin"]),
        r"cards.parquet: lacks the column bin; expected card_id, account_id",
    ),
    "misspelt column": (
        "cards",
        lambda t: t.rename_columns(["card_ids", *t.column_names[1:]]),
        r"cards.parquet: lacks the column card_id \(is it card_ids\?\)",
    ),
    "unknown column": (
        "cards",
        lambda t: t.append_column("nickname", pa.array(["x"] * t.num_rows)),
        r"cards.parquet: has the unknown column nickname; expected .* and no others",
    ),
    "column twice": (
        "devices",
        lambda t: t.append_column("kind", t["kind"]),
        r"devices.parquet: the column kind stands there more than once",
    ),
    "text for a number": (
        "cards",
        lambda t: replace(t, "card_id", {row: f"c{row}" for row in range(t.num_rows)}, pa.string()),
        (
            r"cards.parquet: card_id: all 600 rows are of type string, the first is 'c0'; "
            r"expected whole numbers \(int64\)"
        ),
    ),
    "float for an id": (
        "places",
        lambda t: replace(t, "place_id", {}, pa.float64()),
        (
            r"places.parquet: place_id: all 24 rows are of type double, .* expected whole "
            r"numbers \(int32\); a column of ids with nulls is Int64 in pandas"
        ),
    ),
    "number for a flag": (
        "terminals",
        lambda t: replace(t, "is_contactless", dict.fromkeys(range(t.num_rows), 1), pa.int8()),
        r"terminals.parquet: is_contactless: all \d+ rows are of type int8, .* true or false",
    ),
    "number out of its type": (
        "places",
        lambda t: replace(t, "place_id", {5: 2**40, 7: 2**41}, pa.int64()),
        (
            r"places.parquet: place_id: 2 of 24 rows do not fit int32; first at row 5: "
            r"1099511627776; expected whole numbers"
        ),
    ),
    "text out of its enum": (
        "merchants",
        lambda t: replace(t, "presence", {4: "popup", 6: "popup"}, pa.string()),
        (
            r"merchants.parquet: presence: 2 of 400 rows have another value; first at row 4: "
            r"'popup'; expected one of physical, online, both"
        ),
    ),
    "null": (
        "customers",
        lambda t: replace(t, "income_level", {2: None}),
        (
            r"customers.parquet: customers.income_level: 1 of \d+ rows fail the check 'null'; "
            r"first at row 2: None; expected a value"
        ),
    ),
    "null in an enum": (
        "customers",
        lambda t: replace(t, "profile", {2: None}, pa.string()),
        r"customers.parquet: customers.profile: 1 of \d+ rows fail the check 'null'",
    ),
    "duplicate id": (
        "cards",
        lambda t: replace(t, "card_id", {9: t["card_id"][0].as_py()}),
        r"cards.parquet: cards.card_id: 1 of 600 rows fail the check 'unique'; first at row 9",
    ),
    "dangling key": (
        "cards",
        lambda t: replace(t, "account_id", {1: 12345}),
        (
            r"cards.parquet: cards.account_id: 1 of 600 rows fail the check 'foreign_key'; "
            r"first at row 1: 12345; expected a value of account_id of "
            r"catalog.yaml#/\$defs/accounts"
        ),
    ),
    "pattern": (
        "merchants",
        lambda t: replace(t, "mcc", {0: "54"}),
        (
            r"merchants.parquet: merchants.mcc: 1 of 400 rows fail the check 'pattern'; "
            r"first at row 0: 54; expected text matching"
        ),
    ),
    "share above one": (
        "cards",
        lambda t: replace(t, "online_share", {0: 1.01}),
        r"cards.parquet: cards.online_share: 1 of 600 rows fail the check 'range'.* <= 1",
    ),
    "address of somebody": (
        "devices",
        lambda t: replace(t, "ip_address", {0: 134744072}),
        r"devices.parquet: devices.ip_address: 1 of \d+ rows fail the check 'range'",
    ),
    "rule between tables": (
        "accounts",
        lambda t: replace(t, "currency", {0: "JPY"}),
        (
            r"accounts.parquet: accounts.currency: 1 of \d+ rows fail the check "
            r"'account_is_in_currency_of_home'; first at row 0: JPY; "
            r"expected the currency of the customer's country"
        ),
    ),
    "no rows": (
        "accounts",
        lambda t: t.slice(0, 0),
        (
            r"accounts.parquet: accounts: 1 of 0 rows fail the check 'not_empty': no row; "
            r"expected at least one row"
        ),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_has_its_message(damage, folder):
    """File, column, how many, the first and what was expected are named."""
    name, change, message = DAMAGES[damage]
    rewrite(folder, name, change)
    with pytest.raises(ContractError, match=message):
        read_catalog(folder)


def test_all_findings_are_listed(folder):
    """Two faults in two files are told at once."""
    rewrite(folder, "places", lambda t: replace(t, "population", {3: -5}))
    rewrite(folder, "cards", lambda t: replace(t, "online_share", {0: 1.01}))
    with pytest.raises(ContractError, match=r"(?s)places.population.*cards.online_share"):
        read_catalog(folder)


def test_no_folder(tmp_path):
    """A folder that is not there is named, with what it should hold."""
    with pytest.raises(ContractError, match=r"nowhere is no folder; expected one that holds pl"):
        read_catalog(tmp_path / "nowhere")


def test_missing_files_are_named(folder):
    """Every missing file is named at once."""
    file_of(folder, "cards").unlink()
    file_of(folder, "places").unlink()
    with pytest.raises(ContractError, match=r"lacks places.parquet, cards.parquet; expected"):
        read_catalog(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"card_id,bin\n1,2\n"])
def test_a_file_that_is_no_parquet(folder, content):
    """Another kind of file, or half a file, is refused as such."""
    file_of(folder, "cards").write_bytes(content)
    with pytest.raises(ContractError, match=r"cards.parquet: cannot be read as Parquet"):
        read_catalog(folder)


@pytest.mark.parametrize("value", [1e30, 5e-324])
@pytest.mark.parametrize(("name", "column"), MULTIPLES)
def test_multiples_that_no_amount_can_be_made_of_are_refused(folder, name, column, value):
    """A level that a contract allows, but whose amounts fit into no 64 bits, is named."""
    rewrite(folder, name, lambda t: replace(t, column, {3: value}))
    with pytest.raises(ContractError) as caught:
        read_catalog(folder)
    assert f"{name}.parquet: {column}: 1 of " in str(caught.value)
    assert f"beyond 1e-06 to 1e+06; first at row 3: {value:g}" in str(caught.value)


def test_places_of_nobody_make_a_world(folder):
    """Where no city has inhabitants, people live and travel all the same."""
    rewrite(folder, "places", lambda t: replace(t, "population", dict.fromkeys(range(24), 0)))
    tables = read_catalog(folder)
    settings = Config(catalog={"path": str(folder)}, run={"to": date(2026, 3, 2)})
    maker = PartitionMaker(world_of(tables), settings, load_parameters())
    with np.errstate(all="raise", under="ignore"):
        stream = maker.make(range(day_number(date(2026, 3, 1)), day_number(date(2026, 3, 2))), 0)
        assert sum(window.batch.num_rows for window in stream.windows()) > 100

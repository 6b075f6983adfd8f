"""A small catalog that every test of the folder may read, and a way to damage a copy of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pytest

from fauxpay.catalog.build import build_catalog
from fauxpay.config.model import Config
from fauxpay.foundations.parameters import Parameters, load_parameters

Tables = dict[str, pa.Table]
Damage = Callable[[Mapping[str, pa.Table], str, str, Mapping[int, Any]], Tables]

SMALL = {
    "seed": 7,
    "cards": 600,
    "merchants": 400,
    "places": 24,
    "countries": {"US": 0.5, "GB": 0.3, "AE": 0.2},
}


@pytest.fixture(scope="session")
def parameters() -> Parameters:
    return load_parameters()


@pytest.fixture(scope="session")
def facts(parameters: Parameters) -> dict[str, Any]:
    return parameters.section("catalog")


@pytest.fixture(scope="session")
def build(parameters: Parameters) -> Callable[..., Tables]:
    """build(cards=..., ...) makes the small catalog with other settings of config catalog."""

    def made(activity: Mapping[str, Any] | None = None, **catalog: Any) -> Tables:
        config = Config(catalog={**SMALL, **catalog}, activity=dict(activity or {}))
        return build_catalog(config, parameters)

    return made


@pytest.fixture(scope="session")
def small(build: Callable[..., Tables]) -> Tables:
    return build()


@pytest.fixture(scope="session")
def large(build: Callable[..., Tables]) -> Tables:
    """Enough rows for laws of distribution to show."""
    return build(cards=40_000, merchants=12_000, places=60)


@pytest.fixture(scope="session")
def damaged() -> Damage:
    """damaged(tables, table, column, {row: value}) is a copy with other values."""

    def changed(
        tables: Mapping[str, pa.Table], table: str, column: str, values: Mapping[int, Any]
    ) -> Tables:
        whole = tables[table]
        rows = whole[column].to_pylist()
        for row, value in values.items():
            rows[row] = value
        field = whole.schema.field(column)
        array = pa.array(rows, type=field.type)
        position = whole.schema.get_field_index(column)
        return {**tables, table: whole.set_column(position, field, array)}

    return changed

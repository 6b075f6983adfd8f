"""Shared by the tests of lakes: both formats, read by their own libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

import fauxpay
from fauxpay.lakes.commits import Committed, Format, commit


@dataclass(frozen=True)
class Kind:
    """A format, and how its own library reads it."""

    name: Format
    read: Callable[[str, str, int | None], pa.Table]
    facts: Callable[[str, str], dict[str, Any]]

    def commit(self, run: fauxpay.Run, to: object, *rest: Any) -> Committed:
        """`lakes.commits.commit` in the format."""
        return commit(run, str(to), self.name, *rest)


def delta_read(root: str, name: str, version: int | None) -> pa.Table:
    """A Delta table as of a version."""
    deltalake = pytest.importorskip("deltalake")
    return deltalake.DeltaTable(f"{root}/{name}", version=version).to_pyarrow_table()


def delta_facts(root: str, name: str) -> dict[str, Any]:
    """What the last commit says of itself."""
    return pytest.importorskip("deltalake").DeltaTable(f"{root}/{name}").history(1)[0]


def iceberg_table(root: str, name: str) -> Any:
    """An Iceberg table of the folder's own catalog."""
    sql = pytest.importorskip("pyiceberg.catalog.sql")
    catalog = sql.SqlCatalog("fauxpay", uri=f"sqlite:///{root}/catalog.db")
    return catalog.load_table(("fauxpay", name))


def iceberg_read(root: str, name: str, version: int | None) -> pa.Table:
    """An Iceberg table as of a snapshot."""
    return iceberg_table(root, name).scan(snapshot_id=version).to_arrow()


def iceberg_facts(root: str, name: str) -> dict[str, Any]:
    """What the current snapshot says of itself."""
    return iceberg_table(root, name).current_snapshot().summary.additional_properties


KINDS = (Kind("delta", delta_read, delta_facts), Kind("iceberg", iceberg_read, iceberg_facts))


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request) -> Kind:
    """Delta and Iceberg, where their libraries are installed."""
    pytest.importorskip("deltalake" if request.param.name == "delta" else "pyiceberg")
    return request.param


@pytest.fixture(scope="module")
def run(sealed) -> fauxpay.Run:
    """The sealed run: three days, two shards."""
    return fauxpay.open(sealed).latest()

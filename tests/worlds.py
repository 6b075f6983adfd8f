"""Small worlds for tests: built once per process, made by the real builders."""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

import pyarrow as pa

from fauxpay.activity.engine import day_number
from fauxpay.catalog.build import build_catalog
from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.foundations.parameters import Parameters, load_parameters
from fauxpay.partitions.compose import PartitionMaker, world_of

DAY = day_number(datetime.date(2026, 3, 2))
SMALL = {"cards": 900, "merchants": 700, "places": 24}


@cache
def parameters() -> Parameters:
    """The parameters as shipped."""
    return load_parameters()


def config(**sections: dict[str, Any]) -> Config:
    """A config of a small world, with sections changed."""
    catalog = {**SMALL, **sections.pop("catalog", {})}
    return Config(catalog=catalog, **sections)


def until(day: int) -> dict[str, datetime.date]:
    """`run` of a config whose window ends with a day (since 1970-01-01) that is no part of it."""
    return {"to": datetime.date(1970, 1, 1) + datetime.timedelta(days=day)}


@cache
def _catalog(cards: int, merchants: int, places: int) -> dict[str, pa.Table]:
    size = {"cards": cards, "merchants": merchants, "places": places}
    return build_catalog(config(catalog=size), parameters())


def catalog_of(settings: Config) -> dict[str, pa.Table]:
    """Catalog tables of a config."""
    own = settings.catalog
    return _catalog(own.cards, own.merchants, own.places)


@cache
def _world(cards: int, merchants: int, places: int) -> World:
    return world_of(_catalog(cards, merchants, places))


def maker_of(settings: Config) -> PartitionMaker:
    """A partition maker of a config."""
    own = settings.catalog
    world = _world(own.cards, own.merchants, own.places)
    return PartitionMaker(world, settings, parameters())


def transactions(maker: PartitionMaker, day: int, shard: int = 0) -> pa.Table:
    """All transactions of a partition, copied out of the reused buffers."""
    return tables(maker, day, shard)["transactions"]


def tables(maker: PartitionMaker, day: int, shard: int = 0) -> dict[str, pa.Table]:
    """All tables of a partition; dictionary columns as strings, so that they compare by value."""
    return days_tables(maker, range(day, day + 1), shard)[0]


def days_tables(maker: PartitionMaker, days: range, shard: int = 0) -> list[dict[str, pa.Table]]:
    """All tables of consecutive days that are made in one go, by day."""
    stream = maker.make(days, shard)
    groups: dict[int, list[pa.RecordBatch]] = {day: [] for day in days}
    for window in stream.windows():
        for day, first, last in window.parts:
            groups[day].append(_copied(window.batch.slice(first, last - first)))
    side = stream.side_tables()
    return [
        {"transactions": pa.Table.from_batches(groups[day])}
        | {name: tables[nth] for name, tables in side.items()}
        for nth, day in enumerate(days)
    ]


def _copied(batch: pa.RecordBatch) -> pa.RecordBatch:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return pa.ipc.open_stream(sink.getvalue()).read_next_batch()


def same(first: pa.Table, second: pa.Table) -> bool:
    """Equal values in equal order."""
    return first.to_pylist() == second.to_pylist()

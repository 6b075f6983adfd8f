"""CPU of making and writing a run against CPU of writing the same tables, day by day in pairs.

    python -m benches.ratio                     the demo world, and 100,000 cards x 30 days
    python -m benches.ratio --cards 25000 --merchants 10000 --days 31

Each stretch of days is made (generated, checked, digested, encoded, published: all that a run does
for it) and then, in the same breath, its tables are read back and written again to the same disk,
with the same settings and nothing else. The ratio is that of the sums; the quartiles are those of
the stretches. One core.

The second line says where the rest goes: the same ready tables are checked, digested, encoded,
hashed, synced and published, which is all of a run but making rows. A maker that cost nothing would
have that ratio.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fauxpay.catalog.world import World
from fauxpay.config.model import Config
from fauxpay.contracts.checks import check_batch
from fauxpay.contracts.members import Claim, Members
from fauxpay.contracts.tables import table
from fauxpay.delivery.engine import Engine
from fauxpay.delivery.partition import make_partitions
from fauxpay.delivery.sinks import LocalSink
from fauxpay.delivery.tables import Law, TableFile, writer_options
from fauxpay.delivery.task import PLAN_DAY, Context, Task, stretch_days, stretches
from fauxpay.delivery.workers import open_world
from fauxpay.delivery.workshop import Workshop
from fauxpay.delivery.worlds import build_world, identify
from fauxpay.foundations.memory import keep_freed_memory
from fauxpay.foundations.parameters import load_parameters
from fauxpay.gates.postings import PostingGate
from fauxpay.receipts import layout


@dataclass(frozen=True)
class Case:
    """A world and a window."""

    name: str
    cards: int
    merchants: int
    days: int

    def config(self, root: str) -> Config:
        """The config of the case; one process, so that CPU time is that of one core."""
        first = datetime.date(2026, 3, 1)
        last = first + datetime.timedelta(days=self.days)
        return Config(
            catalog={"cards": self.cards, "merchants": self.merchants},
            run={"from": first, "to": last, "out": root, "executor": "serial", "workers": 1},
        )


CASES = (Case("demo world", 25_000, 10_000, 31), Case("100,000 cards", 100_000, 20_000, 30))


def rewrite(files: dict[str, Path], compression: str) -> float:
    """CPU seconds of writing tables that lie in memory already to files of the same disk."""
    spent = 0.0
    for name, path in files.items():
        contract = table({**layout.DAY_TABLES, **layout.PLAN_TABLES}[name])
        schema, options = writer_options(contract, compression)
        rows = pq.ParquetFile(path).read().cast(schema)
        batches = rows.to_batches()
        again = path.with_suffix(".again")
        started = time.process_time()
        with pq.ParquetWriter(again, schema, **options) as writer:
            for batch in batches:
                writer.write_table(pa.Table.from_batches([batch]), row_group_size=batch.num_rows)
        spent += time.process_time() - started
        again.unlink()
    return spent


def deliver(files: dict[str, Path], workshop: Workshop, day: int, config: Config) -> float:
    """CPU seconds of all that a run does with tables of a day that lie in memory already."""
    spent, compression = 0.0, config.output.compression
    gate = PostingGate(day, config.activity.postings)
    with tempfile.TemporaryDirectory(dir=next(iter(files.values())).parents[3]) as root:
        sink, books = LocalSink(Path(root)), workshop.books(0)
        members = dict(books.members)
        staged = []
        for name, path in files.items():
            contract = table(layout.DAY_TABLES[name])
            schema, _ = writer_options(contract, compression)
            batches = pq.ParquetFile(path).read().cast(schema).combine_chunks().to_batches()
            started = time.process_time()
            file = TableFile(
                contract,
                sink.stage(f"{name}/part-0000.parquet"),
                Law(workshop.domains, members, compression),
                {},
            )
            for batch in batches:
                if name == "postings":
                    rows = pa.Table.from_batches([batch])
                    found = check_batch(
                        replace(contract, unique=(), foreign_keys=()), rows, members
                    )
                    found += gate.judge(rows)
                    assert not found, found[0]
                    file.append(rows, config.output.row_group_rows)
                    continue
                if name != "transactions":
                    file.write(batch)
                    continue
                spent += time.process_time() - started
                claims = claims_of(batch, workshop.maker.world)
                started = time.process_time()
                found = check_batch(contract, batch, members, claims)
                found += books.inspect(batch, claims)
                assert not found, found[0]
                gate.see(batch)
                file.append(batch, batch.num_rows)
            if name == "transactions":
                ids = pa.Table.from_batches(batches).column("transaction_id")
                members[layout.DAY_TABLES[name]] = Members.of(ids.to_numpy())
            file.close()
            staged.append(file.staged)
            spent += time.process_time() - started
        started = time.process_time()
        sink.publish(staged)
        spent += time.process_time() - started
    return spent


def claims_of(batch: pa.RecordBatch, world: World) -> dict[str, Claim]:
    """Where the keys of rows stand in the world, as the maker would say."""
    cards = world.cards
    known = {
        "card_id": cards.id,
        "merchant_id": world.merchants.id,
        "terminal_id": world.terminals.id,
        "device_id": world.devices.id,
    }
    claims = {}
    for name, ids in known.items():
        wanted = batch.column(name).fill_null(0).to_numpy()
        order = np.argsort(ids, kind="stable")
        at = np.searchsorted(ids[order], wanted).clip(0, ids.size - 1)
        claims[name] = Claim(ids, order[at])
    own = {"account_id": cards.account_id, "customer_id": cards.customer_id}
    return claims | {name: Claim(ids, claims["card_id"].position) for name, ids in own.items()}


def sealed_world(config: Config) -> Context:
    """The context of a run whose world is built and sealed."""
    engine, parameters = Engine(), load_parameters()
    request = identify(config, parameters, engine.inputs(config))
    root = Path(config.run.out)
    build_world(root, request, config, parameters, engine)
    return Context(root, request, config, parameters, engine)


def quiet(rows: int) -> None:
    """Hears of progress and says nothing."""


def measure(case: Case) -> None:
    """Prints one line of figures for a case."""
    with tempfile.TemporaryDirectory() as root:
        config = case.config(root)
        context = sealed_world(config)
        workshop = open_world(context)
        make_partitions(context, workshop, (Task(0, PLAN_DAY),), quiet)
        tasks = [Task(0, day) for day in context.request.window.days()]
        made, written, delivered, rows = [], [], [], []
        for stretch in stretches(tasks, stretch_days(case.cards, case.days, workers=1)):
            started = time.process_time()
            receipts = make_partitions(context, workshop, stretch, quiet)
            made.append(time.process_time() - started)
            days = [{e.name: Path(root) / e.path for e in one.tables} for one in receipts]
            written.append(sum(rewrite(files, config.output.compression) for files in days))
            delivered.append(
                sum(
                    deliver(files, workshop, task.day, config)
                    for task, files in zip(stretch, days, strict=True)
                )
            )
            rows.append(sum(one.rows["transactions"] for one in receipts))
    # The first stretch also looks back for the links; it counts.
    ratio = sum(made) / sum(written)
    spread = np.quantile(np.array(made) / np.array(written), (0.25, 0.5, 0.75))
    total = sum(rows)
    print(
        f"{case.name}: {total:,} rows; ratio {ratio:.2f} "
        f"(stretches: {spread[0]:.2f} / {spread[1]:.2f} / {spread[2]:.2f}); "
        f"{total / sum(made) / 1e6:.2f} M rows/s/core end to end; "
        f"{sum(made) / total * 1e9:.0f} ns/row, of which writing {sum(written) / total * 1e9:.0f}"
    )
    print(
        f"  delivering ready tables, without making rows: "
        f"ratio {sum(delivered) / sum(written):.2f}; {sum(delivered) / total * 1e9:.0f} ns/row"
    )


def main() -> None:
    """Runs the cases, or the one that the flags describe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cards", type=int)
    parser.add_argument("--merchants", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=30)
    asked = parser.parse_args()
    keep_freed_memory()
    own = [Case("own", asked.cards, asked.merchants, asked.days)] if asked.cards else CASES
    for case in own:
        measure(case)


if __name__ == "__main__":
    main()

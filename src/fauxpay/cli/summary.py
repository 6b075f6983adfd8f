"""The end of a run in words: what was made, where it is, how to open it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fauxpay.contracts.documents import check_document
from fauxpay.readers.query import exact, literal
from fauxpay.receipts import layout

if TYPE_CHECKING:
    from fauxpay.readers.run import Run
    from fauxpay.storage.places import Place


SUMMARY_CONTRACT = "run.yaml#/$defs/summary"
SUMMARY_SCHEMA = "fauxpay.summary/1"


def transactions_glob(run: Run) -> str:
    """A glob of the transactions of the run's world and seed, as query engines want it."""
    return f"{exact(_seed_folder(run).as_posix())}/transactions/event_day=*/part-*.parquet"


def _seed_folder(run: Run) -> Place:
    return run.root / layout.seed_name(run.world_id, int(run.receipt["seed"]))


def openings(run: Run) -> dict[str, str]:
    """A line to open the run's transactions with, by tool; other days of its world are left out."""
    own = f"fauxpay.open({str(run.root)!r}).run({run.run_id!r}).table('transactions')"
    if not isinstance(run.root, Path):
        # What others need to read a store differs: an extension, a package, settings of their own.
        return {"fauxpay": own, "SQL": f"fauxpay sql {run.run_id} --out {run.root}"}
    glob, day = transactions_glob(run), "event_day"
    first, end = (str(run.receipt["window"][name]) for name in ("from", "to"))
    dates = [
        f"pl.date({each:%Y}, {each.month}, {each.day})"
        for each in map(date.fromisoformat, (first, end))
    ]
    folder = f"{_seed_folder(run).as_posix()}/transactions"
    within = f"filters=[({day!r}, '>=', {first!r}), ({day!r}, '<', {end!r})]"
    return {
        "fauxpay": own,
        "DuckDB": f"SELECT * FROM read_parquet({literal(glob)}, hive_partitioning=true) "
        f"WHERE {day} >= '{first}' AND {day} < '{end}'",
        "Polars": f"pl.scan_parquet({glob!r}, hive_partitioning=True).filter("
        f"pl.col({day!r}) >= {dates[0]}, pl.col({day!r}) < {dates[1]})",
        "pandas": f"pd.read_parquet({folder!r}, {within})",
    }


def document(
    run: Run,
    *,
    is_new: bool,
    seconds: float,
    report: Place | None = None,
    tables: Place | None = None,
) -> dict[str, Any]:
    """The summary for programs, checked against its contract (run.yaml#/$defs/summary)."""
    receipt = run.receipt
    summary = {
        "schema": SUMMARY_SCHEMA,
        "run_id": run.run_id,
        "world_id": run.world_id,
        "verdict": receipt["verdict"],
        "is_new": is_new,
        "seed": receipt["seed"],
        "window": receipt["window"],
        "created_utc": receipt["created_utc"],
        "rows": run.rows,
        "fraud_rate": run.fraud_rate,
        "root": str(run.root),
        "receipt": str(run.folder / layout.RECEIPT),
        "report": str(report) if report else None,
        "tables": str(tables) if tables else None,
        "transactions": transactions_glob(run),
        "seconds": round(seconds, 3),
    }
    check_document(SUMMARY_CONTRACT, summary)
    return summary


def lines(
    run: Run, seconds: float, report: Place | None = None, tables: Place | None = None
) -> list[str]:
    """The summary for people: a short table, then how to open the rows."""
    rows = run.rows
    window = run.receipt["window"]
    facts = {
        "transactions": f"{rows['transactions']:,} in {seconds:.1f} s",
        "days": f"{window['from']} to {window['to']} (not included), UTC",
        "cards": f"{rows['cards']:,}",
        "merchants": f"{rows['merchants']:,}",
        "fraud rate": f"{run.fraud_rate:.3%} ({rows['truth']:,} rows)",
        "verdict": str(run.receipt["verdict"]),
        "run id": run.run_id,
        "where": str(_seed_folder(run)),
        "receipt": str(run.folder / layout.RECEIPT),
    }
    facts |= {"report": str(report)} if report else {}
    facts |= {"tables": str(tables)} if tables else {}
    return [*_table(facts), "", "open it with", *_table(openings(run))]


def _table(facts: Mapping[str, str]) -> list[str]:
    width = max(len(name) for name in facts)
    return [f"  {name:<{width}}  {value}" for name, value in facts.items()]


def found_line(run: Run, tables: Place | None = None, drawn: Place | None = None) -> str:
    """The one line that answers the same request asked again.

    drawn  its report, where that was left unfinished and is made now
    """
    left = "nothing to do" if drawn is None else f"only its report was left to draw, in {drawn}"
    return (
        f"run {run.run_id} is there already, {run.receipt['verdict']}, created "
        f"{run.receipt['created_utc']}, {run.rows['transactions']:,} transactions below "
        f"{run.root}: {left}" + (f"; its tables are in {tables}" if tables else "")
    )

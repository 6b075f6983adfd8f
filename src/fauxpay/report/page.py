"""Page: a run as one HTML file that needs nothing else.

Reads    a run's tables (report.tables), gate.json, its scorecard where there is one
Writes   HTML as text
Draws    nothing
Sources  nothing

Same run, same bytes: no clock is asked, no path of the machine stands in it. All text of the run
is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fauxpay.readers.run import Run
from fauxpay.receipts.store import read_gate
from fauxpay.report.amounts import amounts
from fauxpay.report.aside import learning
from fauxpay.report.corridors import corridors
from fauxpay.report.difficulty import difficulty
from fauxpay.report.drawing import prepare
from fauxpay.report.frauds import frauds
from fauxpay.report.geography import geography
from fauxpay.report.knowledge import knowledge, nulls
from fauxpay.report.parts import Section, Table, many, table_of
from fauxpay.report.popularity import popularity
from fauxpay.report.rhythm import rhythm
from fauxpay.report.sources import citing
from fauxpay.report.tables import MEMORY, THREADS, opened

if TYPE_CHECKING:
    from fauxpay.scorecard.findings import Scorecard

CHAPTERS = (rhythm, popularity, amounts, geography, frauds, knowledge, nulls)


def report_html(run: Run) -> str:
    """The page of a run. Raises StorageError, ContractError where the run cannot be read.

    It is scored in a thread and its detectors learn in a process while the rest is drawn.
    """
    with learning(run) as learnt, opened(run) as tables, ThreadPoolExecutor(1) as pool:
        scored = pool.submit(_scored, run)
        prepare()
        drawn = [chapter(tables) for chapter in CHAPTERS]
        card = scored.result()
        sections = [corridors(card), *drawn, difficulty(learnt()), citing(run, card)]
    return rendered(run, sections, card)


def _scored(run: Run) -> Scorecard | None:
    """The scorecard; None where there is nothing to score."""
    from fauxpay.scorecard.scoring import score

    if not run.rows.get("transactions"):
        return None
    return score(run, threads=THREADS, memory_limit=MEMORY)


def rendered(run: Run, sections: Sequence[Section], card: Scorecard | None) -> str:
    """The HTML of sections below the summary of a run."""
    return _template("page.html").render(  # type: ignore[no-any-return]
        run=run,
        receipt=run.receipt,
        style=_text("page.css"),
        headlines=headlines(run, card),
        identity=identity(run),
        gates=_gates(run),
        openings=openings(run),
        sections=sections,
    )


def headlines(run: Run, card: Scorecard | None) -> list[tuple[str, str, str]]:
    """(figure, what it is, more about it): what one looks at first."""
    rows, window = run.rows, run.receipt["window"]
    days = len({partition["event_day"] for partition in run.receipt["partitions"]})
    count = {name: rows.get(name, 0) for name in ("transactions", "cards", "merchants", "truth")}
    people, places = rows.get("customers", 0), rows.get("places", 0)
    more = {
        "transactions": f"{many(days, 'day')} from {window['from']}",
        "cards": f"of {many(people, 'customer')}",
        "merchants": f"in {many(places, 'place')}",
    }
    found = [
        (f"{count[name]:,}", name[:-1] if count[name] == 1 else name, text)
        for name, text in more.items()
    ]
    found.append((f"{run.fraud_rate:.3%}", "fraud", many(count["truth"], "transaction")))
    if card is not None and card.total is not None:
        found.append((f"{card.total:.0%}", "of counted facts hold", "see the scorecard"))
    return found


def identity(run: Run) -> Table:
    """Everything that says which run this is, and from what it was made."""
    receipt = run.receipt
    window, versions = receipt["window"], receipt["packages"]
    rows = [
        ("run id", run.run_id),
        ("world id", run.world_id),
        ("parameter hash", receipt["parameter_hash"]),
        ("model version", str(receipt["model_version"])),
        ("seed", str(receipt["seed"])),
        ("window", f"{window['from']} to {window['to']}, not included, UTC"),
        ("first sealed", receipt["created_utc"]),
        ("made by", ", ".join(f"{name} {text}" for name, text in sorted(versions.items()))),
        ("receipt digest", receipt["receipt_digest"]),
    ]
    return table_of("Identity of the run", ("what", "value"), rows)


def openings(run: Run) -> dict[str, str]:
    """A line to open the transactions with, by tool, from the folder that holds `worlds/`."""
    folder = f"worlds/{run.world_id}/seed={run.receipt['seed']}/transactions"
    glob = f"{folder}/event_day=*/part-*.parquet"
    return {
        "fauxpay": f"fauxpay.open('.').run('{run.run_id}').table('transactions')",
        "DuckDB": f"SELECT * FROM read_parquet('{glob}', hive_partitioning=true)",
        "Polars": f"pl.scan_parquet('{glob}', hive_partitioning=True)",
        "pandas": f"pd.read_parquet('{folder}')",
    }


def _gates(run: Run) -> list[dict[str, Any]]:
    """The gates of a run with their checks, as gate.json has them."""
    return [dict(entry) for entry in read_gate(run.folder)["gates"]]


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["drawing"] = Markup
    return environment


def _template(name: str) -> Any:
    return _environment().get_template(name)


def _text(name: str) -> str:
    return files("fauxpay.report").joinpath("templates", name).read_text(encoding="utf-8")

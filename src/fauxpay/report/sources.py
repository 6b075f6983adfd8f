"""Sources: how to cite a run, and what its world and its scorecard take for facts.

Reads    the run's config as its receipt has it, citations.yaml
Writes   nothing
Draws    nothing
Sources  foundations/citations.yaml
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fauxpay.config.citations import citation_document
from fauxpay.config.model import Config
from fauxpay.foundations.parameters import load_citations, load_parameters
from fauxpay.report.parts import Section, Table, table_of

if TYPE_CHECKING:
    from fauxpay.readers.run import Run
    from fauxpay.scorecard.findings import Scorecard


def citing(run: Run, card: Scorecard | None) -> Section:
    """A line to cite, then tables of sources, assumptions and reference data."""
    config = Config(**run.receipt["config"])
    document = citation_document(load_parameters(config.parameters), config)
    version = run.receipt["packages"].get("fauxpay", "")
    own = (
        f"Synthetic card payments made with fauxpay {version}: run {run.run_id}, world "
        f"{run.world_id[:12]}, seed {run.receipt['seed']}, first sealed "
        f"{run.receipt['created_utc'][:10]}."
    )
    sources = ("key", "title", "year", "url")
    found = (
        _listed("Sources of the scorecard's facts", _of_facts(card), sources),
        _listed("Published sources of parameters", document["sources"], (*sources, "parameters")),
        _listed("Assumptions: no published figure", document["assumptions"], ("parameter", "why")),
        _listed("Replaced by the config", document["replaced"], ("parameter", "value")),
        _listed("Reference data", document["reference"], ("name", "source", "licence")),
    )
    return Section("cite", "How to cite", own, tables=tuple(one for one in found if one.rows))


def _of_facts(card: Scorecard | None) -> list[dict[str, Any]]:
    """Entries of the citations that facts name, by key."""
    known = load_citations()
    named = {one.fact.source for one in card.findings} if card else set()
    keys = sorted(named & known.keys())
    return [
        {"key": key, "title": one.title, "year": one.year, "url": one.url}
        for key, one in ((key, known[key]) for key in keys)
    ]


def _listed(caption: str, entries: Iterable[Mapping[str, Any]], columns: tuple[str, ...]) -> Table:
    rows = [tuple(_text(one.get(name)) for name in columns) for one in entries]
    return table_of(caption, columns, rows)


def _text(value: Any) -> str:
    """Years are no amounts: no comma in them."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)

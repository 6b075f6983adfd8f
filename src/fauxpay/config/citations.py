"""Citations: the sources of what a world takes for facts, as its config wants them.

Reads    parameters, foundations/citations.yaml, reference.json
Writes   nothing
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fauxpay.foundations.parameters import COUNTRIES, DEFAULT
from fauxpay.foundations.reference import reference_inputs

if TYPE_CHECKING:
    from fauxpay.config.model import Config
    from fauxpay.foundations.parameters import Citation, Parameters


def citation_document(parameters: Parameters, config: Config) -> dict[str, list[dict[str, object]]]:
    """Sources with the parameters they support, overrides, assumptions, and reference data."""
    prefixes = ["catalog.", *_activity_prefixes(parameters, config)]
    prefixes += ["clearing."] if config.activity.postings else []
    prefixes += ["fraud."] if config.fraud.enabled else []
    prefixes += ["labels."] if config.labels.enabled else []
    replaced = config.parameters
    return {
        "sources": [
            {**_entry(source), "parameters": list(names)}
            for source, names in parameters.citations(prefixes).items()
        ],
        "assumptions": [
            {"parameter": name, "why": why}
            for name, why in parameters.assumptions(prefixes).items()
        ],
        "replaced": [{"parameter": name, "value": replaced[name]} for name in replaced],
        "reference": [
            {"name": one["name"], "source": one["source"], "licence": one["licence"]}
            for one in reference_inputs()
        ],
    }


def _activity_prefixes(parameters: Parameters, config: Config) -> list[str]:
    """Activity's groups, with the packs of the world's own countries only."""
    segment, group = COUNTRIES.split(".")
    groups = {name.split(".")[1] for name in parameters.names() if name.startswith(f"{segment}.")}
    prefixes = [f"{segment}.{other}." for other in sorted(groups - {group})]
    if config.catalog.path is not None:  # whose countries are known once its files are read
        return [*prefixes, f"{COUNTRIES}."]
    return [*prefixes, *(f"{COUNTRIES}.{one}." for one in (DEFAULT, *config.catalog.countries))]


def _entry(source: Citation) -> dict[str, object]:
    fields = ("key", "title", "year", "url", "licence")
    return {name: getattr(source, name) for name in fields if getattr(source, name) is not None}

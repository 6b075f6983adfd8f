"""Pages: the facts and the columns as tables of Markdown, for docs/scorecard.md.

Reads    facts.yaml, the canonical columns
Writes   text
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from fauxpay.scorecard.columns import CANONICAL, NEEDED
from fauxpay.scorecard.facts import Law, Rules

BEGIN, END = "<!-- made by tools/scorecard_page.py: {} -->", "<!-- end of {} -->"


def renewed(page: str, rules: Rules) -> str:
    """A page with its tables made again between their marks."""
    for name, table in (("facts", fact_table(rules)), ("columns", column_table())):
        begin, end = BEGIN.format(name), END.format(name)
        assert begin in page, f"the page has no mark {begin}"
        assert end in page, f"the page has no mark {end}"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    return page


def fact_table(rules: Rules) -> str:
    """Every fact: corridor, published value, source, what it needs, which rows count."""
    lines = [
        "| row | fact | corridor | published | source | judged from | blocks | which rows count |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for law in rules.laws:
        fact = law.fact
        lines.append(
            f"| {fact.row} | `{fact.key}` {_cell(fact.title)}, {_cell(fact.unit)} | "
            f"{_corridor(law)} | {_cell(fact.real)} | {fact.source} {fact.tag.value} | "
            f"{_conditions(law)} | {law.blocks} | {_cell(law.counts)} |"
        )
    return "\n".join(lines)


def column_table() -> str:
    """Every canonical column and what it holds."""
    lines = ["| column | holds |", "|---|---|"]
    for name, text in CANONICAL.items():
        needed = " (needed)" if name in NEEDED else ""
        lines.append(f"| `{name}`{needed} | {_cell(text)} |")
    return "\n".join(lines)


def _corridor(law: Law) -> str:
    low, high = ("" if end is None else f"{end:g}" for end in (law.fact.low, law.fact.high))
    return f"{low}..{high}"


def _conditions(law: Law) -> str:
    parts = [
        f"{number:,} {what}"
        for number, what in (
            (law.cards_min, "cards"),
            (law.days_min, "days"),
            (law.frauds_min, "frauds"),
        )
        if number
    ]
    parts += [f"{law.country} cards"] if law.country else []
    needs = ", ".join(f"`{name}`" for name in law.needs if name not in NEEDED)
    return "; ".join([*parts, *([needs] if needs else [])]) or "any"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

"""Makes the tables of docs/scorecard.md again from facts.yaml: python tools/scorecard_page.py."""

from __future__ import annotations

from pathlib import Path

from fauxpay.scorecard.facts import shipped_rules
from fauxpay.scorecard.pages import renewed

PAGE = Path(__file__).resolve().parent.parent / "docs" / "scorecard.md"

if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8"), shipped_rules()), "utf-8")

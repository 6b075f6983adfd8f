"""Channels: refunds, home and abroad, remote and contactless (rows 19-22).

Reads    cube
Writes   measured facts
Draws    nothing
Sources  facts.yaml [facts]
"""

from __future__ import annotations

from fauxpay.scorecard.blocks import Measured, from_sums
from fauxpay.scorecard.staging import PAYMENT, REMOTE, Staged


def channels(staged: Staged) -> dict[str, Measured]:
    """Facts of rows 19-22."""
    british = staged.focus("GB")
    return {
        "refunds": share(staged, "rows", "kind = 'refund'", "true"),
        "home_share": share(staged, "rows", "is_home", f"{PAYMENT} AND is_home IS NOT NULL"),
        "remote_count": share(staged, "rows", REMOTE, f"{PAYMENT} AND channel IS NOT NULL"),
        "remote_value": share(staged, "value", REMOTE, f"{PAYMENT} AND channel IS NOT NULL"),
        **{
            f"contactless_{product}": share(
                staged,
                "rows",
                "is_contactless",
                f"{PAYMENT} AND channel = 'pos' AND card_product = '{product}' AND {british}",
            )
            for product in ("credit", "debit")
        },
    }


def share(staged: Staged, measure: str, part: str, whole: str) -> Measured:
    """Share of a part in a whole, both conditions of the cube, by rows or value."""
    sums = staged.block_sums([f"CASE WHEN {part} THEN {measure} END", measure], whole)
    return from_sums(sums, lambda total: total[0] / total[1], "no such rows")

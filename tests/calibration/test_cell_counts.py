"""Cells: each says how many different cards stand behind it, wherever they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fauxpay.calibration.measuring import measure
from fauxpay.calibration.statistics import Statistics, open_source
from fauxpay.drift.sides import connect, whole_window
from fauxpay.foundations.parameters import load_parameters
from fauxpay.scorecard.card_table import open_card_table

DAYS, CARDS, SWIPERS = 40, 100, 3
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "JP", "BR", "IN", "ZA", "AE")


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """Three cards swipe and buy online in ten countries each; one of thirty victims is known."""
    rows = CARDS * DAYS
    card, day = np.divmod(np.arange(rows), DAYS)
    swipes = card < SWIPERS
    country = np.where(swipes, np.array(COUNTRIES)[day % len(COUNTRIES)], "US")
    online = swipes & (day % 2 == 0)
    fraud = (day == 20) & (card >= 50) & (card < 80)
    at = (20_500 * 86_400 + day * 86_400 + card) * 1_000_000
    known = pa.array(at + 86_400_000_000, pa.timestamp("us"), mask=~(fraud & (card == 50)))
    columns = {
        "card": card,
        "merchant": card % 17,
        "at": pa.array(at, pa.timestamp("us")),
        "amount": 5.0 + day,
        "channel": np.where(online, "ecom", "pos"),
        "entry_mode": np.where(online, "ecommerce", np.where(swipes, "magstripe", "chip")),
        "merchant_country": country,
        "card_country": np.full(rows, "US"),
        "label": fraud.astype(int),
        "known_at": known,
    }
    path = tmp_path_factory.mktemp("cells") / "table.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def seen(path: Path, k: int) -> Statistics:
    """What is measured with a least number of cards."""
    table = open_card_table(path)
    connection = connect(table, {})
    own, _ = whole_window(table, connection)
    return measure(open_source(table, connection, own, load_parameters(), (k, 100)))


def test_a_card_counts_once_in_all_places_together(path):
    """Ten countries of three cards are three cards, and the shares are those of all rows."""
    cells = seen(path, 1).cells
    for key in (("entry", "magstripe"), ("channel", "ecom"), ("abroad",)):
        assert cells[key].cards == SWIPERS, key
    online, rows = SWIPERS * DAYS / 2, CARDS * DAYS - 30  # Frauds are counted elsewhere.
    assert cells["entry", "magstripe"].value == pytest.approx(online / (rows - online))
    assert cells["channel", "ecom"].value == pytest.approx(online / rows)


def test_what_the_bank_learnt_counts_the_cards_it_learnt_of(path):
    """One victim of thirty is known: a share with one card behind it."""
    assert seen(path, 1).cells["found",].cards == 1


def test_few_cards_in_many_places_are_suppressed(path):
    """With k of 20 none of it comes out."""
    cells = seen(path, 20).cells
    assert not {("entry", "magstripe"), ("channel", "ecom"), ("abroad",), ("found",)} & set(cells)
    assert ("decline", "pos") not in cells
    assert ("rate",) in cells

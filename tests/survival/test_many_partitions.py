"""Ten thousand partitions: everything that is done with them costs in proportion, not more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FEW, MANY = 1000, 10_000
RATIO_MAX = 15.0
"""Ten times the partitions; quadratic would be a hundred. A ratio, for machines differ."""

START_SECONDS = 2.0
PEAK_GROWTH_MB_MAX = 250.0
RECEIPT_MB_MAX = 20.0


@pytest.mark.slow
def test_ten_thousand_partitions_cost_in_proportion():
    """Making, asking again, finding, reading: near ten times a thousand; memory grows little."""
    arguments = [sys.executable, "-m", "benches.many", str(FEW), str(MANY)]
    done = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    few, many = (json.loads(line) for line in done.stdout.splitlines())
    for stage in ("make", "ask again", "find", "read"):
        allowed = RATIO_MAX * few[stage]["seconds"] + START_SECONDS
        assert many[stage]["seconds"] < allowed, (stage, few[stage], many[stage])
        growth = many[stage]["peak_mb"] - few[stage]["peak_mb"]
        assert growth < PEAK_GROWTH_MB_MAX, (stage, few[stage], many[stage])
    assert many["receipt_mb"] < RECEIPT_MB_MAX
    assert many["gate_mb"] < 2 * few["gate_mb"], "gates do not list partitions"

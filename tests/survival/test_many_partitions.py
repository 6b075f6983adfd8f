"""Ten thousand partitions: everything that is done with fewer can be done with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FEW, MANY = 1000, 10_000
PEAK_GROWTH_MB_MAX = 250.0
RECEIPT_MB_MAX = 20.0


@pytest.mark.slow
def test_ten_thousand_partitions_are_a_run_like_others():
    """Making, asking again, finding, reading: all of it works, and memory grows little.

    How long it takes is held by the benchmark, which this runs.
    """
    arguments = [sys.executable, "-m", "benches.many", str(FEW), str(MANY)]
    done = subprocess.run(arguments, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    few, many = (json.loads(line) for line in done.stdout.splitlines())
    for stage in ("make", "ask again", "find", "read"):
        growth = many[stage]["peak_mb"] - few[stage]["peak_mb"]
        assert growth < PEAK_GROWTH_MB_MAX, (stage, few[stage], many[stage])
    assert many["receipt_mb"] < RECEIPT_MB_MAX
    assert many["gate_mb"] < 2 * few["gate_mb"], "gates do not list partitions"

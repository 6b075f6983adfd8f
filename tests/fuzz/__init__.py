"""Fuzzing: what users bring - packs, configs, receipts, Parquet, CSV, runs - bent out of shape.

python -m tests.fuzz --executions 1000000 --state fuzz.json
"""

from __future__ import annotations

import sys
from pathlib import Path

# Helpers of the other tests, under pytest and without.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

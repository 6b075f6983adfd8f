"""Checks of one column: null, index, range, multiple, enum, pattern, constant.

Each check has a fast question (smallest and largest value, values of the dictionary) that valid
data answers at once, and a slow one, asked only then, that finds the offending rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fauxpay.contracts.buffers import Bools, Values, validity, values
from fauxpay.contracts.findings import Finding
from fauxpay.contracts.tables import Column

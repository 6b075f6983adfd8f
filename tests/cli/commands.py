"""The real command line in a process of its own, and a small world to ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SIZES = ("catalog.cards=300", "catalog.merchants=400", "catalog.places=15")
SMALL = ("--workers", "1", *(f"--set={size}" for size in SIZES))


def fauxpay(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What `fauxpay` says and returns; settings of ours in the environment only if given."""
    return subprocess.run(
        [sys.executable, "-m", "fauxpay", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=environ_with(**environ),
    )


def environ_with(**more: str) -> dict[str, str]:
    """The environment without settings of ours but that no report is made, with more of it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FAUXPAY_")}
    return {**kept, "FAUXPAY_RUN__REPORT": "false", **more}


def generate(root: Path, *words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """`fauxpay generate` of the small world below a root."""
    return fauxpay("generate", "--out", root, *SMALL, *words, **environ)


def flip_a_bit(path: Path) -> None:
    """Changes a file in its middle and keeps its size."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def only(root: Path, pattern: str) -> Path:
    """The one file below a root with such a name."""
    (found,) = root.glob(pattern)
    return found

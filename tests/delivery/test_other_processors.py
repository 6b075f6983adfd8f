"""Other processors: the same bytes without AVX-512, AVX2 and FMA, in NumPy and in the C library."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
from test_same_bytes import command, files

# What each switch turns off: NumPy's own dispatch, and the C library's choice of `exp` and `log`.
LESS = {
    "numpy": {"NPY_DISABLE_CPU_FEATURES": "{found}"},
    "libc": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-AVX"},
}
FOUND = """
import numpy, numpy._core._multiarray_umath as m
print(" ".join(name for name in m.__cpu_dispatch__ if m.__cpu_features__.get(name)))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="switches of x86 processors")
@pytest.mark.parametrize("what", sorted(LESS))
def test_bytes_do_not_hang_on_the_processor(tmp_path, what):
    """World, draw tables and partitions are the same when the processor has fewer instructions."""
    found = subprocess.run(
        [sys.executable, "-c", FOUND], check=True, capture_output=True, text=True
    ).stdout.strip()
    less = {name: value.format(found=found) for name, value in LESS[what].items()}
    subprocess.run(command(tmp_path / "all"), check=True)
    subprocess.run(command(tmp_path / "less"), check=True, env={**os.environ, **less})
    made = files(tmp_path / "all")
    assert made == files(tmp_path / "less")
    assert any(name.endswith("draw_tables.npz") for name in made)

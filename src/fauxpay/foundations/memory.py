"""Memory: tells the C library to keep what arrays give back, in processes that are our own.

Arrays of a chunk come and go thousands of times. By default glibc returns the top of its heap to
the system each time and faults the pages in again, which costs more than the arithmetic on them.
"""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 256 << 20
_MAP_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Raises glibc's thresholds; False where the C library has none. For worker processes."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    kept: bool = mallopt(_TRIM_THRESHOLD, _KEEP_BYTES) and mallopt(_MMAP_THRESHOLD, _MAP_BYTES)
    return bool(kept)

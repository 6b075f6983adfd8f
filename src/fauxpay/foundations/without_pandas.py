"""Without pandas: Arrow and scikit-learn import it unasked, which costs more than many a whole job.

Only in processes of our own, where nobody hands them a data frame. Whoever asks for pandas by name
afterwards still gets it, and from then on Arrow knows it too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from typing import Any


class _Refusal(MetaPathFinder):
    """Says of pandas that there is none."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Nothing but a refusal; other modules are left to those who find them."""
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError("not looked for on purpose", name=fullname)


@contextmanager
def pandas_left_out() -> Iterator[None]:
    """Within the block nobody finds pandas, unless it is loaded already."""
    refusal = _Refusal()
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)


def leave_pandas_out() -> bool:
    """Lets Arrow look for pandas now, and find none; False where it is loaded already."""
    if "pandas" in sys.modules:
        return False
    import pyarrow as pa

    with pandas_left_out():
        pa.array([0])
    return True

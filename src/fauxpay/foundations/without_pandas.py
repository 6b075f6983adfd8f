"""Without pandas: Arrow looks for it at its first array, which costs more than many a whole job.

Only in processes of our own, where nobody hands Arrow a data frame. Whoever asks for pandas by name
still gets it, and from then on Arrow knows it too.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _Refusal(MetaPathFinder):
    """Says of pandas that there is none."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Nothing but a refusal; other modules are left to those who find them."""
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError("not looked for on purpose", name=fullname)


def leave_pandas_out() -> bool:
    """Lets Arrow look for pandas now, and find none; False where it is loaded already."""
    if "pandas" in sys.modules:
        return False
    import pyarrow as pa

    refusal = _Refusal()
    sys.meta_path.insert(0, refusal)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(refusal)
    return True

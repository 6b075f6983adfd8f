"""Runs of the tests in stores, their files, and writers that race for a name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fauxpay
from fauxpay.storage.clients import library
from fauxpay.storage.objects import ObjectPath
from fauxpay.storage.places import name_below
from sealed import request


def generate(out: str, **run: object) -> fauxpay.Run:
    """The small run of the tests below a root."""
    return fauxpay.generate(request(out, **run))


def files(root: ObjectPath | Path, folder: str = "worlds") -> dict[str, bytes]:
    """Name to bytes of all files below a folder of a root."""
    found = [path for path in (root / folder).rglob("*") if path.is_file()]
    return {name_below(path, root): path.read_bytes() for path in found}


def winner_of(path: ObjectPath, writers: int = 16) -> bytes:
    """What the one of many writers wrote that put something where nothing stood."""

    def put(nth: int) -> bool:
        try:
            path.store.put(path.key, bytes([nth]), mode="create")
        except library().exceptions.AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(writers) as pool:
        won = list(pool.map(put, range(writers)))
    assert sum(won) == 1, f"{sum(won)} of {writers} were told that they were first"
    return bytes([won.index(True)])

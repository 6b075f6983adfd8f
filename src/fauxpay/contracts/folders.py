"""Folders of packs that somebody else wrote: read within limits, and never left.

Links count by where they lead; what leads out is not read. YAML is plain data (strict_yaml), JSON
likewise: no member twice, no NaN. Names that begin with a dot are left out.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

from fauxpay.contracts.faults import Fault, Place, fault, shortened
from fauxpay.errors import ConfigError, StorageError
from fauxpay.foundations.strict_yaml import Limits, read_yaml

ENDINGS = (".yaml", ".yml", ".json")
FILES_MAX = 2_000
ENTRIES_MAX = 50_000
FOLDERS_DEPTH_MAX = 32
FILE_BYTES_MAX = 4 << 20
TOTAL_BYTES_MAX = 16 << 20
DEPTH_MAX = 100
VALUES_MAX = 500_000
ALIASES_MAX = 10_000
LIMITS = Limits(depth=DEPTH_MAX, values=VALUES_MAX, aliases=ALIASES_MAX)
_HALF = re.compile("[\ud800-\udfff]")
_HALF_MESSAGE = "half of a surrogate pair (\\ud800 to \\udfff) is no character"


class _TooMuch(ValueError):
    """A document passes a limit."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What was read: documents and bytes by file name, and a fault for each that was not."""

    documents: Mapping[str, Any]
    texts: Mapping[str, bytes]
    faults: tuple[Fault, ...]


def read_folder(folder: Path) -> Folder:
    """Every pack below a folder. Raises StorageError where there is no such folder."""
    if not folder.is_dir():
        raise StorageError(f"{folder}: no such folder; expected one that holds contract packs")
    root = Path(os.path.realpath(folder))
    documents: dict[str, Any] = {}
    texts: dict[str, bytes] = {}
    faults: list[Fault] = []
    total = 0
    for file in _files(root, faults):
        content = _bytes(root, file, faults)
        if content is None:
            continue
        total += len(content)
        if len(texts) >= FILES_MAX or total > TOTAL_BYTES_MAX:
            message = f"more than {FILES_MAX} files or {TOTAL_BYTES_MAX} bytes; the rest is unread"
            faults.append(fault("limit", Place(file, ""), message))
            break
        texts[file] = content
        read = parsed(file, content)
        if isinstance(read, Fault):
            faults.append(read)
        else:
            documents[file] = read
    return Folder(documents, texts, tuple(faults))


def parsed(file: str, content: bytes) -> Any | Fault:
    """The document of a pack: what JSON can say, within limits. A Fault for what it cannot."""
    place = Place(file, "")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return fault("file", place, f"byte {error.start} is not UTF-8 text")
    try:
        document = (
            _json(text) if file.lower().endswith(".json") else read_yaml(text, file, LIMITS).value
        )
        document = _plain(document, [VALUES_MAX], DEPTH_MAX)
    except ConfigError as error:
        return fault("file", place, str(error).replace(f"{file}:", "line ", 1))
    except _TooMuch as error:
        return fault("limit", place, str(error))
    except RecursionError:
        return fault("limit", place, f"nested more than {DEPTH_MAX} levels deep")
    except ValueError as error:
        return fault("file", place, shortened(f"this is not plain JSON data: {error}"))
    if not isinstance(document, Mapping | bool):
        return fault("file", place, "no schema: a mapping is expected, or true or false")
    return document


def _files(root: Path, faults: list[Fault]) -> Iterator[str]:
    """Names of the packs below a folder, in order, relative and with slashes."""
    entries, to_do = 0, [""]
    while to_do:
        below = to_do.pop()
        try:
            listed = sorted(os.scandir(root / below), key=lambda entry: entry.name)
        except OSError as error:
            faults.append(fault("file", Place(below, ""), f"cannot be read: {error.strerror}"))
            continue
        folders = []
        for entry in listed:
            entries += 1
            name = f"{below}/{entry.name}" if below else entry.name
            if entries > ENTRIES_MAX:
                message = f"more than {ENTRIES_MAX} files and folders; the rest is unread"
                faults.append(fault("limit", Place(below, ""), message))
                return
            if entry.name.startswith(".") or _HALF.search(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            elif entry.name.lower().endswith(ENDINGS):
                yield name
            elif entry.is_symlink():
                _note_link(root, name, entry, faults)
        depth = below.count("/") + 1 if below else 0
        if depth >= FOLDERS_DEPTH_MAX and folders:
            message = f"folders nested more than {FOLDERS_DEPTH_MAX} deep are not read"
            faults.append(fault("limit", Place(below, ""), message))
        else:
            to_do.extend(reversed(folders))


def _note_link(root: Path, name: str, entry: os.DirEntry[str], faults: list[Fault]) -> None:
    """A fault for a link to a folder outside, and for one that leads round in a circle."""
    place = Place(name, "")
    try:
        is_outside = entry.is_dir() and not _is_inside(root, name)
    except OSError as error:
        faults.append(fault("file", place, f"cannot be read: {error.strerror}"))
        return
    if is_outside:
        faults.append(fault("outside", place, "a link to a folder outside; it is not followed"))


def _is_inside(root: Path, name: str) -> bool:
    return Path(os.path.realpath(root / name)).is_relative_to(root)


def _bytes(root: Path, file: str, faults: list[Fault]) -> bytes | None:
    """The bytes of a file; None, and a fault, for what is no plain, readable, small file inside."""
    place = Place(file, "")
    if not _is_inside(root, file):
        faults.append(fault("outside", place, "a link that leads out of the folder; it is unread"))
        return None
    try:
        # Not to block on what is a pipe; not to follow what became a link since it was looked at.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(os.path.realpath(root / file), flags), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                faults.append(fault("file", place, "no plain file; it is unread"))
                return None
            content = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        faults.append(fault("file", place, f"cannot be read: {error.strerror}"))
        return None
    if len(content) > FILE_BYTES_MAX:
        faults.append(fault("limit", place, f"larger than {FILE_BYTES_MAX} bytes; it is unread"))
        return None
    return content


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the member {twice!r} stands in one object twice")
    return members


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _plain(value: Any, left: list[int], depth: int) -> Any:
    """The value in JSON's own types; `left` counts down the values that are still allowed."""
    left[0] -= 1
    if left[0] < 0:
        raise _TooMuch(f"more than {VALUES_MAX} values")
    if depth < 0:
        raise _TooMuch(f"nested more than {DEPTH_MAX} levels deep")
    if isinstance(value, dict):
        if any(map(_HALF.search, value)):
            raise ValueError(_HALF_MESSAGE)
        return {name: _plain(item, left, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, left, depth - 1) for item in value]
    if isinstance(value, str) and _HALF.search(value):
        raise ValueError(_HALF_MESSAGE)
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    return value.isoformat() if isinstance(value, date) else value

"""Power cuts: what a run asks of the file system, in order, and what a disk may keep of it.

A recording is a list of steps: mkdir, create, write, sync, syncdir, link, rename, unlink. A `Disk`
plays them and knows two states of everything: as programs see it, and as it was last fsynced. After
a power cut a disk may keep any mixture of the two.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import survival_harness as harness


class Step(NamedTuple):
    """One call: its kind, its path, and a second path or a size where it has one."""

    kind: str
    path: str
    other: str = ""
    size: int = 0


@dataclass(eq=False)
class File:
    """Bytes written and bytes that were fsynced, as counts: files are only appended to.

    number  how many files were made before it: the same in every playing of the same steps
    """

    number: int
    size: int = 0
    synced: int = 0


@dataclass(eq=False)
class Folder:
    """Names as programs see them, and as they were when the folder was last fsynced."""

    names: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)


class Disk:
    """Plays steps below a folder that is there already."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = Folder()
        self._made = 0

    def play(self, step: Step) -> None:
        """Does one step."""
        folder, name = self._place(step.path)
        match step.kind:
            case "mkdir":
                folder.names.setdefault(name, Folder())
            case "create":
                folder.names.setdefault(name, File(self._made))
                self._made += 1
            case "write":
                self._file(step.path).size = max(self._file(step.path).size, step.size)
            case "append":
                self._file(step.path).size += step.size
            case "sync":
                self._file(step.path).synced = self._file(step.path).size
            case "syncdir":
                own = self.find(step.path)
                assert isinstance(own, Folder)
                own.synced = dict(own.names)
            case "link":
                target, other = self._place(step.other)
                target.names[other] = folder.names[name]
            case "rename":
                target, other = self._place(step.other)
                target.names[other] = folder.names.pop(name)
            case "unlink":
                folder.names.pop(name, None)
            case _:
                raise AssertionError(step)

    def find(self, path: str, *, is_durable: bool = False) -> File | Folder | None:
        """What a path leads to: as programs see it, or by names alone that were fsynced."""
        found: File | Folder | None = self.folder
        for part in self._parts(path):
            if not isinstance(found, Folder):
                return None
            found = (found.synced if is_durable else found.names).get(part)
        return found

    def holds(self, path: str) -> bool:
        """Whether a file would be there, whole, after a power cut."""
        file = self.find(path, is_durable=True)
        return isinstance(file, File) and file.synced == file.size

    def files(self) -> Iterator[tuple[str, File]]:
        """Path and file of everything that programs see."""
        open_folders = [("", self.folder)]
        while open_folders:
            above, folder = open_folders.pop()
            for name, one in folder.names.items():
                if isinstance(one, Folder):
                    open_folders.append((f"{above}/{name}", one))
                else:
                    yield str(self.top) + f"{above}/{name}", one

    def _parts(self, path: str) -> list[str]:
        return [part for part in Path(path).relative_to(self.top).parts if part != "."]

    def _place(self, path: str) -> tuple[Folder, str]:
        if path == str(self.top):
            return self.folder, "."
        folder = self.find(str(Path(path).parent))
        assert isinstance(folder, Folder), path
        return folder, Path(path).name

    def _file(self, path: str) -> File:
        file = self.find(path)
        assert isinstance(file, File), path
        return file


def keep(
    folder: Folder, target: Path, data: dict[int, bytes], chance: random.Random | None
) -> None:
    """Writes what a disk keeps at a power cut.

    data    the bytes that each file had in the end, by its number
    chance  None: names and bytes only as they were fsynced, the least that a disk may keep;
            else each name that was made or removed since, and each tail of bytes, by chance
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted({*folder.names, *folder.synced}):
        before, now = folder.synced.get(name), folder.names.get(name)
        kept = before if chance is None or chance.random() < 0.5 else now
        if isinstance(kept, Folder):
            keep(kept, target / name, data, chance)
        elif kept is not None:
            size = kept.synced if chance is None else chance.randint(kept.synced, kept.size)
            (target / name).write_bytes(data.get(kept.number, b"")[:size])


AUDITED = """
import json, os, sys
top, log = sys.argv.pop(1), open(sys.argv.pop(1), "w")
def told(kind, path, other="", size=0):
    paths = [os.path.abspath(os.fsdecode(one)) if one else "" for one in (path, other)]
    if all(one.startswith(top) for one in paths if one):
        log.write(json.dumps([kind, *paths, size]) + "\\n")
def is_free(path):
    return os.path.isdir(os.path.dirname(path)) and not os.path.lexists(path)
def size_of(path):
    return os.stat(path).st_size
def hook(event, given):
    # Events come before the call: what is going to fail is left out.
    if event == "open" and isinstance(given[0], (str, bytes)) and given[2] & os.O_CREAT:
        if is_free(given[0]):
            told("create", given[0])
    elif event == "os.mkdir":
        if is_free(given[0]):
            told("mkdir", given[0])
    elif event in ("os.link", "os.rename") and str(given[0]).startswith(top):
        told("write", given[0], size=size_of(given[0]))
        if event == "os.rename" or is_free(given[1]):
            told(event[3:], given[0], given[1])
    elif event == "os.remove" and os.path.exists(given[0]):
        told("unlink", given[0])
def synced(plain):
    def sync(handle):
        handle = handle if isinstance(handle, int) else handle.fileno()
        path = os.readlink(f"/proc/self/fd/{handle}")
        is_folder = os.path.isdir(path)
        if not is_folder:
            told("write", path, size=size_of(path))
        plain(handle)
        told("syncdir" if is_folder else "sync", path)
    return sync
os.fsync, os.fdatasync = synced(os.fsync), synced(os.fdatasync)
sys.addaudithook(hook)
from fauxpay.cli import main
main()
"""


def audited(top: Path, log: Path) -> list[Step]:
    """Records a run of one process below a folder by Python's own audit events."""
    own = [sys.executable, "-c", AUDITED, str(top), str(log)]
    done = harness.finished([*own, *harness.command(top / "out")[3:]])
    assert done.returncode == 0, done.stderr
    return [Step(*json.loads(line)) for line in log.read_text().splitlines()]


CALLS = "openat,open,creat,write,pwrite64,writev,fsync,fdatasync,link,linkat,rename,renameat"
CALLS += ",renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,ftruncate,sync_file_range,syncfs,sync"
_LINE = re.compile(r"^\s*(\d+)\s+(\w+)\((.*)\)\s*=\s*(-?\d+)", re.DOTALL)
_NAMES = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HANDLE = re.compile(r"^-?\w+<([^>]*)>")


def traced(top: Path, log: Path) -> list[Step]:
    """Records a run with two workers below a folder by its system calls, through strace."""
    strace = ["strace", "-f", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(log)]
    done = harness.finished([*strace, *harness.command(top / "out", workers=2)])
    assert done.returncode == 0, done.stderr
    waiting: dict[str, str] = {}
    steps: list[Step] = []
    for line in log.read_text().splitlines():
        process, _, rest = line.strip().partition(" ")
        if rest.endswith("<unfinished ...>"):
            waiting[process] = rest.removesuffix("<unfinished ...>")
            continue
        resumed = re.match(r"\s*<\.\.\. \w+ resumed>(.*)", rest)
        whole = waiting.pop(process) + resumed.group(1) if resumed else rest
        found = _LINE.match(f"{process} {whole.strip()}")
        if found and int(found[4]) >= 0:
            steps += _steps(found[2], found[3], int(found[4]), top)
    return steps


def _steps(call: str, given: str, result: int, top: Path) -> list[Step]:
    """The steps of one call that succeeded; none outside of the folder."""
    handle, names = _HANDLE.match(given), _NAMES.findall(given)
    if call in ("write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate"):
        path = handle[1] if handle else ""
        if not path.startswith(str(top)):
            return []
        assert call != "ftruncate", given
        if call in ("fsync", "fdatasync"):
            return [Step("syncdir" if Path(path).is_dir() else "sync", path)]
        return [Step("append", path, size=result)]
    assert call not in ("sync_file_range", "syncfs", "sync"), "say in power_cut.py what it does"
    names = [name for name in names if name.startswith(str(top))]
    if not names:
        return []
    if call in ("openat", "open", "creat"):
        return [Step("create", names[0])] if "O_CREAT" in given or call == "creat" else []
    kinds = {"mkdir": "mkdir", "link": "link", "rename": "rename", "unlink": "unlink"}
    kind = next(kinds[known] for known in kinds if call.startswith(known))
    return [Step(kind, names[0], names[1] if len(names) > 1 else "")]

"""A power cut at any point: bytes before names, files before what names them, then the mark.

Held against recordings of real runs, not against one sequence: files may be synced in batches.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import power_cut
import pytest
import survival_harness as harness
from power_cut import Disk, File, Step

HIDDEN = (".staging", "quarantine", "conflicts")


class Recording:
    """A run that was recorded: its steps, the root, and the bytes of its files."""

    def __init__(self, top: Path, steps: list[Step]) -> None:
        self.top, self.root, self.steps = top, top / "out", steps
        disk = self.played(len(steps))
        assert {path for path, _ in disk.files()} == {
            str(path) for path in top.rglob("*") if path.is_file()
        }
        self.data = {path: Path(path).read_bytes() for path, _ in disk.files()}
        self.bytes_by_number = {file.number: self.data[path] for path, file in disk.files()}
        for path, file in disk.files():
            assert file.size == len(self.data[path]), path

    def played(self, count: int) -> Disk:
        """The disk after so many steps."""
        disk = Disk(self.top)
        for step in self.steps[:count]:
            disk.play(step)
        return disk

    def is_public(self, path: str) -> bool:
        """Whether a name is one that readers look at."""
        return Path(path).relative_to(self.root).parts[0] not in HIDDEN

    def needs(self, path: str) -> list[str]:
        """What must be durable before a document gets its name: all that it names."""
        own = Path(path).relative_to(self.root)
        if own.name == "_PASSED":
            return [str(Path(path).with_name("receipt.json"))]
        if own.suffix != ".json":
            return []
        document = json.loads(self.data[path])
        lists = ("tables", "derived", "catalog")
        entries = [entry for name in lists for entry in document.get(name, [])]
        for partition in document.get("partitions", []):
            entries += partition["tables"]
        needed = [str(self.root / entry["path"]) for entry in entries]
        if own.name == "receipt.json":
            needed.append(str(Path(path).with_name("gate.json")))
            segments = [str(one) for one in Path(path).parent.glob("segments/*.json")]
            assert len(segments) == 3
            needed += segments
        if own.name in ("receipt.json", "gate.json"):
            needed += [str(one) for one in self.root.glob("runs/created/*.json")]
            needed += [str(one) for one in self.root.glob("worlds/*/world.json")]
        return needed

    def published(self) -> list[tuple[int, Step]]:
        """Each step that gives a file a public name, with its number."""
        made = [
            (number, step)
            for number, step in enumerate(self.steps)
            if step.kind in ("link", "rename") and self.is_public(step.other)
        ]
        assert len(made) >= 30
        return made


@pytest.fixture(scope="module", params=["audited", pytest.param("traced", marks=pytest.mark.slow)])
def recording(request, tmp_path_factory) -> Recording:
    """A run recorded from within (one process) and from without (two workers)."""
    if request.param == "traced" and shutil.which("strace") is None:
        pytest.skip("strace is not installed (Debian: strace)")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "top").mkdir()
    record = getattr(power_cut, request.param)
    return Recording(folder / "top", record(folder / "top", folder / "log"))


def require_order(recording: Recording) -> int:
    """Bytes before names, and what a document names before the document; how many documents."""
    documents = 0
    for number, step in recording.published():
        disk, needed = recording.played(number), recording.needs(step.other)
        file = disk.find(step.path)
        assert isinstance(file, File), step
        assert file.synced == file.size, f"{step.other}: {file.synced} of {file.size} bytes synced"
        assert file.size == len(recording.data[step.other]), step
        for path in needed:
            assert disk.holds(path), f"{step.other} is named before {path} is durable"
        documents += bool(needed)
    return documents


def test_what_a_name_stands_for_is_durable_before_the_name(recording):
    """Bytes before names; files before sidecar, world and receipt; stamp, gate, receipt, mark."""
    # A world, the sidecars of a plan and three days, gate, receipt and mark.
    assert require_order(recording) == 1 + 4 + 3


def test_a_document_that_comes_too_early_would_be_found(recording):
    """Negative space: without its fsyncs of folders, or of files, a run is found wanting."""
    for kind in ("sync", "syncdir"):
        lame = Recording(recording.top, [step for step in recording.steps if step.kind != kind])
        with pytest.raises(AssertionError, match=r"durable|synced"):
            require_order(lame)


def test_all_is_durable_when_the_command_returns(recording):
    """The run's files, and the name of the root itself, which this run has made."""
    disk = recording.played(len(recording.steps))
    for path in recording.data:
        if recording.is_public(path):
            assert disk.holds(path), path


def cut(recording: Recording, target: Path, number: int, chance: random.Random | None) -> Path:
    """The root as a disk may keep it when the power goes after so many steps."""
    power_cut.keep(recording.played(number).folder, target, recording.bytes_by_number, chance)
    return target / "out"


def survived(recording: Recording, tmp_path: Path, numbers: list[int], *, every: int) -> int:
    """Cuts after each of the steps, the least kept and twice by chance; how many were mended.

    every  so manyth cut is followed by the same run again, to its end
    """
    mended = 0
    for number in numbers:
        for kept in (None, random.Random(number), random.Random(-number - 1)):
            target = tmp_path / "cut"
            root = cut(recording, target, number, kept)
            runs = harness.require_nothing_torn(root)
            # The mark is the last name of all, so that no run is seen before it.
            assert runs == 0 or number > recording.published()[-1][0]
            if number % every == 0:
                harness.make(root)
                harness.require_whole(root)
                mended += 1
            shutil.rmtree(target)
    return mended


def test_nothing_torn_is_readable_after_a_power_cut(recording, tmp_path):
    """Thirty steps: what a disk may keep holds no torn run, and some are run to the end."""
    apart = len(recording.steps) // 29
    numbers = list(range(0, len(recording.steps) + 1, apart))
    assert survived(recording, tmp_path, numbers, every=7 * apart) >= 5


@pytest.mark.slow
def test_every_power_cut_is_survived(recording, tmp_path):
    """Every step: nothing torn is readable; every fifth is run to the end, to the same files."""
    # A write to a file without a name changes nothing that anybody could see.
    numbers = [
        number
        for number, step in enumerate(recording.steps, 1)
        if step.kind not in ("write", "append")
    ]
    mended = survived(recording, tmp_path, numbers, every=5)
    print(f"{len(numbers) * 3} cuts, {mended} run to the end")
    assert mended >= len(numbers) // 5


def test_the_last_step_kept_by_chance_may_be_the_whole_run(recording, tmp_path):
    """Positive control: with everything done and synced the run is there, whatever is kept."""
    root = cut(recording, tmp_path / "cut", len(recording.steps), None)
    harness.require_whole(root)

"""Explanations: a conflict says what differs between what stands and what was made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import fauxpay
from fauxpay.errors import ConflictError
from fauxpay.receipts import records
from fauxpay.receipts.explain import conflict_lines
from fauxpay.receipts.inputs import differing_inputs, differing_packages
from forgeries import edit
from sealed import FIRST, digests, file_of, request, run_of


def explained(root: Path, **run: object) -> str:
    """What the conflict of a run says, with the sidecar of its first day gone."""
    file_of(root, "worlds/*/seed=1/partitions/event_day=2026-03-01/part-0000.json").unlink()
    with pytest.raises(ConflictError, match="written once") as caught:
        fauxpay.generate(request(root, to="2026-03-05", **run))
    return str(caught.value)


def test_damage_is_told_from_other_results(root):
    """The standing file is not the sealed one, the new one is: damage. Both are kept."""
    path = file_of(root, FIRST)
    path.write_bytes(b"other bytes")
    text = explained(root)
    assert "damage: the standing bytes are not the sealed ones" in text
    assert "the new bytes are" in text
    assert "the code itself" not in text  # It made the sealed bytes again.
    assert path.read_bytes() == b"other bytes"
    (kept,) = (path for path in (root / "conflicts").rglob("*") if path.is_file())
    assert str(kept) in text


def test_other_code_is_named_as_the_last_suspect(root, monkeypatch):
    """The sealed file stands, all inputs are the same, a value is another: where, and why."""
    from fauxpay.partitions import fill

    before = digests(root, "worlds/")
    plain = fill.Filler.fill

    def other(self, buffers, start, *rest):
        plain(self, buffers, start, *rest)
        buffers.values["amount_minor"][start] += 1
        buffers.values["billing_amount_minor"][start] = buffers.values["amount_minor"][start]

    monkeypatch.setattr(fill.Filler, "fill", other)
    text = explained(root)
    assert "the standing bytes are those that were sealed" in text
    assert "are the sealed ones: the code itself may have changed" in text
    assert "values: first in column amount_minor, row 0:" in text
    after = digests(root, "worlds/")
    assert {name: after[name] for name in before if name in after} == {
        name: digest for name, digest in before.items() if name in after
    }


def test_other_packages_are_named(root, monkeypatch):
    """The receipt of the standing file names versions that are not those here."""
    versions = records.package_versions()
    monkeypatch.setattr(
        "fauxpay.receipts.inputs.package_versions", lambda: {**versions, "numpy": "9.9"}
    )
    path = file_of(root, FIRST)
    new = root / "new.parquet"
    pq.write_table(pq.read_table(path, partitioning=None), new, compression="zstd")
    lines = conflict_lines(root, path.relative_to(root).as_posix(), new)
    assert f"package numpy: sealed with {versions['numpy']}, here 9.9" in lines
    assert any("encoded in another way" in line for line in lines)


def test_the_first_other_value_is_named(root):
    """Two files of the same rows but one: column, row and both values."""
    path, new = file_of(root, FIRST), root / "new.parquet"
    rows = pq.read_table(path, partitioning=None)
    at = rows.schema.get_field_index("terminal_id")
    own = pc.equal(pa.array(range(rows.num_rows)), 100)
    other = pc.if_else(own, pa.scalar(5, pa.int64()), rows["terminal_id"])
    pq.write_table(rows.set_column(at, rows.schema.field(at), other), new)
    lines = conflict_lines(root, path.relative_to(root).as_posix(), new)
    assert any("values: first in column terminal_id, row 100:" in line for line in lines)


def test_documents_are_compared_by_member(root):
    """Two world.json under one name: the member that differs, and the input it stands for."""
    path, new = file_of(root, "worlds/*/world.json"), root / "new.json"
    shutil.copy(path, new)
    edit(path, lambda world: world["inputs"][0].update(sha256="0" * 64))
    lines = conflict_lines(root, path.relative_to(root).as_posix(), new)
    assert any(line.startswith("input reference/") for line in lines)
    assert any(line.startswith("/inputs/0/sha256:") for line in lines)


@pytest.mark.parametrize("name", ["x", "a/b/c.parquet", "worlds/x/y.json", "worlds/x/world.json"])
def test_an_explanation_never_fails(tmp_path, name):
    """Whatever stands there: some line, no exception, for the conflict itself must be seen."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"[1")
    (tmp_path / "new").write_bytes(b"PAR1")
    assert conflict_lines(tmp_path, name, tmp_path / "new")


def test_inputs_of_this_installation_do_not_differ(sealed):
    """Positive space: what was just made has the inputs and packages that are here."""
    assert differing_inputs(run_of(sealed).receipt) == []
    assert differing_packages(run_of(sealed).receipt) == []


def test_other_parameters_are_named(sealed):
    """world.json holds all parameters, so the ones that differ are named with both values."""
    import json

    world = json.loads(file_of(sealed, "worlds/*/world.json").read_bytes())
    world["parameters"]["fraud.replacement_card_years"]["value"] = 99
    (difference,) = differing_inputs(world)
    assert difference.name == "parameters/fraud.replacement_card_years"
    assert "99" in difference.sealed


def test_other_row_groups_are_no_other_values(root):
    """The same rows, cut in another way: no value is called another; with less rows, how many."""
    path = file_of(root, FIRST)
    rows, new = pq.read_table(path, partitioning=None), root / "new.parquet"
    name = path.relative_to(root).as_posix()
    pq.write_table(rows, new, row_group_size=100)
    assert "values: all are the same, so they are encoded in another way" in conflict_lines(
        root, name, new
    )
    pq.write_table(rows.slice(0, 250), new, row_group_size=100)
    lines = conflict_lines(root, name, new)
    assert f"rows: {rows.num_rows} stand there, 250 were made" in lines
    assert "values: the same in the first 250 rows, which are all that both have" in lines

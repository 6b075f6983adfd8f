"""Pages: headers of real files are read rightly, and one that asks for too much is refused."""

from __future__ import annotations

import base64
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from contract_examples import example, replaced

from fauxpay.contracts import pages
from fauxpay.contracts.tables import table
from fauxpay.contracts.validation import validate
from fauxpay.errors import ContractError

TRANSACTIONS = table("activity.yaml#/$defs/transactions")
SHAPES = {
    "plain": {},
    "version 2 pages": {"data_page_version": "2.0", "compression": "snappy"},
    "small pages": {"data_page_size": 64, "use_dictionary": False, "compression": "gzip"},
    "checksums and an index": {"write_page_checksum": True, "write_page_index": True},
    "row groups": {"row_group_size": 5, "compression": "zstd"},
    "none": {"compression": "none", "write_statistics": False},
}


def walked(path) -> list[int]:
    """Claimed sizes of all pages of a file."""
    sizes: list[int] = []
    real = pages._header_at

    def spied(*arguments):
        header, length = real(*arguments)
        sizes.append(header[2])
        return header, length

    pages._header_at = spied
    try:
        pages.require_small_pages(path)
    finally:
        pages._header_at = real
    return sizes


@pytest.mark.parametrize("name", SHAPES)
def test_every_page_of_real_files_is_walked(name, tmp_path):
    """The walk ends where each column chunk ends, and the claims add up to what it holds."""
    path = tmp_path / "a.parquet"
    pq.write_table(example(TRANSACTIONS), path, **SHAPES[name])
    metadata = pq.read_metadata(path)
    columns = [
        metadata.row_group(group).column(position)
        for group in range(metadata.num_row_groups)
        for position in range(metadata.num_columns)
    ]
    sizes = walked(path)
    assert len(sizes) >= len(columns)
    # Chunks count their headers too.
    headers = sum(one.total_uncompressed_size for one in columns) - sum(sizes)
    assert 0 < headers < 200 * len(sizes)


def test_a_page_that_asks_for_too_much_is_refused(tmp_path, monkeypatch):
    """Regression: fuzzing found pages that claimed 1 GiB, which the reader allocated."""
    path = tmp_path / "a.parquet"
    data = example(TRANSACTIONS)
    pq.write_table(data, path)
    largest = max(walked(path))
    monkeypatch.setattr(pages, "PAGE_BYTES_MAX", largest)
    assert validate(TRANSACTIONS, [path], {}).findings == ()
    monkeypatch.setattr(pages, "PAGE_BYTES_MAX", largest - 1)
    with pytest.raises(ContractError, match=f"says that it holds {largest} bytes"):
        validate(TRANSACTIONS, [path], {})


@pytest.mark.parametrize(
    "data",
    [b"", b"\x15", b"\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x1c" * 40, b"\x19"],
)
def test_torn_headers_are_no_pages(data, tmp_path):
    """What ends too soon, never ends or nests without end is refused."""
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    with path.open("rb") as stream, pytest.raises(ContractError, match="no page header"):
        pages._header_at(path, stream, 0)


def test_contradictions_in_a_footer_do_not_end_the_process(tmp_path):
    """Regression: fuzzing found that Arrow aborts when it is asked for such a column's metadata."""
    path = tmp_path / "a.parquet"
    pq.write_table(example(table("labels.yaml#/$defs/labels")), path, store_schema=False)
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[-8:-4], "little")
    begin = len(content) - 8 - size
    script = (
        "import sys\nfrom pathlib import Path\nfrom fauxpay.contracts.pages import *\n"
        "from fauxpay.contracts.tables import table\nfrom fauxpay.errors import FauxpayError\n"
        "from fauxpay.contracts.validation import validate\n"
        "owner = table('labels.yaml#/$defs/labels')\n"
        "path, begin = Path(sys.argv[1]), int(sys.argv[2])\n"
        "content = path.read_bytes()\n"
        "for at in range(begin, len(content) - 8, 2):\n"
        "    changed = bytearray(content)\n"
        "    changed[at] ^= 1\n"
        "    path.write_bytes(changed)\n"
        "    try:\n        validate(owner, [path], {})\n        require_small_pages(path)\n"
        "    except FauxpayError:\n        pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(begin)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-500:]


def test_names_and_zones_that_are_no_text_are_refused(tmp_path):
    """Regression: fuzzing found a zone whose bytes are no UTF-8, which fails when it is read."""
    labels = table("labels.yaml#/$defs/labels")
    rows = example(labels)
    zone = rows["known_at"].combine_chunks().cast(pa.timestamp("us", "Europe/Oslo"))
    path = tmp_path / "a.parquet"
    pq.write_table(replaced(rows, "known_at", zone), path, store_schema=True)
    content = path.read_bytes()
    assert validate(labels, [path], {}).findings == ()
    metadata = pq.read_metadata(path).metadata[b"ARROW:schema"]
    broken = base64.b64decode(metadata).replace(b"Europe/Oslo", b"Europe\xff\xacslo")
    changed = base64.b64encode(broken)
    assert len(changed) == len(metadata)
    path.write_bytes(content.replace(metadata, changed))
    with pytest.raises(ContractError, match="cannot be read as Parquet"):
        validate(labels, [path], {})

"""What is written on this machine: an address is not taken for a folder of such a name."""

from __future__ import annotations

import pytest
from commands import fauxpay

WRITERS = {
    "export": ("export", "s3://bucket/flat.parquet"),
    "report": ("report", "latest", "-o", "https://host/page.html"),
    "replay": ("replay", "--scratch", "gs://bucket/scratch"),
    "fit": ("fit", "latest", "-o", "az://container/fitted.yaml"),
    "config init": ("config", "init", "s3://bucket/config.yaml"),
}


@pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)
def test_an_address_is_no_file_of_this_machine(words, tmp_path, monkeypatch):
    """The address is named as a wrong argument, before a run is looked for and files are made."""
    monkeypatch.chdir(tmp_path)
    said = fauxpay(*words)
    assert said.returncode == 2
    address = next(word for word in words if "://" in word)
    told = " ".join(said.stderr.split())
    assert f"{address}: this is an address; expected the name of a file or folder" in told
    assert not list(tmp_path.iterdir())


def test_a_name_that_the_locale_cannot_say_is_told(tmp_path):
    """Without UTF-8 a name beyond ASCII is refused with the way out, not called damaged."""
    plain = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    said = fauxpay("verify", "latest", "--out", tmp_path / "wörld", **plain)
    assert said.returncode == 2
    assert "Set PYTHONUTF8=1" in said.stderr

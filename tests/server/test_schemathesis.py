"""The API keeps its own OpenAPI: schemathesis asks the real command what the spec allows and more.

It wants an older jsonschema-rs than ours and a dozen packages, so it lives in an environment of its
own: TEST_SCHEMATHESIS_VENV names one, as .ci/run prepares it, or one is made here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from served import serving

REQUIREMENT = "schemathesis>=4.32"
INSTALL_SECONDS_MAX = 600
ASK_SECONDS_MAX = 600
EXAMPLES = 15


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """The command line of schemathesis; skipped, with the reason, where it cannot be installed."""
    named = os.environ.get("TEST_SCHEMATHESIS_VENV")
    folder = Path(named) if named else tmp_path_factory.mktemp("schemathesis") / "venv"
    found = folder / "bin" / "schemathesis"
    if not found.exists():
        try:
            for command in (
                [sys.executable, "-m", "venv", folder],
                [folder / "bin" / "pip", "install", "--quiet", REQUIREMENT],
            ):
                subprocess.run(
                    command, check=True, capture_output=True, timeout=INSTALL_SECONDS_MAX
                )
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"{REQUIREMENT} cannot be installed here: {error}")
    return found


def asked(program: Path, url: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Every check of schemathesis on the spec of a server, at a fixed seed."""
    command = [program, "run", f"{url}api/openapi.json", "--checks", "all", "--seed", "1"]
    return subprocess.run(
        [*command, "--no-color", *words],
        capture_output=True, text=True, cwd=folder, timeout=ASK_SECONDS_MAX,
    )  # fmt: skip


@pytest.mark.slow
def test_the_server_keeps_its_own_spec(program, run, tmp_path):
    """No answer that the spec does not have, no bad request taken, no good one refused."""
    with serving(run.root) as (url, _):
        words = ("--max-examples", str(EXAMPLES), "--continue-on-failure")
        done = asked(program, url, tmp_path, *words)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "Tested: 9" in done.stdout


@pytest.mark.slow
def test_a_spec_that_is_not_kept_is_found(program, run, tmp_path):
    """Negative space: a server without truth refuses what the spec of one with it does not."""
    with serving(run.root, "--no-truth") as (url, _):
        spec = json.loads(urlopen(f"{url}api/openapi.json").read())
        for operations in spec["paths"].values():
            operations["get"]["responses"].pop("403", None)
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        command = [program, "run", "spec.json", "--url", url, "--checks", "all", "--seed", "1"]
        words = ["--no-color", "--max-examples", "5", "--phases", "coverage"]
        done = subprocess.run(
            [*command, *words],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=ASK_SECONDS_MAX,
        )
    assert done.returncode == 1
    assert "Undocumented" in done.stdout
    assert "[403] Forbidden" in done.stdout

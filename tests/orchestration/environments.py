"""Environments of their own for tools that are too heavy for the one that the tests run in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALL_SECONDS_MAX = 1200


def environment(package: str, module: str, variable: str, folder: Path) -> Path:
    """The bin folder of a virtual environment that has packages and this checkout of fauxpay.

    package   one requirement, or several with spaces between
    variable  environment variable that may name one which was prepared, as .ci/run does
    folder    where to make one otherwise
    Skips the test, with the reason, where it cannot be installed.
    """
    place = Path(os.environ.get(variable) or folder)
    python = place / "bin" / "python"
    if not _has(python, module):
        _install(place, package)
        if not _has(python, module):
            pytest.skip(f"{package} was installed in {place} but cannot be imported there")
    return python.parent


def clean_environ(**more: str) -> dict[str, str]:
    """The environment without settings of ours but that no report is made, with more of it."""
    own = ("FAUXPAY_", "PAYMENTS_", "AIRFLOW", "DAGSTER_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return {**kept, "FAUXPAY_RUN__REPORT": "false", **more}


def _has(python: Path, module: str) -> bool:
    """Whether both can be imported, and fauxpay is the one that is being tested."""
    if not python.exists():
        return False
    code = (
        "import importlib.util as u, pathlib, fauxpay, structlog; "
        f"assert u.find_spec({module!r}); "
        "print(pathlib.Path(fauxpay.__file__).resolve().parent)"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode == 0 and Path(done.stdout.strip()) == ROOT / "src" / "fauxpay"


def _install(place: Path, package: str) -> None:
    pip = [place / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    commands = (
        [sys.executable, "-m", "venv", place],
        [*pip, "install", "--quiet", *package.split(), "--editable", ROOT],
    )
    for command in commands:
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX
            )
        except subprocess.CalledProcessError as error:
            said = [line.strip() for line in error.stderr.splitlines()]
            lines = [line for line in said if line.startswith("ERROR")] or said or ["no reason"]
            pytest.skip(f"{package} cannot be installed here: {lines[0]}")
        except (OSError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"{package} cannot be installed here: {error}")

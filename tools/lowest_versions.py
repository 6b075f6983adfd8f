"""Prints the oldest versions that pyproject.toml allows, as constraints for pip.

    python tools/lowest_versions.py > lowest.txt
    pip install -c lowest.txt '.[dev]'

`just test-lowest` does both and runs the default tests: lower bounds are what works.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[\w.-]+)(\[[^]]*\])?>=(?P<version>[\w.]+)")
PINNED = "reference"
"""The group of what the package data is made from."""


def lowest(project: Path = PROJECT) -> list[str]:
    """`name==version` of each lower bound; of a package that is named twice, the higher one."""
    table = tomllib.loads(project.read_text())["project"]
    groups = {"": table["dependencies"], **table["optional-dependencies"]}
    versions: dict[str, str] = {}
    for group, requirements in groups.items():
        for requirement in requirements if group != PINNED else ():
            found = BOUND.match(requirement)
            if found is None:
                continue
            name, version = found["name"], found["version"]
            versions[name] = max(versions.get(name, version), version, key=_numbers)
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


if __name__ == "__main__":
    print("\n".join(lowest()))

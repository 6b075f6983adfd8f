"""Build src/fauxpay/foundations/shipped.json: the package's own YAML files, parsed once.

Reads    every YAML file below src/fauxpay
Writes   SHA-256 of each file's text -> its value, in the order of the files' names

    python tools/build_shipped.py            # writes
    python tools/build_shipped.py --check    # writes nothing, fails if a byte would change
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from fauxpay.contracts.folders import LIMITS
from fauxpay.foundations.canonical import sha256_hex
from fauxpay.foundations.shipped import FILE_NAME
from fauxpay.foundations.strict_yaml import read_yaml

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "fauxpay"
FILE = PACKAGE / "foundations" / FILE_NAME


def content() -> bytes:
    """What the file must hold."""
    values = {}
    for path in sorted(PACKAGE.rglob("*.yaml")):
        text = path.read_bytes()
        name = path.relative_to(PACKAGE).as_posix()
        values[sha256_hex(text)] = read_yaml(text.decode("utf-8"), name, LIMITS).value
    lines = [
        f"{json.dumps(digest)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
        for digest, value in values.items()
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8")


def main() -> int:
    """Writes or checks; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    is_check = parser.parse_args().check
    wanted = content()
    if not is_check:
        FILE.write_bytes(wanted)
        return 0
    if FILE.is_file() and FILE.read_bytes() == wanted:
        return 0
    print(f"{FILE.name} is not of today's YAML files: run python tools/build_shipped.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())

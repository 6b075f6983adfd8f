# Tasks. `just` lists them; each line also works typed by hand in the virtual environment.

default:
    @just --list

# Lint, types and the default tests
check: lint types test

lint:
    ruff check .

types:
    mypy

test:
    pytest -q

# All tests, the slow ones too
test-all:
    pytest -q -m "slow or not slow"

# The default tests with the oldest versions of everything, in an environment of its own
test-lowest:
    #!/usr/bin/env bash
    set -euo pipefail
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' EXIT
    python -m venv "$work/venv"
    python tools/lowest_versions.py > "$work/lowest.txt"
    "$work/venv/bin/pip" install --quiet -c "$work/lowest.txt" '.[dev]'
    "$work/venv/bin/pytest" -q

# CPU of a run against CPU of writing its tables
bench:
    python -m benches.ratio

# The package data from its pinned sources
reference:
    python tools/build_reference.py

# What the package's YAML files say, parsed once
shipped:
    python tools/build_shipped.py

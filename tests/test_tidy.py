"""The repository holds itself to its rules: imports, sizes, docstrings, anchors, no leftovers."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "fauxpay"
LAYERS = (
    "errors",
    "foundations",
    "storage",
    "contracts",
    "config",
    "catalog",
    "activity",
    "clearing",
    "fraud",
    "labels",
    "partitions",
    "gates",
    "receipts",
    "delivery",
    "readers",
    "streams",
    "databases",
    "lakes",
    "scorecard",
    "drift",
    "calibration",
    "report",
    "audit",
    "server",
    "cli",
)
TOP = ("__init__", "__main__", "generate", "testing")
FILE_LINES_MAX = 350
FUNCTION_LINES_MAX = 70
MODULES = sorted(SOURCE.rglob("*.py"))


def layer_of(path: Path) -> int:
    """Position of a module's layer; what stands on top of all comes last."""
    first = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    first = "foundations" if first == "reference" else first  # data files, read there
    return len(LAYERS) if first in TOP else LAYERS.index(first)


def imports_of(tree: ast.AST) -> list[str]:
    """Names of the fauxpay modules that a module imports, wherever in it."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.startswith("fauxpay")]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_upstream_only(path):
    """A layer imports itself and those before it."""
    own = layer_of(path)
    for name in imports_of(ast.parse(path.read_text())):
        parts = name.split(".")
        if len(parts) < 2 or parts[1] not in LAYERS:
            assert own == len(LAYERS) or name in ("fauxpay.__version__",), f"{path}: {name}"
            continue
        assert LAYERS.index(parts[1]) <= own, f"{path} imports {name}, which is downstream"


def test_an_import_downstream_would_be_found():
    """Negative space: the law's own eye sees a forbidden import."""
    names = imports_of(ast.parse("from fauxpay.fraud import plan\nimport fauxpay.cli.app"))
    assert names == ["fauxpay.fraud.plan", "fauxpay.cli.app"]
    assert LAYERS.index("fraud") > LAYERS.index("activity")


MAKERS = ("catalog", "activity", "clearing", "fraud", "labels", "partitions")


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.relative_to(SOURCE).parts[0] in MAKERS],
    ids=lambda p: str(p.relative_to(SOURCE)),
)
def test_rows_hang_on_no_built_in_sum(path):
    """What makes rows adds by `sum_in_order`: `sum` of floats is another from Python 3.12 on."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = [node.func.id for node in calls if isinstance(node.func, ast.Name)]
    assert "sum" not in names, path


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_modules_are_small_and_described(path):
    """Files and functions stay short; every module with code says what it is for."""
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= FILE_LINES_MAX
    if tree.body:
        assert ast.get_docstring(tree), f"{path} has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{path}:{node.lineno} {node.name}: {lines} lines"
            public = not node.name.startswith("_")
            outer = node in tree.body
            if public and outer:
                assert ast.get_docstring(node), f"{path}:{node.lineno} {node.name}"


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda p: p.name)
def test_every_test_states_its_fact(path):
    """Every test has a docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{path}:{node.lineno} {node.name}"


def tracked() -> list[Path]:
    """Text files that git tracks, or all where there is no checkout."""
    try:
        out = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    endings = (".py", ".md", ".toml", ".yaml", ".yml", ".json", "run", "justfile")
    return [ROOT / name for name in out if name.endswith(endings) and (ROOT / name).exists()]


def test_nothing_unfinished_nor_private_is_committed():
    """Nothing left to fix, no path of a machine, no host of a package registry."""
    wanted = re.compile("|".join(("FIX" + "ME", "/wo" + "rk/", "/ro" + "ot/", "pypi\\.o" + "rg")))
    for path in tracked():
        found = wanted.search(path.read_text(errors="replace"))
        assert not found, f"{path.relative_to(ROOT)}: {found.group()}"


STATUS = re.compile(r"^Status: (Resolved|Partial|Superseded|Open)\b", re.MULTILINE)
ANCHOR = re.compile(r"`((?:src|tests|benches|tools)/[\w/.]+\.(?:py|yaml))(?::(\d+)|::(\w+))?`")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda p: p.name)
def test_decision_records_have_their_parts_and_living_anchors(path):
    """A record has its sections, a status, and evidence that can be found."""
    text = path.read_text()
    parts = "Context, Problem, Options considered, Decision, Implementation, Result"
    for part in parts.split(", "):
        assert f"\n## {part}\n" in text, f"{path.name}: no section {part}"
    assert STATUS.search(text), f"{path.name}: no status"
    anchors = ANCHOR.findall(text)
    assert anchors, f"{path.name}: no evidence"
    for name, line, test in anchors:
        target = ROOT / name
        assert target.exists(), f"{path.name}: {name}"
        content = target.read_text()
        assert not line or int(line) <= content.count("\n"), f"{path.name}: {name}:{line}"
        assert not test or f"def {test}(" in content, f"{path.name}: {name}::{test}"


def test_there_are_decision_records():
    """The records exist, numbered without a gap."""
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 5


EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_import_what_there_is(path):
    """A part of the package that is renamed is renamed in the examples, too."""
    for name in imports_of(ast.parse(path.read_text())):
        module, _, part = name.rpartition(".")
        if module:
            assert hasattr(importlib.import_module(module), part), f"{path}: {name}"


def test_version_is_the_package_s():
    """The version in the code is the one in pyproject.toml."""
    from fauxpay import __version__

    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_test_modules_have_names_of_their_own():
    """Two modules of one name in folders without a package could not be collected together."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))

"""What users bring is data: it runs no code, reads and names nothing outside of its folder."""

from __future__ import annotations

import ast
import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import survival_harness as harness

import fauxpay
from fauxpay.config.model import Config
from fauxpay.contracts.documents import check_document
from fauxpay.contracts.registry import with_packs
from fauxpay.delivery.files import check_name
from fauxpay.errors import ConfigError, ContractError, StorageError
from fauxpay.foundations.canonical import canonical_json, document_digest
from fauxpay.receipts import layout

SOURCE = Path(fauxpay.__file__).parent
TAGGED = (
    "run: !!python/object/apply:os.system ['touch {mark}']",
    "run: !!python/object/new:os.system ['touch {mark}']",
    "run: {{seed: !!python/name:os.getpid }}",
    "catalog: !include {mark}",
    "catalog: {{path: !ENV HOME}}",
    "run: {{seed: !!int 5}}",
    "%TAG ! tag:yaml.org,2002:python/\n---\nrun: !object/apply:os.system ['touch {mark}']",
)
OUTSIDE = (
    "../../etc/passwd",
    "worlds/../../outside.parquet",
    "/etc/passwd",
    "worlds//x.parquet",
    "./x.parquet",
    "worlds/.hidden/x.parquet",
    "worlds\\..\\x.parquet",
    "C:/x.parquet",
    "worlds/x.parquet\n",
    "worlds/x\0.parquet",
    "",
)


@pytest.mark.parametrize("text", TAGGED)
def test_a_config_with_tags_is_refused_and_runs_nothing(tmp_path, text):
    """Every tag of YAML, Python's and others', is a ConfigError with its line."""
    mark, file = tmp_path / "mark", tmp_path / "config.yaml"
    file.write_text(text.format(mark=mark))
    with pytest.raises(ConfigError, match=r"config\.yaml:\d+: the tag"):
        Config.load(file)
    assert not mark.exists()


@pytest.mark.parametrize("text", TAGGED)
def test_a_contract_pack_with_tags_is_refused_and_runs_nothing(tmp_path, text):
    """The same of the packs that users bring."""
    mark = tmp_path / "mark"
    with pytest.raises((ConfigError, ContractError), match="the tag"):
        with_packs({"mine.yaml": text.format(mark=mark).encode()})
    assert not mark.exists()


def test_a_config_that_includes_itself_or_explodes_is_refused(tmp_path):
    """Anchors, aliases and depth cannot make a small file large: a billion laughs stay unheard."""
    file = tmp_path / "config.yaml"
    lines = ["a: &a [x, x]", *(f"{b}: &{b} [*{a}, *{a}]" for a, b in pairwise("abcdefgh"))]
    file.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="anchors and aliases"):
        Config.load(file)
    file.write_text("[" * 100_000)
    with pytest.raises(ConfigError, match="deep"):
        Config.load(file)


@pytest.mark.parametrize("path", ["..", "../catalog", "a/../../b", "/data/../etc"])
def test_a_catalog_path_that_climbs_is_refused(path):
    """`catalog.path` with `..` in it: a ConfigError that says to write the folder out."""
    with pytest.raises(ConfigError, match=r"catalog\.path.*"):
        Config(catalog={"path": path})


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The tiny run, for looking at."""
    root = tmp_path_factory.mktemp("made")
    harness.make(root)
    return root


@pytest.fixture
def own_catalog(made, tmp_path) -> Path:
    """A catalog of one's own, copied from a sealed world."""
    folder = tmp_path / "own"
    shutil.copytree(next(made.glob("worlds/*/catalog")), folder)
    return folder


def own_request(folder: Path, root: Path) -> dict[str, object]:
    """The tiny run in a world of one's own catalog."""
    made = harness.request(root)
    return {**made, "catalog": {"path": str(folder)}}


def test_a_catalog_of_one_s_own_is_read(own_catalog, tmp_path):
    """Positive control: plain files are taken; so is a link that stays inside of the folder."""
    cards = own_catalog / "cards.parquet"
    cards.rename(own_catalog / "cards-2026.parquet")
    cards.symlink_to("cards-2026.parquet")
    run = fauxpay.generate(own_request(own_catalog, tmp_path / "out"))
    assert run.rows["cards"] == harness.TINY["cards"]


@pytest.mark.parametrize("kind", ["file", "hop"])
def test_a_catalog_file_that_leads_outside_is_refused(own_catalog, tmp_path, kind):
    """A link to a file elsewhere, or by way of a folder elsewhere: refused before it is read."""
    outside, cards = tmp_path / "outside", own_catalog / "cards.parquet"
    outside.mkdir()
    shutil.move(cards, outside / "cards.parquet")
    if kind == "hop":
        (own_catalog / "hop").symlink_to(outside)
        cards.symlink_to("hop/cards.parquet")
    else:
        cards.symlink_to(outside / "cards.parquet")
    with pytest.raises(ContractError, match="leads out of"):
        fauxpay.generate(own_request(own_catalog, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", OUTSIDE)
def test_names_in_documents_stay_below_the_root(made, path):
    """world.json, sidecars and receipts with any other path are not documents of ours."""
    for pattern, name in (
        ("worlds/*/world.json", "world"),
        ("worlds/*/seed=1/partitions/event_day=*/part-0000.json", "partition"),
        ("runs/utc_day=*/*/receipt.json", "receipt"),
    ):
        document = json.loads(next(made.glob(pattern)).read_bytes())
        check_document(f"run.yaml#/$defs/{name}", document)
        entries = document["catalog"] if name == "receipt" else document["tables"]
        entries[0]["path"] = path
        with pytest.raises(ContractError, match=r"/path"):
            check_document(f"run.yaml#/$defs/{name}", document)


def test_a_receipt_that_climbs_is_not_opened_whatever_it_swears(tmp_path):
    """An edited receipt with right digests and a right mark, and a path outside: refused."""
    harness.make(tmp_path / "out")
    secret = tmp_path / "secret.parquet"
    secret.write_bytes(b"secret")
    folder = next((tmp_path / "out").glob("runs/utc_day=*/*"))
    receipt = json.loads((folder / layout.RECEIPT).read_bytes())
    receipt["partitions"][0]["tables"][0] |= {"path": "../secret.parquet", "bytes": 6}
    del receipt["receipt_digest"]
    receipt["receipt_digest"] = document_digest(receipt)
    (folder / layout.RECEIPT).write_bytes(canonical_json(receipt))
    (folder / layout.PASSED).write_text(receipt["receipt_digest"])
    assert fauxpay.open(tmp_path / "out").runs() == []
    with pytest.raises(ContractError, match=r"/path"):
        fauxpay.open(tmp_path / "out").run(receipt["run_id"])


@pytest.mark.parametrize("run_id", ["../../x", "..", "*", "a" * 20 + "/..", "0" * 20 + "\n", ""])
def test_a_run_id_is_no_path(made, run_id):
    """Whatever is asked for, only ids are looked up."""
    with pytest.raises(StorageError, match="no run"):
        fauxpay.open(made).run(run_id)


@pytest.mark.parametrize("name", [*OUTSIDE, "a/../b", "..", "a" * 600])
def test_no_name_is_written_outside_of_the_root(name):
    """The sinks' own names are held to the same law."""
    with pytest.raises(StorageError, match="not a name"):
        check_name(name)


FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen"}


def faults(tree: ast.AST) -> list[str]:
    """Ways in which a module could turn data into code."""
    found = []
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.rpartition(".")[2] in FORBIDDEN_CALLS and called != "re.compile":
                found.append(called)
            found += [
                one.arg
                for one in node.keywords
                if one.arg in ("allow_pickle", "shell") and ast.unparse(one.value) != "False"
            ]
        found += [name for name in modules if name.partition(".")[0] in FORBIDDEN_MODULES]
    return found


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_no_module_turns_data_into_code(path):
    """No pickle and its kin, no eval, no shell. (Our own workers' pipe is multiprocessing's.)"""
    assert faults(ast.parse(path.read_text())) == []


def test_data_turned_into_code_would_be_found():
    """Negative space: the law's own eye sees each of them."""
    for text in (
        "import pickle",
        "from pickle import loads",
        "import a, marshal",
        "eval(text)",
        "builtins.exec(text)",
        "os.system(text)",
        "numpy.load(file, allow_pickle=True)",
        "subprocess.run(text, shell=True)",
    ):
        assert faults(ast.parse(text)), text
    assert (
        faults(ast.parse("import re, json\nre.compile('x')\nnumpy.load(file, allow_pickle=False)"))
        == []
    )

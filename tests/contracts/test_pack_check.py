"""Pack check: packs that we did not write resolve whole, or each failure is named."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxpay.contracts import folders
from fauxpay.contracts.pack_check import NEAREST_MAX, check_folder
from fauxpay.contracts.registry import pack_texts
from fauxpay.contracts.rounds import rounds
from fauxpay.errors import ContractError, StorageError

NEW = "https://json-schema.org/draft/2020-12/schema"


def folder_of(root: Path, files: dict[str, object]) -> Path:
    """A folder with these packs: texts as they are, anything else as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def faults(root: Path, files: dict[str, object]) -> list[tuple[str, str, str]]:
    """(file#pointer, kind, reference) of every fault of such a folder."""
    report = check_folder(folder_of(root, files))
    return [(f"{one.file}#{one.pointer}", one.kind, one.reference) for one in report.faults]


SOUND = {
    "relative ids, parent folders, YAML and JSON": {
        "common.yaml": "$id: common.yaml\n$defs: {x: {type: string}}\n",
        "deep/er/a.json": {"$ref": "../../common.yaml#/$defs/x"},
        "deep/b.yml": "$id: ../b.yaml\n$ref: common.yaml#/$defs/x\n",
    },
    "absolute ids": {
        "a.json": {"$id": "https://x.example/s/a.json", "$ref": "b.json#/$defs/y"},
        "other-name.json": {"$id": "https://x.example/s/b.json", "$defs": {"y": True}},
    },
    "anchors, also by another file": {
        "a.json": {"$defs": {"x": {"$anchor": "here"}}, "$ref": "#here"},
        "b.json": {"$ref": "a.json#here"},
        "c.json": {"$id": "sub/c.json", "$defs": {"x": {"$anchor": "far"}}, "$ref": "#far"},
    },
    "a tree by $dynamicRef": {
        "tree.json": {
            "$id": "tree.json",
            "$dynamicAnchor": "node",
            "properties": {"kids": {"items": {"$dynamicRef": "#node"}}},
        },
        "strict.json": {"$dynamicAnchor": "node", "$ref": "tree.json", "required": ["kids"]},
    },
    "recursion through the instance": {
        "a.json": {"properties": {"b": {"$ref": "b.json"}}},
        "b.json": {"items": {"$ref": "a.json"}, "allOf": [{"$ref": "c.json"}]},
        "c.json": {"additionalProperties": {"$ref": "b.json"}},
    },
    "nested ids change the base": {
        "a.json": {
            "$id": "https://x.example/top/a.json",
            "$defs": {
                "in": {
                    "$id": "inner/b.json",
                    "$defs": {"z": {"type": "null"}, "up": {"$ref": "../a.json#/$defs/w"}},
                    "$ref": "#/$defs/z",
                },
                "w": {"$ref": "inner/b.json#/$defs/z"},
            },
        }
    },
    "escapes and percent signs": {
        "a b.json": {"$defs": {"a/b": True, "m~n": {}, "é": {}, "p%q": False}},
        "c.json": {
            "allOf": [
                {"$ref": "a%20b.json#/$defs/a~1b"},
                {"$ref": "a%20b.json#/%24defs/m~0n"},
                {"$ref": "a%20b.json#/$defs/%C3%A9"},
                {"$ref": "a%20b.json#/$defs/p%25q"},
            ]
        },
    },
    "what looks like a reference and is none": {
        "a.json": {
            "properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}},
            "const": {"$ref": "nowhere"},
            "enum": [{"$ref": "nowhere"}],
            "default": {"$ref": "nowhere"},
            "examples": [{"$ref": "nowhere"}],
        }
    },
    "properties named like data keywords": {
        "a.json": {
            "properties": {"default": {"$ref": "#/$defs/x"}, "enum": {"$ref": "#/$defs/x"}},
            "$defs": {"x": {}},
        }
    },
    "meta-schemas and the packs of fauxpay": {
        "a.json": {
            "allOf": [
                {"$ref": NEW},
                {"$ref": "http://json-schema.org/draft-07/schema#"},
                {"$ref": "https://fauxpay.example/contracts/common.yaml#/$defs/hex64"},
            ]
        }
    },
    "drafts by their own rules": {
        "seven.json": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"x": {"$id": "#plain", "type": "string"}},
            "items": [{"$ref": "#plain"}, {"$ref": "#/definitions/x", "$id": "ignored/"}],
        },
        "nine.json": {
            "$schema": "https://json-schema.org/draft/2019-09/schema",
            "$recursiveAnchor": True,
            "items": {"$recursiveRef": "#"},
        },
        "four.json": {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "id": "https://x.example/four.json",
            "definitions": {"y": {"id": "sub/y.json", "type": "object"}},
            "not": {"$ref": "sub/y.json"},
        },
    },
    "a meta-schema of one's own": {
        "meta.json": {"$id": "https://x.example/meta", "$schema": NEW},
        "a.json": {"$schema": "https://x.example/meta", "type": "string"},
    },
    "YAML anchors": {"a.yaml": "$defs: {x: &x {type: string}, y: *x, z: {$ref: '#/$defs/y'}}\n"},
    "an empty schema, and true": {"a.json": {}, "b.json": "true", "c.json": {"$ref": "b.json"}},
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_packs_have_no_fault(name, tmp_path):
    """Every way of the standard to refer to something is followed."""
    assert faults(tmp_path, SOUND[name]) == []


BROKEN = {
    "missing file": ({"a.json": {"$ref": "b.json"}}, ("a.json#", "missing", "b.json")),
    "missing definition": (
        {"a.json": {"$defs": {"hex64": {}}, "items": {"$ref": "#/$defs/hex46"}}},
        ("a.json#/items", "missing", "#/$defs/hex46"),
    ),
    "missing anchor": ({"a.json": {"$ref": "#here"}}, ("a.json#", "missing", "#here")),
    "anchor of another resource": (
        {"a.json": {"$defs": {"x": {"$id": "in.json", "$anchor": "q"}}, "$ref": "#q"}},
        ("a.json#", "missing", "#q"),
    ),
    "missing dynamic anchor": (
        {"a.json": {"items": {"$dynamicRef": "#node"}}},
        ("a.json#/items", "missing", "#node"),
    ),
    "position beyond a list": (
        {"a.json": {"allOf": [{}], "not": {"$ref": "#/allOf/1"}}},
        ("a.json#/not", "missing", "#/allOf/1"),
    ),
    "negative position": (
        {"a.json": {"allOf": [{}], "not": {"$ref": "#/allOf/-1"}}},
        ("a.json#/not", "missing", "#/allOf/-1"),
    ),
    "no schema at the target": (
        {"a.json": {"title": "t", "items": {"$ref": "#/title"}}},
        ("a.json#/items", "missing", "#/title"),
    ),
    "wrong escape": (
        {"a.json": {"items": {"$ref": "#/a~2"}}},
        ("a.json#/items", "reference", "#/a~2"),
    ),
    "no URI": (
        {"a.json": {"items": {"$ref": "http://["}}},
        ("a.json#/items", "reference", "http://["),
    ),
    "remote": (
        {"a.json": {"$ref": "https://example.com/x.json"}},
        ("a.json#", "remote", "https://example.com/x.json"),
    ),
    "base elsewhere makes a sibling remote": (
        {"a.json": {"$id": "https://x.example/a.json", "$ref": "b.json"}, "b.json": {}},
        ("a.json#", "remote", "b.json"),
    ),
    "out of the folder": (
        {"sub/a.json": {"$ref": "../../../etc/passwd"}},
        ("sub/a.json#", "outside", "../../../etc/passwd"),
    ),
    "out and in again by the folder's name": (
        {"a.json": {"$ref": "../packs/b.json"}, "b.json": {}},
        ("a.json#", "outside", "../packs/b.json"),
    ),
    "absolute path": ({"a.json": {"$ref": "/etc/passwd"}}, ("a.json#", "outside", "/etc/passwd")),
    "file URI": (
        {"a.json": {"$ref": "file:///etc/passwd"}},
        ("a.json#", "outside", "file:///etc/passwd"),
    ),
    "one id twice": (
        {"a.json": {"$id": "https://x.example/i"}, "b.json": {"$id": "https://x.example/i"}},
        ("b.json#", "duplicate", ""),
    ),
    "one id twice inside": (
        {"a.json": {"$defs": {"x": {"$id": "in.json"}, "y": {"$id": "in.json"}}}},
        ("a.json#/$defs/y", "duplicate", ""),
    ),
    "the address of another file": (
        {"a.json": {"$id": "b.json"}, "b.json": {"$id": "c.json"}},
        ("a.json#", "duplicate", ""),
    ),
    "the id of a built-in pack": (
        {"a.json": {"$id": "https://fauxpay.example/contracts/common.yaml"}},
        ("a.json#", "duplicate", ""),
    ),
    "one anchor twice": (
        {"a.json": {"$defs": {"x": {"$anchor": "q"}, "y": {"$dynamicAnchor": "q"}}}},
        ("a.json#/$defs/y", "duplicate", ""),
    ),
    "id that is no URI": ({"a.json": {"$id": "http://["}}, ("a.json#", "id", "")),
    "unknown draft": ({"a.json": {"$schema": "https://x.example/?"}}, ("a.json#", "dialect", "")),
    "nullable": (
        {"a.json": {"properties": {"p": {"type": "string", "nullable": True}}}},
        ("a.json#/properties/p", "nullable", ""),
    ),
    "no schema": ({"a.json": {"items": {"type": 12}}}, ("a.json#/items/type", "schema", "")),
    "a schema that is itself": ({"a.json": {"$ref": "#"}}, ("a.json#", "endless", "#")),
    "a round over files": (
        {"a.json": {"allOf": [{"$ref": "b.json"}]}, "b.json": {"not": {"$ref": "a.json"}}},
        ("a.json#/allOf/0", "endless", "b.json"),
    ),
    "into data": (
        {"a.json": {"default": {"$ref": "x"}, "items": {"$ref": "#/default"}}},
        ("a.json#/items", "reference", "#/default"),
    ),
    "broken JSON": ({"a.json": "{"}, ("a.json#", "file", "")),
    "a member twice": ({"a.json": '{"type": "string", "type": "null"}'}, ("a.json#", "file", "")),
    "NaN": ({"a.json": '{"minimum": NaN}'}, ("a.json#", "file", "")),
    "half a character": ({"a.json": '{"title": "\\ud800"}'}, ("a.json#", "file", "")),
    "broken YAML": ({"a.yaml": "a: [b"}, ("a.yaml#", "file", "")),
    "a key twice": ({"a.yaml": "a: 1\na: 2\n"}, ("a.yaml#", "file", "")),
    "code in YAML": (
        {"a.yaml": "a: !!python/object/apply:os.system [id]\n"},
        ("a.yaml#", "file", ""),
    ),
    "two documents": ({"a.yaml": "a: 1\n---\nb: 2\n"}, ("a.yaml#", "file", "")),
    "merge key": ({"a.yaml": "x: &x {a: 1}\ny: {<<: *x}\n"}, ("a.yaml#", "file", "")),
    "an alias of itself": ({"a.yaml": "x: &x [*x]\n"}, ("a.yaml#", "file", "")),
    "no mapping": ({"a.json": "[1]"}, ("a.json#", "file", "")),
    "too deep": ({"a.json": '{"a":' * 150 + "1" + "}" * 150}, ("a.json#", "limit", "")),
    "far too deep": ({"a.json": "[" * 100_000}, ("a.json#", "limit", "")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_failure_is_named(name, tmp_path):
    """File, pointer, kind and reference of what is wrong; and nothing else is reported."""
    files, expected = BROKEN[name]
    assert faults(tmp_path / "packs", files) == [expected]


def test_a_pointer_without_its_slash_is_explained(tmp_path):
    """What real packs get wrong: `#definitions/x` asks for an anchor, and none is there."""
    files = {"a.json": {"definitions": {"x": {}}, "$ref": "#definitions/x"}}
    (fault,) = check_folder(folder_of(tmp_path, files)).faults
    assert "a JSON pointer begins with a slash" in fault.message


def test_an_anchor_is_sought_where_definitions_are_no_mapping(tmp_path):
    """Regression: fuzzing found that the hint about definitions trusted their shape."""
    found = faults(tmp_path, {"a.json": {"$defs": 1.5, "$ref": "#here"}})
    assert found == [("a.json#", "missing", "#here"), ("a.json#/$defs", "schema", "")]


def test_what_the_meta_schema_refuses_too_is_named_twice(tmp_path):
    """An id with a fragment breaks a rule of addresses and one of the draft."""
    kinds = [one for _, one, _ in faults(tmp_path, {"a.json": {"$id": "a.json#/x"}})]
    assert kinds == ["id", "schema"]


def test_a_pack_of_an_unknown_draft_is_not_judged_by_another(tmp_path):
    """Its draft is the fault; what 2020-12 would say of its keywords is none."""
    third = {"$schema": "http://json-schema.org/draft-03/schema#", "divisibleBy": 1, "type": ["x"]}
    assert [kind for _, kind, _ in faults(tmp_path, {"a.json": third})] == ["dialect"]
    assert [kind for _, kind, _ in faults(tmp_path, {"a.json": {"$schema": 7}})] == ["dialect"]


def test_all_failures_are_named_not_only_the_first(tmp_path):
    """Three files, four faults, in order of file and pointer."""
    found = faults(
        tmp_path,
        {
            "b.json": {"allOf": [{"$ref": "#/x"}, {"$ref": "c.yaml"}]},
            "c.yaml": "{",
            "a.json": {"$ref": "none.json"},
        },
    )
    assert [place for place, _, _ in found] == [
        *("a.json#", "b.json#/allOf/0", "b.json#/allOf/1", "c.yaml#")
    ]


def test_a_fault_says_what_is_known_and_nearest(tmp_path):
    """The message holds place, reference, known names and the nearest one."""
    files = {"sub/a.json": {"$ref": "../comon.yaml#/$defs/x"}, "common.yaml": "$defs: {x: {}}\n"}
    (fault,) = check_folder(folder_of(tmp_path, files)).faults
    assert (fault.known, fault.nearest) == (("common.yaml", "sub/a.json"), "common.yaml")
    for part in ("sub/a.json", "'../comon.yaml#/$defs/x'", "known: ", "(nearest: common.yaml)"):
        assert part in str(fault)


def test_a_remote_fault_names_the_file_that_wants_an_id(tmp_path):
    """Where a file has the name that the address ends in, the fault says to give it the id."""
    files = {"a.json": {"$id": "https://x.example/a.json", "$ref": "b.json"}, "b.json": {}}
    (fault,) = check_folder(folder_of(tmp_path, files)).faults
    assert "b.json has that file name: give it this $id" in fault.message


def test_nothing_is_fetched(tmp_path, monkeypatch):
    """Not one connection is opened, whatever the references name."""
    import socket

    def refused(*arguments: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    files = {"a.json": {"allOf": [{"$ref": f"{way}://x.example/y"} for way in ("http", "ftp")]}}
    assert [kind for _, kind, _ in faults(tmp_path, files)] == ["remote", "remote"]


def test_a_hundred_thousand_misses_are_named_in_time(tmp_path):
    """Only the first are compared with all that is known; each is still named."""
    schemas = [{"$ref": f"#/$defs/x{n}"} for n in range(50_000)]
    files = {"a.json": {"$defs": {f"y{n}": {} for n in range(3_000)}, "allOf": schemas}}
    begun = time.monotonic()
    found = check_folder(folder_of(tmp_path, files)).faults
    assert len(found) == 50_000
    assert sum(1 for one in found if one.known) == NEAREST_MAX
    assert time.monotonic() - begun < 30


def test_rounds_are_found_in_long_chains_and_dense_graphs():
    """Property: the nodes of rounds are those that can reach themselves."""
    assert list(rounds({n: [n + 1] for n in range(100_000)})) == []
    dense = {n: list(range(60)) for n in range(60)}
    assert [sorted(one) for one in rounds(dense)] == [list(range(60))]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_rounds_equal_brute_force(pairs):
    """Property: a node is in a round exactly when a walk from it can come back to it."""
    edges: dict[int, list[int]] = {}
    for one, other in pairs:
        edges.setdefault(one, []).append(other)
    reach = {node: set(edges.get(node, ())) for node in range(10)}
    for _ in range(10):
        reach = {node: seen.union(*(reach[one] for one in seen)) for node, seen in reach.items()}
    assert {node for one in rounds(edges) for node in one} == {n for n in reach if n in reach[n]}


def test_links_count_by_where_they_lead(tmp_path):
    """A link inside is read, one that leads out is a fault and its target is not read."""
    secret = tmp_path / "secret.json"
    secret.write_text('{"$defs": {"password": {}}}')
    packs = folder_of(tmp_path / "packs", {"real/a.json": {"$defs": {"x": {}}}})
    (packs / "in.json").symlink_to("real/a.json")
    assert check_folder(packs).faults == ()
    (packs / "out.json").symlink_to(secret)
    (packs / "outer").symlink_to(tmp_path)
    (packs / "loop.json").symlink_to("loop.json")
    (packs / "b.json").write_text('{"$ref": "out.json#/$defs/password"}')
    found = check_folder(packs).faults
    assert [(one.file, one.kind) for one in found] == [
        ("b.json", "missing"),
        ("loop.json", "file"),
        ("out.json", "outside"),
        ("outer", "outside"),
    ]
    assert "password" not in "".join(str(one) for one in found if one.file != "b.json")


def test_links_that_lead_round_in_a_circle_are_faults(tmp_path):
    """Whatever their names say: each is named, and the rest is read."""
    packs = folder_of(tmp_path / "packs", {"a.json": {"$defs": {"x": {}}}})
    (packs / "there").symlink_to("back")
    (packs / "back").symlink_to("there")
    (packs / "dangling").symlink_to("nothing")
    found = check_folder(packs).faults
    assert [(one.file, one.kind) for one in found] == [("back", "file"), ("there", "file")]


def test_pipes_and_unreadable_files_do_not_stop_it(tmp_path):
    """A pipe is no plain file: it is named, and nobody waits for it."""
    os.mkfifo(tmp_path / "pipe.json")
    folder_of(tmp_path, {"a.json": {}})
    assert faults(tmp_path, {}) == [("pipe.json#", "file", "")]


def test_billion_laughs_are_cut_short(tmp_path):
    """Aliases of aliases stop at the limit of values, at once."""
    lines = ["a0: &a0 [l, l, l, l, l, l, l, l, l, l]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    begun = time.monotonic()
    (fault,) = check_folder(folder_of(tmp_path, {"lol.yaml": "\n".join(lines)})).faults
    assert f"more than {folders.VALUES_MAX} values" in fault.message
    assert time.monotonic() - begun < 5


LIMITS = {
    "FILE_BYTES_MAX": (9, {"a.json": '{"a": 1234}'}),
    "TOTAL_BYTES_MAX": (9, {"a.json": '{"a": 1}', "b.json": '{"a": 1}'}),
    "FILES_MAX": (1, {"a.json": {}, "b.json": {}}),
    "ENTRIES_MAX": (2, {"a.json": {}, "b.txt": "", "c.txt": ""}),
    "FOLDERS_DEPTH_MAX": (1, {"a.json": {}, "b/c/d.json": {}}),
    "VALUES_MAX": (4, {"a.json": {"enum": [1, 2, 3, 4]}}),
    "DEPTH_MAX": (2, {"a.json": {"not": {"not": {"not": {}}}}}),
}


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_is_a_fault_of_its_own(name, tmp_path, monkeypatch):
    """What passes a limit is named; below it, the same packs are sound."""
    limit, files = LIMITS[name]
    assert faults(tmp_path, files) == []
    monkeypatch.setattr(folders, name, limit)
    found = check_folder(tmp_path).faults
    assert [one.kind for one in found] == ["limit"]
    assert str(limit) in found[0].message


def test_an_empty_folder_proves_nothing(tmp_path):
    """A folder without packs is an error, not a pass; no folder is another."""
    with pytest.raises(ContractError, match="no contract pack"):
        check_folder(tmp_path)
    with pytest.raises(StorageError, match="no such folder"):
        check_folder(tmp_path / "none")


def test_the_built_in_packs_check_clean(tmp_path):
    """The packs as they are shipped, copied anywhere, have no fault and all their references."""
    for name, text in pack_texts().items():
        (tmp_path / name).write_bytes(text)
    report = check_folder(tmp_path)
    assert report.faults == ()
    assert (report.files, report.references > 100) == (len(pack_texts()), True)


def test_messages_cannot_drive_a_terminal(tmp_path):
    """Control characters of names and references are written out."""
    files = {"a.json": {"$ref": "x\x1b[31m\x07.json", "$id": "\u202e#x"}}
    for fault in check_folder(folder_of(tmp_path, files)).faults:
        assert str(fault).isprintable()

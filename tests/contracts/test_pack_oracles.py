"""Oracles: two other implementations say of random packs what our check says of them."""

from __future__ import annotations

from typing import Any

import jsonschema
import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from fauxpay.contracts.dialects import DEFAULT, subschemas
from fauxpay.contracts.faults import Fault
from fauxpay.contracts.folders import Folder
from fauxpay.contracts.pack_check import check_documents
from fauxpay.contracts.resolution import Miss, Target, file_uri, joined
from fauxpay.contracts.scan import Source, scan

FILES = ("a.json", "sub/b.json", "c.json")
IDS = st.sampled_from((None, None, "https://x.example/a.json", "https://x.example/sub/b.json"))
NAMES = st.sampled_from(("p", "q", "r/s", "t~u", "é"))
FRAGMENTS = st.sampled_from(
    *(("", "#", "#/$defs/p", "#/$defs/q", "#/$defs/r~1s", "#/$defs/t~0u", "#/$defs/%C3%A9", "#n"),)
)
FILES_NAMED = st.sampled_from(
    ("", "", "a.json", "b.json", "sub/b.json", "../c.json", "c.json", "https://x.example/a.json")
)
REFERENCES = st.builds(lambda file, fragment: (file + fragment) or "#", FILES_NAMED, FRAGMENTS)


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2) -> Any:
    """A schema with references below properties, so that no round is endless."""
    schema: dict[str, Any] = {}
    if draw(st.booleans()):
        keyword = draw(st.sampled_from(("$ref", "$ref", "$dynamicRef")))
        schema["properties"] = {"x": {keyword: draw(REFERENCES)}}
    if draw(st.integers(0, 5)) == 0:
        schema[draw(st.sampled_from(("$anchor", "$dynamicAnchor")))] = "n"
    if depth:
        members = draw(st.dictionaries(NAMES, schemas(depth - 1), max_size=3))
        schema["$defs"] = members
        if draw(st.integers(0, 4)) == 0:
            schema["items"] = draw(schemas(depth - 1))
    return schema


@st.composite
def packs(draw: st.DrawFn) -> dict[str, Any]:
    """Up to three files, some with an id of their own."""
    made = {}
    for name in draw(st.sets(st.sampled_from(FILES), min_size=1)):
        document = draw(schemas())
        own = draw(IDS)
        made[name] = document if own is None else {"$id": own, **document}
    return made


def reference_faults(files: dict[str, Any]) -> tuple[Fault, ...]:
    """What our check says of references; packs whose names clash are no question."""
    return check_documents(Folder(files, {}, ())).faults


@settings(max_examples=150, deadline=None)
@given(packs())
def test_jsonschema_agrees_on_every_single_reference(files):
    """Property: what leads somewhere for us does for jsonschema, and to the same schema."""
    found = scan(Source(name, file_uri(name), one) for name, one in files.items())
    if found.faults:
        return
    registry: Any = Registry().with_resources(
        (file_uri(name), DRAFT202012.create_resource(one)) for name, one in files.items()
    )
    for reference in found.references:
        ours = found.index.lookup(reference.text, reference.base)
        try:
            theirs = registry.resolver(reference.base).lookup(reference.text).contents
        except Unresolvable:
            assert isinstance(ours, Miss), reference
            continue
        assert isinstance(ours, Target), reference
        anchor = theirs.get("$dynamicAnchor") if isinstance(theirs, dict) else None
        if anchor is not None and reference.text.endswith(f"#{anchor}"):
            # That library looks through the dynamic scope for `$ref`, too; the specification
            # (2020-12, 8.2.3.1) has it lead to the anchor of the document that it names.
            assert ours.contents["$dynamicAnchor"] == anchor
            continue
        assert ours.contents is theirs, reference
        full = joined(reference.base, reference.text)
        validator = jsonschema.Draft202012Validator({"$ref": full}, registry=registry)
        assert validator.is_valid(1)


@settings(max_examples=150, deadline=None)
@given(packs())
def test_jsonschema_rs_agrees_on_whole_packs(files):
    """Property: a pack without a fault compiles with all it leads to; one with a fault does not."""
    faults = reference_faults(files)
    if any(fault.kind not in ("missing", "remote", "outside") for fault in faults):
        return
    if asked_by_place(files):
        return  # To that library a document has one name.
    named = {one.get("$id", file_uri(name)): one for name, one in files.items()}
    try:
        # It asks for all that is elsewhere at once, and may not fetch.
        registry = jsonschema_rs.Registry(list(named.items()), draft=jsonschema_rs.Draft202012)
    except ValueError:
        assert faults
        return
    broken = set()
    for uri in named:
        try:
            jsonschema_rs.Draft202012Validator({"$ref": uri}, registry=registry)
        except (jsonschema_rs.ReferencingError, jsonschema_rs.ValidationError):
            broken.add(uri)
    # Definitions that nobody refers to are not compiled, so a fault there is ours alone.
    assert not broken or faults
    assert bool(broken) == bool(faults) or not reachable(files, faults)


def asked_by_place(files: dict[str, Any]) -> bool:
    """Whether a reference leads to the place of a file that calls itself otherwise."""
    found = scan(Source(name, file_uri(name), one) for name, one in files.items())
    others = {file_uri(name) for name, one in files.items() if "$id" in one}
    return any(joined(one.base, one.text).partition("#")[0] in others for one in found.references)


def reachable(files: dict[str, Any], faults: tuple[Fault, ...]) -> bool:
    """Whether a fault stands where a validator that starts at the roots has to look."""
    looked: set[int] = set()
    found = scan(Source(name, file_uri(name), one) for name, one in files.items())
    to_do = list(files.values())
    while to_do:
        node = to_do.pop()
        if not isinstance(node, dict) or id(node) in looked:
            continue
        looked.add(id(node))
        without = {key: one for key, one in node.items() if key != "$defs"}
        to_do.extend(subschemas(without, DEFAULT))
        for reference in found.references:
            if reference.holder is node:
                target = found.index.lookup(reference.text, reference.base)
                if isinstance(target, Miss):
                    return True
                to_do.append(target.contents)
    return False

"""Packs of one's own: what they say is found and held, and what cannot be held is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fauxpay.contracts.exports import json_schema_bundle
from fauxpay.contracts.inventory import find_table, inventory, packs_of, table_document
from fauxpay.contracts.registry import BASE, built_in
from fauxpay.contracts.tables import table, table_references
from fauxpay.errors import ContractError

MINE = f"""
$schema: https://json-schema.org/draft/2020-12/schema
$id: {BASE}mine.yaml
$defs:
  visits:
    type: object
    description: Who came when.
    additionalProperties: false
    required: [visit_id, country, score]
    x-table: {{key: [visit_id]}}
    properties:
      visit_id: {{$ref: "common.yaml#/$defs/identifier"}}
      country: {{$ref: "common.yaml#/$defs/country"}}
      score: {{type: [number, "null"], minimum: 0, maximum: 1, x-arrow: float64}}
"""


def test_packs_of_one_s_own_are_found(tmp_path):
    """A user's table is listed, shown and exported beside the built-in ones."""
    (tmp_path / "mine.yaml").write_text(MINE)
    packs = packs_of(tmp_path)
    assert "visits" in [one.name for one in inventory(packs)]
    found = find_table("visits", packs)
    assert table_document(found)["columns"][2]["maximum"] == 1
    bundle = json_schema_bundle(packs)
    assert BASE + "mine.yaml" in bundle["$defs"]


KEY, COUNTRY = "x-table: {key: [visit_id]}", '{$ref: "common.yaml#/$defs/country"}'
TO_A_TEXT = "{column: visit_id, table: 'catalog.yaml#/$defs/cards', key: card_scheme}"
LIMITS = f"""
$schema: https://json-schema.org/draft/2020-12/schema
$id: {BASE}limits.yaml
$defs:
  above: {{type: number, x-arrow: float64, exclusiveMinimum: 0, x-unit: far, description: Far.}}
  ten: {{type: number, x-arrow: float64, minimum: 10, maximum: 20}}
  t:
    type: object
    description: Limits.
    additionalProperties: false
    required: [id, a, b, c, d, e, f]
    x-table: {{key: [id]}}
    properties:
      id: {{$ref: "common.yaml#/$defs/identifier"}}
      a: {{$ref: "#/$defs/above", minimum: 5}}
      b: {{$ref: "#/$defs/ten", minimum: 0, maximum: 30}}
      c: {{type: number, x-arrow: float64, minimum: 5, exclusiveMinimum: 0}}
      d: {{type: number, x-arrow: float64, minimum: 5, exclusiveMinimum: 5}}
      e: {{$ref: "#/$defs/above", exclusiveMinimum: -3, description: Near.}}
      f: {{$ref: "#/$defs/above", exclusiveMinimum: 3, x-unit: near}}
"""


def test_of_limits_all_hold(tmp_path):
    """As JSON Schema has it: a weaker one beside a $ref takes nothing back."""
    (tmp_path / "limits.yaml").write_text(LIMITS)
    columns = {one.name: one for one in find_table("t", packs_of(tmp_path)).columns}
    limits = {
        name: (one.minimum, one.is_minimum_exclusive, one.maximum) for name, one in columns.items()
    }
    assert limits["a"] == (5, False, None)
    assert limits["b"] == (10, False, 20)
    assert limits["c"] == (5, False, None)
    assert limits["d"] == (5, True, None)
    assert limits["e"] == (0, True, None)
    assert limits["f"] == (3, True, None)
    told = {name: (one.unit, one.description) for name, one in columns.items()}
    assert (told["e"], told["f"]) == (("far", "Near."), ("near", "Far."))


@pytest.mark.parametrize(("count", "index"), [(127, "int8"), (128, "int16"), (300, "int16")])
def test_a_long_list_of_names_has_codes_enough(count, index, tmp_path):
    """A dictionary is as narrow as its names allow."""
    names = ", ".join(f"n{nth}" for nth in range(count))
    kind = f"{{type: string, enum: [{names}], x-arrow: string, x-encoding: dictionary}}"
    (tmp_path / "mine.yaml").write_text(MINE.replace(COUNTRY, kind))
    column = find_table("visits", packs_of(tmp_path)).column("country")
    assert (column.index, len(column.enum or ())) == (index, count)
    assert str(column.arrow_type.index_type) == index


def test_a_key_is_unique_once_and_may_stand_in_either_table(tmp_path):
    """A key that is listed as unique, too, is one check; a foreign key keeps all its tables."""
    also = "also: ['catalog.yaml#/$defs/accounts']"
    facts = linked("visit_id", f"card_id, {also}").replace(
        "{key: [visit_id],", "{key: [visit_id], unique: [[visit_id], [country, visit_id]],"
    )
    (tmp_path / "mine.yaml").write_text(MINE.replace(KEY, facts))
    with pytest.raises(ContractError, match="accounts has a column card_id"):
        find_table("visits", packs_of(tmp_path))
    facts = facts.replace(f", {also}", "")
    (tmp_path / "mine.yaml").write_text(MINE.replace(KEY, facts))
    made = find_table("visits", packs_of(tmp_path))
    assert made.unique == (("visit_id",), ("country", "visit_id"))
    (link,) = made.foreign_keys
    assert (link.column, link.null_ok, link.tables) == (
        "visit_id",
        False,
        ("catalog.yaml#/$defs/cards",),
    )


def test_a_name_of_two_packs_is_lost_in_no_export(tmp_path):
    """A folder of Arrow files and ODCS have each name once: refused, with what holds both."""
    (tmp_path / "mine.yaml").write_text(MINE.replace("visits", "cards"))
    for form in ("arrow", "odcs"):
        own = [sys.executable, "-m", "fauxpay", "contracts", "export", "--format", form]
        more = ["--packs", str(tmp_path), "-o", str(tmp_path / form)]
        done = subprocess.run([*own, *more], capture_output=True, text=True)
        assert done.returncode == 3
        assert "'cards' is a table of several packs" in done.stderr
        assert not (tmp_path / form).exists()


def linked(column: str, key: str) -> str:
    """The facts of a table whose column points to cards."""
    target = f"table: 'catalog.yaml#/$defs/cards', key: {key}"
    return f"x-table: {{key: [visit_id], foreign_keys: [{{column: {column}, {target}}}]}}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("defs/country", "defs/contry", "nearest: country"),
        ("minimum: 0", "nullable: true", "nullable"),
        ("key: [visit_id]", "key: [score]", "never null"),
        ("key: [visit_id]", "key: visit_id", "not of type"),
        ("maximum: 1", "pattern: a", "enum, pattern: of texts"),
        (
            COUNTRY,
            '{type: string, x-arrow: string, pattern: "(?=a)"}',
            "a pattern of RE2",
        ),
        ("maximum: 1", "multipleOf: 2", "multipleOf is of whole numbers"),
        (
            KEY,
            f"x-table: {{key: [visit_id], foreign_keys: [{TO_A_TEXT}]}}",
            "cards card_scheme is of whole numbers",
        ),
        ("{type: [number", "{$ref: '#/$defs/visits/properties/score', type: [number", "itself"),
        ("required: [visit_id, country, score]", "required: [visit_id]", "columns are required"),
        (COUNTRY, "{type: string, enum: [a, null], x-arrow: string}", "agree on null"),
        (COUNTRY, '{type: [string, "null"], enum: [a], x-arrow: string}', "agree on null"),
        (COUNTRY, "{type: string, const: true, x-arrow: string}", "const is of flags"),
        (COUNTRY, "{type: string, maximum: 3, x-arrow: string}", "limits: of numbers"),
        (COUNTRY, "{type: integer, x-arrow: int8, multipleOf: 128}", "multipleOf fits into int8"),
        ("x-arrow: float64", "x-arrow: float64, x-encoding: dictionary", "only strings are"),
        ("x-arrow: float64", "x-arrow: float16", "x-arrow 'float16' is one of"),
        ("x-arrow: float64", "x-arrow: int64", "type of int64 is integer"),
        (KEY, "x-table: {key: [visit_id], order: [country]}", "order is of numbers"),
        (KEY, "x-table: {key: [visit_id], order: [when]}", "keys are columns; not when"),
        (KEY, linked("country", "merchant_id"), "foreign keys are integers"),
        (KEY, linked("visit_id", "no_such_id"), "has a column no_such_id"),
        (KEY, linked("visit_id", "card_id, null_ok: true"), "null_ok and type of visit_id agree"),
    ],
)
def test_broken_packs_of_one_s_own_are_refused(old, new, message, tmp_path):
    """What cannot be followed, or asked of values, is an error before any file is read."""
    assert old in MINE
    (tmp_path / "mine.yaml").write_text(MINE.replace(old, new))
    with pytest.raises(ContractError, match=message):
        find_table("visits", packs_of(tmp_path))


def test_built_in_tables_have_the_shape_that_users_tables_need():
    """The rules for packs of one's own hold for what is shipped, too."""
    from fauxpay.contracts.definition import pattern_fault, require_column, require_table

    for reference in table_references():
        place = built_in().resolve(reference)
        require_table(place)
        for name in place.schema["properties"]:
            inner = built_in().resolve(f"{reference}/properties/{name}")
            require_column(inner)
        assert not any(pattern_fault(c.pattern) for c in table(reference).columns if c.pattern)

"""Parameters: leaves, names, citations and overrides, of small packs and of the shipped ones."""

from __future__ import annotations

import pickle
import time

import pytest

from fauxpay.errors import ConfigError
from fauxpay.foundations import parameters as module
from fauxpay.foundations.parameters import (
    Parameters,
    load_citations,
    load_parameters,
    parameters_of,
)

PACK = """
rates:
  base: {value: 2.5, unit: events per day, source: "berka, table 1"}
  share: {value: 0.25, unit: share of events, source: "assumption: a quarter", note: rounded}
  count: {value: 3, unit: events, source: berka}
mix:
  unit: shares by kind
  source: ulb
  value: {a: 0.25, b: 0.75, c: 0}
hours: {value: [0.5, 1, 1], unit: chance by hour, source: "assumption: so"}
curve: {value: [1, 2.5], unit: factor, source: "assumption: so"}
name: {value: visa, unit: scheme, source: "assumption: so"}
is_on: {value: true, unit: true or false, source: "assumption: so"}
"""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """The shipped parameters replaced by a small pack."""
    leaves = parameters_of({"activity": PACK})
    monkeypatch.setattr(module, "_shipped", lambda: leaves)
    return load_parameters()


def test_a_leaf_is_known_by_segment_and_path(small: Parameters) -> None:
    """Value, unit and source are found by dotted name."""
    assert small.value("activity.rates.base") == 2.5
    assert small.sourced("activity.rates.base").unit == "events per day"
    assert small.sourced("activity.rates.base").citation_key == "berka"
    assert small.sourced("activity.rates.share").citation_key is None
    assert small.sourced("activity.rates.share").note == "rounded"


def test_a_section_is_plain_values(small: Parameters) -> None:
    """A group gives its values nested, without unit and source."""
    assert small.section("activity.rates") == {"base": 2.5, "share": 0.25, "count": 3}
    assert small.section("activity")["rates"]["count"] == 3


def test_an_unknown_name_is_our_own_mistake(small: Parameters) -> None:
    """Names in code are asserted, not reported to users."""
    with pytest.raises(AssertionError, match=r"no parameter activity\.none"):
        small.value("activity.none")
    with pytest.raises(AssertionError, match=r"no parameters below activity\.none"):
        small.section("activity.none")


def test_values_are_handed_out_as_copies(small: Parameters) -> None:
    """Changing what was handed out changes no parameter."""
    small.value("activity.mix")["a"] = 9
    small.section("activity")["mix"]["a"] = 9
    small.document()["activity.mix"]["value"]["a"] = 9
    assert small.value("activity.mix")["a"] == 0.25


def test_citations_and_assumptions_name_their_parameters(small: Parameters) -> None:
    """Sources come sorted by key, each with the parameters that rest on it."""
    cited = {source.key: names for source, names in small.citations().items()}
    assert cited == {
        "berka": ("activity.rates.base", "activity.rates.count"),
        "ulb": ("activity.mix",),
    }
    assert small.assumptions()["activity.rates.share"] == "a quarter"
    assert small.citations(["fraud."]) == {}


def test_parameters_can_be_sent_to_workers(small: Parameters) -> None:
    """A pickled copy has the same document."""
    assert pickle.loads(pickle.dumps(small)).document() == small.document()


BROKEN_PACKS = {
    "a: 5": "activity.a: a value needs unit and source",
    "a: {value: 5, unit: x}": "activity.a: lacks ['source']",
    "a: {unit: x, source: berka}": "activity.a: lacks ['value']",
    "a: {value: 5, unit: x, source: berka, sauce: y}": "activity.a: has ['sauce']",
    "a: {value: null, unit: x, source: berka}": "activity.a: has no value",
    "a: {value: 1, unit: '', source: berka}": "activity.a: the unit is empty",
    "a: {value: 1, unit: 5, source: berka}": "activity.a: the unit is a text",
    "a: {value: 1, unit: x, source: 5}": "activity.a: the source is a text",
    "a: {value: 1, unit: x, source: ''}": "activity.a: '' is no citation and no assumption",
    "a: {value: 1, unit: x, source: 'assumption: '}": "is no citation and no assumption",
    "a: {value: 1, unit: x, source: 'My own eyes'}": "is no citation and no assumption",
    "- 1": "activity: a mapping is expected",
}


@pytest.mark.parametrize(("text", "message"), BROKEN_PACKS.items())
def test_a_broken_pack_is_our_own_mistake(text: str, message: str) -> None:
    """A leaf without unit or source does not get past the loader."""
    with pytest.raises(AssertionError) as caught:
        parameters_of({"activity": text})
    assert message in str(caught.value)


def test_an_undefined_citation_is_our_own_mistake() -> None:
    """A key that citations.yaml does not define is found when sources are listed."""
    leaves = parameters_of({"activity": "a: {value: 1, unit: x, source: hearsay_1999}"})
    with pytest.raises(AssertionError, match=r"activity\.a: no citation hearsay_1999"):
        Parameters(leaves).citations()


def test_an_empty_pack_has_no_parameters() -> None:
    """A segment without facts is no error."""
    assert parameters_of({"activity": "# none yet\n"}) == {}


GOOD_OVERRIDES: list[tuple[str, object, object]] = [
    ("activity.rates.base", 3, 3.0),
    ("activity.rates.share", 1, 1.0),
    ("activity.rates.count", 4, 4),
    ("activity.mix", {"c": 0.5, "b": 0.5, "a": 0}, {"a": 0.0, "b": 0.5, "c": 0.5}),
    ("activity.hours", [0, 0.5, 1.0], [0.0, 0.5, 1]),
    ("activity.curve", [1.5, 2], [1.5, 2.0]),
    ("activity.name", "amex", "amex"),
    ("activity.is_on", False, False),
]


@pytest.mark.parametrize(("name", "given_value", "value"), GOOD_OVERRIDES)
def test_a_value_of_the_same_shape_replaces(
    small: Parameters, name: str, given_value: object, value: object
) -> None:
    """The override stands as if it had been shipped: same types, same order of keys."""
    changed = load_parameters({name: given_value})
    assert repr(changed.value(name)) == repr(value)
    assert changed.sourced(name).unit == small.sourced(name).unit
    assert small.value(name) == load_parameters().value(name)


BAD_OVERRIDES: list[tuple[str, object, str]] = [
    ("activity.rates.bas", 1, "no parameter has this name; did you mean activity.rates.base?"),
    ("zzz", 1, "no parameter has this name; `fauxpay cite` lists the names"),
    ("activity.rates", 1, "this is a group; its parameters are activity.rates.base"),
    ("activity.rates.base", "2", "allowed is a number; unit: events per day"),
    ("activity.rates.base", True, "allowed is a number"),
    ("activity.rates.base", float("nan"), "allowed is a number"),
    ("activity.rates.base", float("inf"), "allowed is a number"),
    ("activity.rates.base", None, "allowed is a number"),
    ("activity.rates.count", 2.5, "allowed is a whole number; unit: events"),
    ("activity.rates.share", 1.5, "allowed is a share from 0 to 1; unit: share of events"),
    ("activity.rates.share", -0.1, "allowed is a share from 0 to 1"),
    ("activity.mix", {"a": 1.0}, "allowed is a mapping with exactly the keys a, b, c"),
    ("activity.mix", [1.0], "allowed is a mapping with exactly the keys a, b, c"),
    ("activity.mix", {"a": 0.5, "b": 0.6, "c": 0}, "shares that sum to 1, these sum to 1.1"),
    ("activity.mix", {"a": 0.5, "b": "x", "c": 0}, "at [b]: allowed is a number"),
    ("activity.hours", [0.5, 1], "allowed is a list of 3 values"),
    ("activity.hours", 0.5, "allowed is a list of 3 values"),
    ("activity.hours", [0.5, 1, 2], "at [2]: allowed is a share from 0 to 1"),
    ("activity.name", 5, "allowed is a text"),
    ("activity.is_on", 1, "allowed is true or false"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD_OVERRIDES)
@pytest.mark.usefixtures("small")
def test_a_value_of_another_shape_is_refused(name: str, value: object, message: str) -> None:
    """Each refusal names the parameter and what is allowed."""
    with pytest.raises(ConfigError) as caught:
        load_parameters({name: value})
    assert f"* parameters.{name}: " in str(caught.value)
    assert message in str(caught.value)


COUNTRY_PACKS = {
    "activity": "mix: {value: {default: 0.5, US: 0.4}, unit: share, source: berka}",
    "activity.countries.default": """
pay:
  cash: {value: 0.5, unit: share of events, source: berka}
  days: {value: [1.0, 2.0], unit: factor, source: berka}
""",
    "activity.countries.JP": "pay: {cash: {value: 0.7, source: 'assumption: more'}}",
}


@pytest.fixture
def countries(monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """The shipped parameters replaced by a default pack and that of one country."""
    leaves = parameters_of(COUNTRY_PACKS)
    monkeypatch.setattr(module, "_shipped", lambda: leaves)
    return load_parameters()


def test_a_country_has_its_own_facts_and_the_rest_of_the_default(countries: Parameters) -> None:
    """A pack names what differs; its unit is the default's, its source its own."""
    assert countries.of_country("JP") == {"pay": {"cash": 0.7, "days": [1.0, 2.0]}}
    assert countries.of_country("IT") == {"pay": {"cash": 0.5, "days": [1.0, 2.0]}}
    own = countries.sourced("activity.countries.JP.pay.cash")
    assert (own.unit, own.source) == ("share of events", "assumption: more")


def test_a_country_may_be_brought_by_overrides(countries: Parameters) -> None:
    """A country without a pack gets facts one by one, and maps by country take more of them."""
    changed = load_parameters(
        {"activity.countries.IT.pay.cash": 0.6, "activity.mix": {"IT": 0.1, "US": 0.2}}
    )
    assert changed.of_country("IT") == {"pay": {"cash": 0.6, "days": [1.0, 2.0]}}
    assert changed.value("activity.mix") == {"default": 0.5, "US": 0.2, "IT": 0.1}
    assert countries.of_country("IT")["pay"]["cash"] == 0.5


def test_facts_by_category_and_typology_may_name_more() -> None:
    """What stands for all that are not named may be told for others of the same kind, too."""
    changed = load_parameters(
        {
            "clearing.class_of_category": {"5814": "fuel"},
            "labels.found": {"phishing": 0.5},
            "labels.sources": {"skimming": [1, 0, 0, 0]},
        }
    )
    assert changed.value("clearing.class_of_category")["5814"] == "fuel"
    assert changed.value("labels.found")["phishing"] == 0.5
    assert changed.value("labels.sources")["skimming"] == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("activity.countries.IX.pay.cash", 0.6, "IX is not a country (ISO 3166 alpha-2)"),
        ("activity.countries.IT.pay.cush", 0.6, "no parameter has this name; did you mean"),
        ("activity.countries.IT.pay.cash", 1.6, "allowed is a share from 0 to 1"),
        ("activity.countries.IT.pay.days", [1.0], "allowed is a list of 2 values"),
        ("activity.mix", {"Italy": 0.5}, "the keys default and codes such as US or USD"),
        ("activity.mix", {"IT": 1.5}, "at [IT]: allowed is a share from 0 to 1"),
    ],
)
@pytest.mark.usefixtures("countries")
def test_a_wrong_country_fact_is_refused(name: str, value: object, message: str) -> None:
    """Unknown countries and facts, and values of another shape, are named."""
    with pytest.raises(ConfigError) as caught:
        load_parameters({name: value})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        ("pay: {cush: {value: 1, source: berka}}", "the pack `default` has no such fact"),
        ("pay: {cash: {value: 1, unit: x, source: berka}}", "the unit is that of the pack"),
        ("pay: {cash: {value: 1}}", "lacks ['source']"),
    ],
)
def test_a_broken_country_pack_is_our_own_mistake(pack: str, message: str) -> None:
    """A fact that the default does not know, or with a unit of its own, is not loaded."""
    with pytest.raises(AssertionError) as caught:
        parameters_of({**COUNTRY_PACKS, "activity.countries.JP": pack})
    assert message in str(caught.value)


def test_every_country_pack_has_the_shape_of_the_default() -> None:
    """Each fact of a shipped pack could be an override: shares are shares, lists are as long."""
    parameters = load_parameters()
    own = [name for name in parameters.names() if module._default_name(name) != name]
    assert len({name.split(".")[2] for name in own}) >= 10
    for name in own:
        value = parameters.value(name)
        if ".seasons." not in name:  # a season may have days of its own
            load_parameters({module._default_name(name): value})
        knots = value if ".seasons." in name else {}
        assert all(int(knot) in range(-30, 31) and factor > 0 for knot, factor in knots.items())


def test_every_shipped_leaf_has_unit_and_a_known_source() -> None:
    """Every parameter of the package says its unit, and every citation is defined."""
    parameters = load_parameters()
    citations = load_citations()
    for name in parameters.names():
        leaf = parameters.sourced(name)
        assert leaf.value is not None, name
        assert leaf.unit.strip(), name
        assert leaf.citation_key is None or leaf.citation_key in citations, (name, leaf.source)


def test_every_shipped_value_may_replace_itself() -> None:
    """Each shipped value passes its own bounds, so that no parameter is locked by its unit."""
    parameters = load_parameters()
    own = {name: parameters.value(name) for name in parameters.names()}
    assert load_parameters(own).document() == parameters.document()


def test_every_citation_is_complete() -> None:
    """Each source has a title, and a year or an explicit null."""
    for source in load_citations().values():
        assert source.title.strip(), source.key
        assert source.year is None or 1950 < source.year < 2100, source.key
        assert source.url is None or source.url.startswith("https://"), source.key


def test_parsing_is_quick() -> None:
    """All packs together parse in 0.3 s at most, so that a command starts at once."""
    texts = dict(module._texts())
    begun = time.process_time()
    parameters_of(texts)
    assert time.process_time() - begun <= 0.3

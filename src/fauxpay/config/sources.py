"""Sources: where settings come from, and which one counts.

A flag counts before `--set`, that before a FAUXPAY_* environment variable, that before the config
file, that before the default. Each value keeps its origin, for messages and `config show`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from fauxpay.config.messages import InvalidConfig, Problem, fields_of
from fauxpay.config.model import Config
from fauxpay.errors import ConfigError
from fauxpay.foundations.strict_yaml import read_value, read_yaml
from fauxpay.storage.places import Place, place_of

FILE_BYTES_MAX = 1 << 20
PREFIX = "FAUXPAY_"
# Names with our prefix that are no settings of a run: how a command speaks, and where the tests
# find environments that were prepared for them. A settings' typing error is still found.
NOT_SETTINGS = frozenset(
    ("FAUXPAY_LOG_FORMAT", "FAUXPAY_AIRFLOW_VENV", "FAUXPAY_DAGSTER_VENV"),
)
DEFAULT = "default"
ENVIRONMENT = "environment variable"
# The section whose keys are dotted names of parameters.
OPEN_SECTION = "parameters"

Keys = tuple[str, ...]


def resolve(
    file: str | Path | None,
    environ: Mapping[str, str],
    settings: Sequence[str],
    flags: Mapping[str, object],
    flag_names: Mapping[str, str] | None = None,
) -> Resolved:
    """The config that all sources make together.

    file        YAML config file, the address of one in an object store, or None
    environ     the environment; only FAUXPAY_SECTION__KEY names are read
    settings    `section.key=value` texts of --set, the later one counts
    flags       dotted key -> value; None means that the flag was not given
    flag_names  dotted key -> what the user typed, where it is not `--<last part of the key>`
    Raises ConfigError that lists every problem with its origin.
    """
    entries = [
        *_file_entries(file),
        *_environment_entries(environ),
        *_setting_entries(settings),
        *_flag_entries(flags, flag_names or {}),
    ]
    tree: dict[str, Any] = {}
    origins = dict.fromkeys(_fields(), DEFAULT)
    for entry in entries:
        _put(tree, entry.path, entry.value)
        _put_origin(origins, entry)
    try:
        return Resolved(Config(**tree), origins)
    except InvalidConfig as error:
        raise InvalidConfig([_with_origin(one, origins) for one in error.problems]) from None


def merged(tree: Mapping[str, Any], values: Mapping[str, object]) -> dict[str, Any]:
    """A copy of a nested config with the values of dotted keys put in."""
    copied = copy.deepcopy(dict(tree))
    for key, value in values.items():
        _put(copied, _split(key), value)
    return copied


def environment_name(key: str) -> str:
    """The environment variable of a dotted key: catalog.cards -> FAUXPAY_CATALOG__CARDS."""
    return PREFIX + key.replace(".", "__").upper()


def _file_entries(file: str | Path | None) -> Iterator[Entry]:
    if file is None:
        return
    document = read_yaml(_text(_place(file)), str(file))
    if document.value is None:
        return
    if not isinstance(document.value, dict):
        raise ConfigError(
            f"{file}: a config is a mapping of the keys {', '.join(Config.model_fields)}; "
            "see: fauxpay config init"
        )
    origins = {path: f"{file}:{line}" for path, line in document.lines.items()}
    for key, value in document.value.items():
        yield from _expanded(Entry((key,), value, origins[(key,)]), origins)


def _place(file: str | Path) -> Place:
    return place_of(file) if "://" in str(file) else Path(file)


def _text(file: Place) -> str:
    if file.is_dir():
        raise ConfigError(f"{file}: this is a folder; a YAML config file is expected")
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read: {error.strerror or error}; expected a YAML config file. "
            f"`fauxpay config init FILE` writes one."
        ) from None
    if len(content) > FILE_BYTES_MAX:
        raise ConfigError(f"{file}: larger than {FILE_BYTES_MAX} bytes; a config is a short text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: byte {error.start} is not UTF-8 text") from None


def _environment_entries(environ: Mapping[str, str]) -> Iterator[Entry]:
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX) or name.upper() in NOT_SETTINGS:
            continue
        section, *rest = name[len(PREFIX) :].lower().split("__")
        if (section, *rest[:1]) == ("catalog", "countries"):
            rest[1:] = [country.upper() for country in rest[1:]]
        if (section, *rest[:2]) == ("parameters", "activity", "countries") and rest[2:]:
            rest[2] = rest[2] if rest[2] == DEFAULT else rest[2].upper()
        path = _split(".".join((section, *rest)))
        origin = f"{ENVIRONMENT} {name}"
        yield from _expanded(Entry(path, _parsed(path, environ[name], origin), origin))


def _setting_entries(settings: Sequence[str]) -> Iterator[Entry]:
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"--set {setting}: write it as key=value, for example --set catalog.cards=5000"
            )
        path = _split(key.strip())
        origin = f"--set {key.strip()}"
        yield from _expanded(Entry(path, _parsed(path, text.strip(), origin), origin))


def _flag_entries(flags: Mapping[str, object], names: Mapping[str, str]) -> Iterator[Entry]:
    for key, value in flags.items():
        if value is None:
            continue
        path = _split(key)
        origin = f"flag {names.get(key) or '--' + path[-1].replace('_', '-')}"
        given = _parsed(path, value, origin) if isinstance(value, str) else value
        yield from _expanded(Entry(path, given, origin))


def _parsed(path: Keys, text: str, origin: str) -> Any:
    """A text from a flag or the environment as YAML; folder names are taken as they stand."""
    known = _fields().get(".".join(path))
    kind = known.annotation if known is not None else None
    if kind == str | None:
        return None if text in ("", "~", "null") else text
    return text if kind is str else read_value(text, origin)


def _expanded(entry: Entry, origins: Mapping[Keys, str] | None = None) -> Iterator[Entry]:
    """One entry for each key of a section, so that sections merge key by key.

    A section without keys, as when all of them are commented out, says nothing.
    """
    known = origins or {}
    is_section = len(entry.path) == 1 and entry.path[0] in Config.model_fields
    if is_section and entry.value is None:
        return
    if is_section and isinstance(entry.value, dict):
        for key, value in entry.value.items():
            path = (*entry.path, key)
            inner = {at: text for at, text in known.items() if at[:-1] == path}
            yield Entry(path, value, known.get(path, entry.origin), inner)
    else:
        yield entry


def _split(key: str) -> Keys:
    """Section, setting, and perhaps the entry of a mapping; what fits nothing stays in one part."""
    section, _, rest = key.partition(".")
    if not rest:
        return (section,)
    setting, _, inner = rest.partition(".")
    if section == OPEN_SECTION or not inner or not _is_mapping(f"{section}.{setting}"):
        return (section, rest)
    return (section, setting, inner)


def _put(tree: dict[str, Any], path: Keys, value: object) -> None:
    target = tree
    for depth, part in enumerate(path[:-1], start=1):
        if part not in target:
            known = _fields().get(".".join(path[:depth]))
            target[part] = dict(known.default) if depth > 1 and known is not None else {}
        target = target[part]
        if not isinstance(target, dict):
            return
    target[path[-1]] = value


def _put_origin(origins: dict[str, str], entry: Entry) -> None:
    key = ".".join(entry.path)
    if _is_mapping(key):
        for inner in [other for other in origins if other.startswith(f"{key}.")]:
            del origins[inner]
    origins[key] = entry.origin
    origins.update({".".join(path): origin for path, origin in entry.inner.items()})


def _with_origin(problem: Problem, origins: Mapping[str, str]) -> Problem:
    key = problem.path
    while key and key not in origins:
        key = key.rpartition(".")[0]
    # Of a section that nobody knows, only what was said in it has an origin.
    below = (text for name, text in origins.items() if name.startswith(f"{problem.path}."))
    origin = origins.get(key, "") or ", ".join(dict.fromkeys(below))
    near = problem.near
    if near is not None and origin.startswith(ENVIRONMENT):
        near = environment_name(near)
    return replace(problem, origin=origin, near=near)


def _is_mapping(key: str) -> bool:
    known = _fields().get(key)
    return known is not None and get_origin(known.annotation) is dict


@cache
def _fields() -> dict[str, FieldInfo]:
    return dict(fields_of(Config))


@dataclass(frozen=True, slots=True)
class Resolved:
    """A config and, for every dotted key, where its value came from."""

    config: Config
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of one source. `inner` holds the origins of a mapping's entries."""

    path: Keys
    value: Any
    origin: str
    inner: Mapping[Keys, str] = field(default_factory=dict)

"""Rendering: the config as commented YAML, as YAML with origins, and as JSON Schema.

What is written can be read back: a rendered config loads to exactly the config it was made from.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic.fields import FieldInfo

from fauxpay.config.messages import allowed, section_model
from fauxpay.config.model import Config
from fauxpay.config.sources import Resolved
from fauxpay.foundations.strict_yaml import scalar

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
WIDTH = 98
_PLAIN = re.compile(r"[A-Za-z./][A-Za-z0-9_./ -]*(?<! )\Z")
_HEAD = """\
# A fauxpay config. Every key may be left out: its default stands here.
# A flag or --set counts before FAUXPAY_SECTION__KEY in the environment, that before this file.
# Make this world:  fauxpay generate --config FILE
"""


def commented_yaml(config: Config) -> str:
    """Every key with its description, what is allowed and its default."""
    blocks = [_HEAD]
    values = config.model_dump(by_alias=True)
    for name, field in Config.model_fields.items():
        inner = section_model(field)
        if inner is None:
            blocks.append(_comment(field, "") + _line(name, values[name], ""))
            continue
        blocks.append(f"# {_sentence(field)}\n{name}:\n")
        for key, setting in inner.model_fields.items():
            shown = setting.alias or key
            blocks[-1] += _comment(setting, "  ") + _line(shown, values[name][shown], "  ")
    return "\n".join(blocks)


def yaml_with_origins(resolved: Resolved) -> str:
    """Every key with its value and, as a comment, where the value came from."""
    lines = []
    for name, value in resolved.config.model_dump(by_alias=True).items():
        groups = value.items() if isinstance(value, dict) and value else ()
        lines.append(f"{name}:" if groups else f"{name}: {yaml_value(value)}")
        for key, inner in groups:
            origin = _origin(f"{name}.{key}", resolved.origins)
            lines.append(f"  {yaml_value(key)}: {yaml_value(inner)}  # {origin}")
    return "\n".join(lines) + "\n"


def config_document(resolved: Resolved) -> dict[str, Any]:
    """The same for programs: {config, origins}, of plain JSON values."""
    config = resolved.config.model_dump(mode="json", by_alias=True)
    return {"config": config, "origins": dict(resolved.origins)}


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the config; `x-unit` gives each setting's unit."""
    schema = Config.model_json_schema(by_alias=True)
    return {"$schema": SCHEMA_DIALECT, **schema, "title": "fauxpay config"}


def yaml_value(value: object) -> str:
    """A value in YAML flow form, which `read_value` reads back."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml_value(k)}: {yaml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(yaml_value(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Small shares are read more easily as 0.00002 than as 2e-05.
        return format(Decimal(repr(value)), "f") if 1e-9 < abs(value) < 1e16 else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and (not _PLAIN.match(value) or scalar(value) != value):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _comment(field: FieldInfo, indent: str) -> str:
    head = f"{indent}# "
    texts = (_sentence(field), f"Allowed: {allowed(field)}. Default: {yaml_value(field.default)}")
    lines = [line for text in texts for line in textwrap.wrap(text, WIDTH - len(head))]
    return "".join(f"{head}{line}\n" for line in lines)


def _sentence(field: FieldInfo) -> str:
    assert field.description, field
    return f"{field.description[0].upper()}{field.description[1:]}."


def _line(key: str, value: object, indent: str) -> str:
    return f"{indent}{key}: {yaml_value(value)}\n"


def _origin(path: str, origins: Mapping[str, str]) -> str:
    """Where a value came from, and where entries of a mapping came from if elsewhere."""
    own = origins.get(path, "")
    others = [
        f"{key.removeprefix(path)[1:]} from {origin}"
        for key, origin in origins.items()
        if key.startswith(f"{path}.") and origin != own and not own.startswith(origin)
    ]
    return "; ".join((own, *others))

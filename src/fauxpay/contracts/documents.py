"""Documents: worlds, partitions, gates and receipts against their contract in the packs.

What is checked is the canonical JSON of the document, that is, exactly what will be written.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from fauxpay.contracts.registry import BASE, Packs, built_in, require_references
from fauxpay.errors import ContractError
from fauxpay.foundations.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema_rs import ValidationError, Validator

_FAULTS_SHOWN = 5
_VALUE_SHOWN = 80


def check_document(reference: str, document: object, packs: Packs | None = None) -> None:
    """Raise ContractError unless a document satisfies its contract.

    reference  e.g. "run.yaml#/$defs/receipt"
    document   anything that `canonical_json` accepts
    The message gives the JSON pointer, the value and the expectation of up to five faults.
    """
    try:
        plain = json.loads(canonical_json(document))
    except (ValueError, RecursionError) as error:
        raise _too_deep(reference, error) from None
    check_plain(reference, plain, packs)


def check_plain(reference: str, plain: object, packs: Packs | None = None) -> None:
    """The same of a document that was read from JSON, and so needs no spelling of its own."""
    validator = _built_in_validator(reference) if packs is None else _validator(reference, packs)
    try:
        faults = sorted(validator.iter_errors(plain), key=_pointer)
    except (ValueError, RecursionError) as error:
        raise _too_deep(reference, error) from None
    if not faults:
        return
    shown = "; ".join(_described(fault) for fault in faults[:_FAULTS_SHOWN])
    more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    raise ContractError(f"document against {reference}: {shown}{more}")


def _too_deep(reference: str, error: Exception) -> ContractError:
    return ContractError(f"document against {reference}: nested too deep to be looked at ({error})")


@cache
def _built_in_validator(reference: str) -> Validator:
    return _validator(reference, built_in())


def _validator(reference: str, packs: Packs) -> Validator:
    import jsonschema_rs

    # First with our own registry, whose error names the holder of a reference.
    require_references(packs, packs.resolve(reference).pack)
    retriever: Callable[[str], Any] = packs.retrieve
    return jsonschema_rs.Draft202012Validator({"$ref": BASE + reference}, retriever=retriever)


def _pointer(fault: ValidationError) -> str:
    return "".join(f"/{step}" for step in fault.instance_path)


def _described(fault: ValidationError) -> str:
    value = repr(fault.instance)
    if len(value) > _VALUE_SHOWN:
        value = f"{value[:_VALUE_SHOWN]}..."
    rule = fault.kind.name
    expected = repr(fault.kind.value)
    if rule in ("required", "additionalProperties"):
        expected = fault.message
    return f"at {_pointer(fault) or '/'}: {value}; expected {rule} {expected}"

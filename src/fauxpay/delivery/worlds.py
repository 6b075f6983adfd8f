"""Worlds: built or found, checked, sealed under their id, read back.

Reads    the catalog that an engine builds, or the sealed one
Writes   worlds/<world_id>/catalog/*.parquet, contracts/*, then world.json that names them
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from fauxpay.delivery.engine import Engine, read_error
from fauxpay.delivery.signals import submitted
from fauxpay.delivery.sinks import Document, Sink, Staged, sink_of
from fauxpay.errors import ConfigError, ContractError, GateError
from fauxpay.receipts import layout
from fauxpay.receipts.identity import (
    MODEL_VERSION,
    Window,
    contract_packs,
    parameter_hash,
    run_id,
    world_id,
)
from fauxpay.receipts.records import (
    WORLD_SCHEMA,
    Request,
    document_bytes,
    read_document,
)
from fauxpay.receipts.segments import catalog_segment, require_world
from fauxpay.storage.places import Place, has_size

if TYPE_CHECKING:
    import pyarrow as pa

    from fauxpay.config.model import Config
    from fauxpay.contracts.findings import Finding
    from fauxpay.foundations.parameters import Parameters

WORLD_CONTRACT = "run.yaml#/$defs/world"
WORLD_FILE = "world.json"
CATALOG_ROW_GROUP_ROWS = 1 << 20


def identify(
    config: Config, parameters: Parameters, inputs: Sequence[Mapping[str, Any]]
) -> Request:
    """Who the run is that a config asks for; inputs are those of `Engine.inputs`."""
    hashed = parameter_hash(config, parameters)
    world = world_id(hashed, inputs)
    window = Window(config.run.start_day, config.run.end_day)
    run = run_id(world, config.run.seed, window)
    return Request(run, world, hashed, config.run.seed, window)


def find_world(root: Place, identifier: str) -> dict[str, Any] | None:
    """world.json of a sealed world whose files are all there; None where it must be built.

    Raises GateError where its catalog is not PASS: nothing starts on such a world.
    """
    path = root / layout.world_name(identifier, WORLD_FILE)
    try:
        world = read_document(WORLD_CONTRACT, path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise read_error(path, error) from error
    except ContractError:
        return None
    names = [entry["name"] for entry in world["tables"]]
    if world["world_id"] != identifier or names != list(layout.CATALOG_TABLES):
        return None
    whole = all(
        entry["path"] == _catalog_path(identifier, entry["name"])
        and has_size(root / entry["path"], entry["bytes"])
        for entry in world["tables"]
    )
    derived = all(
        entry["path"] == layout.derived_name(identifier, entry["name"])
        and (root / entry["path"]).is_file()
        for entry in world["derived"]
    )
    if not (whole and derived):
        return None
    require_world(world, str(path))
    return world


def build_world(
    root: Place,
    request: Request,
    config: Config,
    parameters: Parameters,
    engine: Engine,
) -> dict[str, Any]:
    """Builds, checks and seals a world; returns its world.json.

    Raises ConfigError where the config says load, ContractError for a bad catalog of one's own,
    GateError where the built one is not consistent. Then nothing is sealed.
    """
    if config.catalog.mode == "load":
        raise ConfigError(
            f"catalog.mode=load: no sealed world {request.world_id[:12]}... under {root}; "
            f"expected one that this config made. Set catalog.mode=build, or correct run.out."
        )
    tables = engine.build_catalog(config, parameters)
    assert sorted(tables) == sorted(layout.CATALOG_TABLES), sorted(tables)
    _refuse(engine.check_catalog(tables), config.catalog.path)
    sink = sink_of(root)
    seal = partial(_stage_catalog, sink, request, tables, config.output.compression)
    derive = partial(engine.derive, tables, config, parameters)
    sealed, derived = _sealed(sink, request, seal, derive)
    world = {
        "schema": WORLD_SCHEMA,
        "world_id": request.world_id,
        "parameter_hash": request.parameter_hash,
        "model_version": MODEL_VERSION,
        "config": config.world_document(),
        "parameters": parameters.document(),
        "inputs": [dict(item) for item in engine.inputs(config)],
        "tables": sealed,
        "derived": derived,
    }
    world["segment"] = catalog_segment(world, engine.catalog_check_names())
    name = layout.world_name(request.world_id, WORLD_FILE)
    read = partial(read_document, WORLD_CONTRACT)
    sink.mend([Document(name, document_bytes(WORLD_CONTRACT, world), read)])
    return world


def read_catalog_tables(root: Place, world: Mapping[str, Any]) -> dict[str, pa.Table]:
    """The sealed tables of a world, by name.

    Raises ContractError where a file was changed, or has not the columns that are read here.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fauxpay.catalog.store import require_current

    tables = {}
    for entry in world["tables"]:
        data = _sealed_bytes(root / entry["path"], entry["file_sha256"])
        read = pq.read_table(pa.BufferReader(data), use_threads=False)
        tables[entry["name"]] = read.combine_chunks().replace_schema_metadata(None)
    require_current(tables, (root / world["tables"][0]["path"]).parent)
    return tables


def read_derived(root: Place, world: Mapping[str, Any]) -> dict[str, bytes]:
    """The sealed files computed from the tables. Raises ContractError where one was changed."""
    return {
        entry["name"]: _sealed_bytes(root / entry["path"], entry["sha256"])
        for entry in world["derived"]
    }


def _sealed_bytes(path: Place, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise read_error(path, error) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ContractError(
            f"{path}: not the file that world.json was sealed with; expected sha256 "
            f"{sha256[:12]}... Restore it, or remove the world's folder {path.parent.parent} and "
            f"run the same command again."
        )
    return data


def _catalog_path(identifier: str, table: str) -> str:
    return layout.world_name(identifier, f"catalog/{table}.parquet")


def _refuse(findings: Sequence[Finding], own_folder: str | None) -> None:
    """Raises where the catalog does not hold together."""
    if not findings:
        return
    if own_folder is not None:
        raise ContractError(
            f"catalog.path={own_folder}: {_told(findings)}. Correct the catalog's files."
        )
    raise GateError(
        f"the catalog that was built is not consistent: {_told(findings)}. Nothing was "
        f"sealed; look at the catalog settings and parameters that were changed."
    )


def _told(findings: Sequence[Finding]) -> str:
    return f"{len(findings)} findings; first {findings[0]}"


def _sealed(
    sink: Sink,
    request: Request,
    stage_catalog: Callable[[list[Staged]], list[dict[str, Any]]],
    derive: Callable[[], Mapping[str, bytes]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Publishes a catalog and what is computed from it; entries of both for world.json."""
    # Here and not in the thread: it would wait for ever for an import that a Ctrl-C broke off here.
    import fauxpay.delivery.tables  # noqa: F401

    staged: list[Staged] = []
    try:
        # Encoding and digests leave the interpreter free for what is computed meanwhile.
        with ThreadPoolExecutor(max_workers=1) as aside:
            encoding = submitted(aside, stage_catalog, staged)
            derived = derive()
            tables = encoding.result()
        computed = [sink.stage(layout.derived_name(request.world_id, name)) for name in derived]
        staged += computed
        for file, data in zip(computed, derived.values(), strict=True):
            file.write(data)
        sink.publish(staged)
        return tables, [
            {"name": name, "path": file.name, "sha256": file.sha256}
            for name, file in zip(derived, computed, strict=True)
        ]
    finally:
        for file in staged:
            file.discard()


def _stage_catalog(
    sink: Sink,
    request: Request,
    tables: Mapping[str, pa.Table],
    compression: str,
    staged: list[Staged],
) -> list[dict[str, Any]]:
    """Stages tables and contract packs, into a list; entries of the tables for world.json."""
    from fauxpay.contracts.tables import table
    from fauxpay.delivery.tables import Law, TableFile

    law = Law({}, {}, compression)
    entries: list[dict[str, Any]] = []
    for name, reference in layout.CATALOG_TABLES.items():
        file = sink.stage(_catalog_path(request.world_id, name))
        staged.append(file)
        writer = TableFile(table(reference), file, law, {"fauxpay.world_id": request.world_id})
        writer.append(tables[name], CATALOG_ROW_GROUP_ROWS)
        entries.append(asdict(writer.close()))
    for name, data in contract_packs().items():
        staged.append(sink.stage(layout.world_name(request.world_id, f"contracts/{name}")))
        staged[-1].write(data)
    return entries

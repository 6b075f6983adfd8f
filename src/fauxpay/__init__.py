"""fauxpay: fabricates a whole, labelled card-payments world, the same bytes on any machine.

    import fauxpay
    run = fauxpay.generate({"catalog": {"cards": 1000}})
    run.table("transactions").to_table()

Everything is imported when it is first used, so that `import fauxpay` costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fauxpay.foundations.version import VERSION

if TYPE_CHECKING:
    from os import PathLike

    from fauxpay import labels as labels
    from fauxpay.config.model import Config
    from fauxpay.delivery.progress import Progress
    from fauxpay.readers.run import Run, Store
    from fauxpay.scorecard.findings import Scorecard

__version__ = VERSION
__all__ = ["Config", "Run", "Store", "__version__", "generate", "labels", "open", "score"]


def generate(
    config: Config | Mapping[str, Any] | None = None,
    report: Callable[[Progress], None] | None = None,
    *,
    rows: int | None = None,
) -> Run:
    """Makes the run that a config asks for, or finds it where it was made before.

    config   a `fauxpay.Config`, its nested mapping, or None for the demo world
    rows     about so many transactions: as many cards as make them in the window, instead of
             `catalog.cards`
    report   is called with each `Progress`; whether a page is drawn is `run.report` of the config
    returns  the sealed run, ready to read

    Raises ConfigError for a request that cannot be met, GateError where the result did not pass
    (nothing of it is readable), ContractError, ConflictError and StorageError. A new run gets
    report.html beside its receipt unless `run.report` is false; what stands in the way of that is
    a warning. `run.format` commits it to Delta or Iceberg tables too: MissingExtraError before it
    is made, StorageError after it is sealed. A script that uses several workers must call it below
    `if __name__ == "__main__":`.
    """
    import warnings

    from fauxpay.delivery.progress import silent
    from fauxpay.delivery.run import make_run
    from fauxpay.foundations.parameters import load_parameters
    from fauxpay.lakes.beside import keep_tables, require_format
    from fauxpay.readers.run import as_run
    from fauxpay.report.writing import is_due, keep_report

    resolved = _config_of(config)
    _require_a_listener(report)
    require_format(resolved.run.format, resolved.run.out)
    parameters = load_parameters(resolved.parameters)
    if rows is not None:
        from fauxpay.partitions.sizing import cards_for

        resolved = resolved.with_values({"catalog.cards": cards_for(rows, resolved, parameters)})
    made = make_run(resolved, parameters, report=report or silent)
    run = as_run(made.sealed)
    is_wanted = is_due(run, is_new=made.is_new, is_asked=resolved.run.report)
    keep_report(run, is_wanted=is_wanted, warn=warnings.warn)
    keep_tables(run, resolved.run.format)
    return run


def _config_of(config: Config | Mapping[str, Any] | None) -> Config:
    """The config itself, or of a mapping. Raises ConfigError for anything else."""
    from collections.abc import Mapping

    from fauxpay.config.model import Config
    from fauxpay.errors import ConfigError

    if isinstance(config, Config):
        return config
    told: object = {} if config is None else config
    if not isinstance(told, Mapping) or not all(isinstance(name, str) for name in told):
        raise ConfigError(
            f"config: {str(told)[:80]!r}; expected a fauxpay.Config or a nested mapping such as "
            f"{{'catalog': {{'cards': 1000}}}}. fauxpay.Config.load reads a YAML file."
        )
    return Config(**told)


def _require_a_listener(report: object) -> None:
    """Raises ConfigError for what cannot be told of progress."""
    from fauxpay.errors import ConfigError

    if report is not None and not callable(report):
        raise ConfigError(
            f"report: {report!r}; expected a function that is told of progress. Whether a page is "
            f"drawn is said by the config: {{'run': {{'report': False}}}}."
        )


def open(root: str | PathLike[str], allow_unverified: bool = False) -> Store:
    """The runs below a root that passed. Raises StorageError where there is no such folder.

    allow_unverified  show what did not pass, too; its `Run.is_verified` is False
    """
    from fauxpay.readers.run import open as open_store

    return open_store(root, allow_unverified)


def score(source: Run | str | PathLike[str], mapping: Mapping[str, str] | None = None) -> Scorecard:
    """Holds a run, or any card table, against published facts.

    source   a Run; the beginning of a run id, "latest", a run's folder or a root; a folder, glob or
             file of CSV or Parquet
    mapping  canonical name -> their name, of a table that is no run; docs/scorecard.md lists them
    Raises StorageError, GateError, ConfigError and ContractError for what cannot be read.
    """
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from fauxpay.errors import ConfigError
    from fauxpay.readers.run import Run
    from fauxpay.scorecard.scoring import score as score_table

    told: object = source
    if not isinstance(told, (Run, str, os.PathLike)):
        raise ConfigError(
            f"source: a {type(told).__name__}; expected a Run, or the name of a run, folder or "
            f"file. Write a frame to a Parquet file first."
        )
    named: object = {} if mapping is None else mapping
    if not isinstance(named, Mapping) or not all(isinstance(one, str) for one in named.values()):
        raise ConfigError(
            f"mapping: {str(named)[:80]}; expected names of columns, such as {{'card': 'cc_num'}}"
        )
    return score_table(source if isinstance(source, (Run, str)) else Path(source), mapping)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # Or any name at all would pass for one of ours.

    def __getattr__(name: str) -> Any:
        import importlib

        if name == "labels":
            return importlib.import_module("fauxpay.labels")
        if name == "Config":
            return importlib.import_module("fauxpay.config.model").Config
        if name in ("Run", "Store"):
            return getattr(importlib.import_module("fauxpay.readers.run"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

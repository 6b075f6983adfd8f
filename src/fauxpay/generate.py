"""`python -m fauxpay.generate`: the old command line, answered by the new code.

Each old flag is mapped to the config, or answered with a line on standard error that says why it
has no effect any more and what to use instead. `fauxpay generate` is the command to prefer.

Importing this module puts it where the function `fauxpay.generate` was, so the module is callable
and does what the function does.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import fauxpay
from fauxpay.errors import ConfigError

if TYPE_CHECKING:
    from fauxpay.config.model import Config

PROGRAM = "python -m fauxpay.generate"

_MAPPED = {
    "--out": "run.out",
    "--s3": "run.out",
    "--seed": "run.seed",
    "--num-workers": "run.workers",
    "--chunk-size": "run.chunk_rows",
    "--realism": "activity.realism",
    "--start-date": "run.from",
    "--end-date": "run.to",
    "--merchants": "catalog.merchants",
    "--compression": "output.compression",
}
_WITHOUT_EFFECT = {
    "--batch-size": "rows are filled in chunks and written in row groups; "
    "use --chunk-size, or output.row_group_rows in the config",
    "--log-level": "progress goes to standard error and errors are one message; "
    "use `fauxpay generate --quiet` for silence",
    "--timezone": "every place has its own time zone and event_time is UTC; "
    "use the column local_offset_minutes",
    "--format": "tables are Parquet files; "
    "use `fauxpay export`, `fauxpay generate --format delta` or iceberg, or any tool that reads "
    "Parquet, to make others",
}
# Flags with a rule of their own, further down.
_SPECIAL = ("--config", "--rows", "--customers", "--fraud-rate")

_function = fauxpay.__dict__["generate"]


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Runs the old command line; returns the exit code, with any error on standard error.

    argv, environ  those of the process where None
    """
    from fauxpay.cli import exit_code_of
    from fauxpay.cli.generate import run_config

    def command() -> None:
        arguments = sys.argv[1:] if argv is None else argv
        config, notes = config_of(arguments, os.environ if environ is None else environ)
        for note in notes:
            print(f"fauxpay: {note}", file=sys.stderr)
        run_config(config)

    return exit_code_of(command)


def config_of(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Config, list[str]]:
    """The config that old flags ask for, and what the user should know about them.

    Raises ConfigError for an unknown flag, a wrong value, and for what is not delivered yet.
    """
    from fauxpay.config.sources import resolve

    given = _given(argv)
    if "--s3" in given and "--out" in given:
        raise ConfigError("--s3 and --out name the place twice; give one of them")
    if "://" not in given.get("--s3", "://"):
        raise ConfigError(f"--s3 = {given['--s3']!r}: write it as s3://BUCKET/PREFIX")
    file = Path(given["--config"]) if "--config" in given else None
    notes = [
        f"{flag} has no effect any more: {why}"
        for flag, why in _WITHOUT_EFFECT.items()
        if flag in given
    ]
    flags: dict[str, object] = {key: given[flag] for flag, key in _MAPPED.items() if flag in given}
    names = {key: flag for flag, key in _MAPPED.items() if flag in given}
    notes += _places(given, file, environ, flags) + _fraud(given, flags)
    notes += _customers(given, flags, names)
    config = resolve(file, environ, (), flags, names).config
    if "--rows" in given:
        from fauxpay.cli.generate import CARDS, cards_of_rows

        rows = _whole_number(given, "--rows")
        flags |= cards_of_rows(rows, config, is_quiet=True)
        config = resolve(file, environ, (), flags, names | {CARDS: f"--rows {rows}"}).config
        days = (config.run.end_day - config.run.start_day).days
        notes.append(
            f"--rows {rows}: catalog.cards = {config.catalog.cards}, which make about so many "
            f"transactions in the {days} days that are asked for"
        )
    return config, notes


def _given(argv: Sequence[str]) -> dict[str, str]:
    """The flags on the command line by name."""
    flags = sorted((*_MAPPED, *_WITHOUT_EFFECT, *_SPECIAL))
    parser = _Parser(prog=PROGRAM, allow_abbrev=False, description=(__doc__ or "").split("\n\n")[1])
    for flag in flags:
        parser.add_argument(flag, dest=flag, metavar="VALUE", help=_help(flag))
    known, unknown = parser.parse_known_args(list(argv))
    if unknown:
        near = difflib.get_close_matches(unknown[0].partition("=")[0], flags, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(flags)}"
        raise ConfigError(f"{unknown[0]}: no such flag; {hint}")
    return {flag: value for flag, value in vars(known).items() if value is not None}


def _help(flag: str) -> str:
    helps = {
        "--config": "YAML config file",
        "--rows": "about so many transactions: sets catalog.cards",
        "--customers": "sets catalog.cards, unless --rows does",
        "--fraud-rate": f"sets fraud.rate: {_rates()}",
    }
    return helps.get(flag) or (f"sets {_MAPPED[flag]}" if flag in _MAPPED else "no effect any more")


def _places(
    given: Mapping[str, str],
    file: Path | None,
    environ: Mapping[str, str],
    flags: dict[str, object],
) -> list[str]:
    """Fewer places where the old --merchants alone would leave places without shops."""
    from fauxpay.config.combinations import MERCHANTS_PER_PLACE_MIN
    from fauxpay.config.merchants import floors
    from fauxpay.config.model import Config

    if "--merchants" not in given or file is not None or "FAUXPAY_CATALOG__PLACES" in environ:
        return []
    catalog = Config().catalog
    merchants = _whole_number(given, "--merchants")
    online = floors(catalog.places, len(catalog.countries))[1]
    shops = min(int(merchants * (1 - catalog.online_merchant_share)), merchants - online)
    places = max(len(catalog.countries), shops // MERCHANTS_PER_PLACE_MIN)
    if places >= catalog.places:
        return []
    flags["catalog.places"] = places
    return [f"--merchants {merchants}: catalog.places = {places}, so that each has some"]


def _rates() -> str:
    from fauxpay.config.fraud_model import RATE_MAX

    return f"a number from 0 to 1; 0 turns fraud off, and more than {RATE_MAX:g} is lowered to that"


def _fraud(given: Mapping[str, str], flags: dict[str, object]) -> list[str]:
    from fauxpay.config.fraud_model import RATE_MAX

    if "--fraud-rate" not in given:
        return []
    try:
        rate = float(given["--fraud-rate"])
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        text = given["--fraud-rate"]
        raise ConfigError(f"--fraud-rate = {text!r}: allowed is {_rates()}")
    if rate == 0:
        flags["fraud.enabled"] = False
        return ["--fraud-rate 0: fraud.enabled = false"]
    # More than one row in twenty is no fraud that a bank would live through.
    flags["fraud.rate"] = used = min(rate, RATE_MAX)
    note = f"--fraud-rate {given['--fraud-rate']}: fraud.rate = {used:g}"
    return [note if used == rate else f"{note}, the most that campaigns against cards can make"]


def _customers(
    given: Mapping[str, str], flags: dict[str, object], names: dict[str, str]
) -> list[str]:
    if "--customers" not in given:
        return []
    if "--rows" in given:
        note = (
            "--customers has no effect any more beside --rows: the rows decide how many cards "
            "there are, and the cards how many customers; use one of the two"
        )
        return [note]
    customers = _whole_number(given, "--customers")
    flags["catalog.cards"] = customers
    names["catalog.cards"] = "--customers"
    return [
        f"--customers {customers}: catalog.cards = {customers}; a customer holds 1 or more cards"
    ]


def _whole_number(given: Mapping[str, str], flag: str) -> int:
    text = given[flag]
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0):
        raise ConfigError(f"{flag} = {text!r}: allowed is a whole number from 1")
    return int(text)


class _Parser(argparse.ArgumentParser):
    """Its own errors become ConfigError, like all others."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see {PROGRAM} --help")


class _CallableModule(ModuleType):
    def __call__(self, *told: Any, **named: Any) -> Any:
        """See the function `fauxpay.generate`."""
        return _function(*told, **named)


sys.modules[__name__].__class__ = _CallableModule

if __name__ == "__main__":
    sys.exit(main())

"""`fauxpay stream`: a run as it would have come in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fauxpay.cli.options import ROOT, JsonOption, OutOption, RunArgument

if TYPE_CHECKING:
    import pyarrow as pa

    from fauxpay.readers.run import Run
    from fauxpay.streams.faults import Faults
    from fauxpay.streams.pace import Pace


_To = Annotated[
    str,
    typer.Option(
        metavar="TARGET",
        help="stdout, a new FILE, kafka://HOST:PORT/PREFIX, or http://HOST:PORT/PATH.",
    ),
]
_Speed = Annotated[
    float | None,
    typer.Option(metavar="N", help="Seconds of the world in a second: 3600 is a day in 24 s."),
]
_Rate = Annotated[str | None, typer.Option(metavar="N/s", help="Events a second, such as 5000/s.")]
_AsFastAsPossible = Annotated[
    bool, typer.Option("--as-fast-as-possible", help="As fast as they are taken: the default.")
]
_Only = Annotated[
    str | None, typer.Option(metavar="KIND", help="transactions or labels. Default: both.")
]
_FromOffset = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Place in the sequence to begin at; with --resume only where nothing was sent yet.",
    ),
]
_Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where a stream to the same target broke off.")
]
_Faults = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="YAML: lost, duplicate, late, out_of_order, clock_skew, schema_change.",
    ),
]
_FaultTable = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Parquet of what was done to which event; with --check, to grade a consumer by.",
    ),
]
_Check = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Compare received lines with the run; send nothing."),
]
_Encoding = Annotated[
    Literal["json", "avro"],
    typer.Option(metavar="json|avro", help="Of events. avro: to a file or Kafka."),
]
_Schema = Annotated[
    bool,
    typer.Option(
        "--schema",
        help="Print the JSON Schema of a line, or with avro the Avro schema; send nothing.",
    ),
]


def stream(
    run: RunArgument = "latest",
    to: _To = "stdout",
    speed: _Speed = None,
    rate: _Rate = None,
    as_fast_as_possible: _AsFastAsPossible = False,
    only: _Only = None,
    from_offset: _FromOffset = 0,
    resume: _Resume = False,
    faults: _Faults = None,
    fault_table: _FaultTable = None,
    check: _Check = None,
    encoding: _Encoding = "json",
    schema: _Schema = False,
    json_summary: JsonOption = False,
    out: OutOption = ROOT,
) -> None:
    """Send a run as events in order of time: CloudEvents, one line of JSON each, or Avro.

    Transactions come at their event time, labels when the bank knew. Delivery is at least once;
    --check says what a consumer lost, got twice or got in another order.
    """
    if schema:
        _tell_schema(is_avro="avro" in (run, encoding))  # `--schema avro` has no run to name.
        return
    kinds = _kinds(only)
    from fauxpay.readers.run import run_of

    chosen = run_of(out, run)
    if check is not None:
        _check(chosen, check, kinds, fault_table, json_summary)
        return
    from fauxpay.foundations.addresses import masked
    from fauxpay.streams.channels import STDOUT
    from fauxpay.streams.play import Asked, play

    pace = _pace(speed, rate, as_fast_as_possible)
    spoiled = _faults(chosen, faults, fault_table)
    with _table_of_faults(fault_table) as write:
        played = play(chosen, Asked(to, kinds, from_offset, resume, spoiled, encoding), pace)
        write(played.faults)
    told = {
        "run_id": chosen.run_id,
        "to": masked(to),
        "sent": played.sent,
        "first": played.first,
        **played.counts,
        "sha256": played.sha256,
    }
    text = f"{played.sent:,} events of run {chosen.run_id} to {masked(to)}"
    if json_summary:
        text = json.dumps(told)
    # Standard output may be the stream itself.
    typer.echo(text, err=to in STDOUT)


def _tell_schema(is_avro: bool) -> None:
    from fauxpay.streams.avro_schema import event_schema
    from fauxpay.streams.envelope import json_schema

    typer.echo(json.dumps(event_schema() if is_avro else json_schema(), indent=2))


def _kinds(only: str | None) -> tuple[str, ...]:
    from fauxpay.errors import ConfigError
    from fauxpay.streams.order import KINDS

    if only is None:
        return KINDS
    if only.removesuffix("s") not in KINDS:
        raise ConfigError(f"--only {only}: expected transactions or labels")
    return (only.removesuffix("s"),)


def _pace(speed: float | None, rate: str | None, is_fast: bool) -> Pace:
    from fauxpay.errors import ConfigError
    from fauxpay.streams.pace import Pace

    if sum((speed is not None, rate is not None, is_fast)) > 1:
        raise ConfigError("--speed, --rate, --as-fast-as-possible: expected one of them")
    if speed is not None and not 0 < speed < float("inf"):
        raise ConfigError(f"--speed {speed}: expected seconds of the world above 0")
    if rate is None:
        return Pace(speed=speed)
    try:
        number = float(rate.removesuffix("/s"))
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ConfigError(f"--rate {rate}: expected events a second above 0, such as 5000/s")
    return Pace(rate=number)


def _faults(run: Run, file: Path | None, table: Path | None) -> Faults | None:
    from fauxpay.errors import ConfigError

    if (file is None) != (table is None):
        raise ConfigError(
            "--faults and --fault-table: expected both, or none: faults that nobody wrote down "
            "cannot be told from mistakes"
        )
    if file is None or table is None:
        return None
    from fauxpay.streams.faults import read_faults

    return read_faults(file, run.table("transactions").schema.names)


@contextmanager
def _table_of_faults(path: Path | None) -> Iterator[Callable[[pa.Table | None], None]]:
    """What writes the table; begun before anything is sent, for a stream is not sent twice."""
    if path is None:
        yield lambda table: None
        return
    from pyarrow import parquet

    from fauxpay.readers.new_files import new_file

    with new_file(path) as staged:
        staged.touch()
        yield lambda table: parquet.write_table(table, staged)


def _check(run: Run, file: Path, kinds: tuple[str, ...], table: Path | None, as_json: bool) -> None:
    from fauxpay.errors import ProofError
    from fauxpay.streams.faults import read_table
    from fauxpay.streams.received import graded

    grade = graded(run, file, kinds, None if table is None else read_table(table))
    document = grade.document()
    if as_json:
        typer.echo(json.dumps(document))
    else:
        for name, value in document.items():
            typer.echo(
                f"{name:13} {value:,}" if not isinstance(value, bool) else f"{name:13} {value}"
            )
    sys.stdout.flush()
    if not grade.is_perfect:
        raise ProofError(
            f"{file}: is not the stream of the run; expected every event once, in order"
        )

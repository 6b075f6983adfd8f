"""Options of the commands: names, how their values look, and one line each that explains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

ConfigFile = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE", help="Config file (YAML). Without: the demo world."),
]
Out = Annotated[
    str | None,
    typer.Option(
        metavar="ROOT",
        help="Where everything goes: a folder, or s3://, gs://, az:// with a bucket and prefix. "
        "Default: ./fauxpay-out.",
    ),
]
LogicalDate = Annotated[
    str | None,
    typer.Option(
        metavar="DAY", help="The one UTC day a scheduler asks for. Instead of --from and --to."
    ),
]
StartDay = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", help="First UTC day, such as 2026-03-01."),
]
EndDay = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="The UTC day after the last one.")
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", help="Another seed, other activity, same world. Default: 1."),
]
Rows = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        min=1,
        help="About so many transactions: as many cards as make them. Instead of catalog.cards.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER", help="At work at a time. 0: one per core. Never changes a byte."
    ),
]
Executor = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="serial, processes, ray, spark, or a package's. Never changes a byte.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="parquet, or delta or iceberg: tables beside the files. Never changes a byte of them.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting: catalog.cards=1000. Repeatable."),
]
IsJson = Annotated[
    bool, typer.Option("--json", help="Print the summary as JSON on standard output.")
]
IsQuiet = Annotated[
    bool, typer.Option("--quiet", help="No progress and no summary for people, only errors.")
]
Logs = Annotated[
    Literal["text", "json"],
    typer.Option(
        "--log-format",
        envvar="FAUXPAY_LOG_FORMAT",
        metavar="text|json",
        help="Of what goes to standard error. json: one object per line.",
    ),
]
NoReport = Annotated[
    bool, typer.Option("--no-report", help="Make no report.html beside the receipt.")
]
Metrics = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Prometheus text file to write at the end, *.prom."),
]

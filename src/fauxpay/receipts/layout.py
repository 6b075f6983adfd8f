"""Layout: the names of everything under a root, relative, with slashes.

<root>/worlds/<world_id>/catalog/<table>.parquet  derived/<file>  contracts/<pack>  world.json
<root>/worlds/<world_id>/seed=<n>/<table>/event_day=2026-03-01/part-0000.parquet
<root>/worlds/<world_id>/seed=<n>/<plan table>/until=2026-04-01/part-0000.parquet
<root>/worlds/<world_id>/seed=<n>/partitions/event_day=2026-03-01/part-0000.json
<root>/runs/created/<run_id>.json  runs/utc_day=2026-03-02/<run_id>/receipt.json  gate.json  _PASSED
<root>/runs/utc_day=2026-03-02/<run_id>/segments/{activity,fraud,labels}.json  report.html
<root>/quarantine/<run_id>/failure.json  config.yaml  gate.json  receipt.json  segments/  worlds/
<root>/conflicts/...  .staging/...
"""

from __future__ import annotations

import re

from fauxpay.gates.segments import CATALOG, TABLES_OF

WORLDS = "worlds"
RUNS = "runs"
QUARANTINE = "quarantine"
RECEIPT = "receipt.json"
GATE = "gate.json"
PASSED = "_PASSED"
REPORT = "report.html"
FAILURE = "failure.json"
FAILED_CONFIG = "config.yaml"
_PARTITION = re.compile(r"(\w+)/(?:event_day|until)=([0-9-]{10})/part-([0-9]+)\.")

CATALOG_TABLES = {name: f"catalog.yaml#/$defs/{name}" for name in TABLES_OF[CATALOG]}
"""Table name to contract, in the order in which keys point."""

DAY_TABLES = {
    "transactions": "activity.yaml#/$defs/transactions",
    "postings": "activity.yaml#/$defs/postings",
    "truth": "fraud.yaml#/$defs/truth",
    "labels": "labels.yaml#/$defs/labels",
}
"""Table name to contract of what every event day has, transactions first."""

PLAN_TABLES = {
    "campaigns": "fraud.yaml#/$defs/campaigns",
    "compromises": "fraud.yaml#/$defs/compromises",
    "reissues": "fraud.yaml#/$defs/reissues",
}
"""Table name to contract of what couples many days, in the order in which keys point."""


def world_name(world_id: str, file: str) -> str:
    """A file of a world, such as `world.json` or `catalog/cards.parquet`."""
    return f"worlds/{world_id}/{file}"


def derived_name(world_id: str, name: str) -> str:
    """A file that was computed from the catalog of a world."""
    return world_name(world_id, f"derived/{name}")


def seed_name(world_id: str, seed: int) -> str:
    """The folder of everything that a world does under a seed."""
    return f"worlds/{world_id}/seed={seed}"


def day_key(event_day: str) -> str:
    """The Hive key of an event day."""
    return f"event_day={event_day}"


def plan_key(end_day: str) -> str:
    """The Hive key of the plan of everything before a day."""
    return f"until={end_day}"


def table_name(seed_folder: str, table: str, key: str, shard: int) -> str:
    """A Parquet file of one table, Hive key and shard."""
    return f"{seed_folder}/{table}/{key}/part-{shard:04d}.parquet"


def sidecar_name(seed_folder: str, key: str, shard: int) -> str:
    """The receipt beside a partition or a plan."""
    return f"{seed_folder}/partitions/{key}/part-{shard:04d}.json"


def stamp_name(run_id: str) -> str:
    """Where it stands when a run was first sealed."""
    return f"{RUNS}/created/{run_id}.json"


def run_name(created_utc: str, run_id: str, file: str) -> str:
    """A file of a sealed run, filed under the day of its creation."""
    return f"{RUNS}/utc_day={created_utc[:10]}/{run_id}/{file}"


def segment_file(segment: str) -> str:
    """The gate receipt of a segment, in the folder of its run."""
    return f"segments/{segment}.json"


def quarantine_name(run_id: str) -> str:
    """The folder of a run that did not pass."""
    return f"{QUARANTINE}/{run_id}"


def partition_of(path: str) -> tuple[str, str, int] | None:
    """(table, day, shard) of the name or path of a partition's file; None for other files."""
    found = _PARTITION.search(path)
    return (found[1], found[2], int(found[3])) if found else None

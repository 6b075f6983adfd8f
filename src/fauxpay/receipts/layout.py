"""Layout: the names of everything under a root, relative, with slashes.

<root>/worlds/<world_id>/catalog/<table>.parquet  contracts/<pack>  world.json
<root>/worlds/<world_id>/seed=<n>/<table>/event_day=2026-03-01/part-0000.parquet
<root>/worlds/<world_id>/seed=<n>/partitions/event_day=2026-03-01/part-0000.json
<root>/runs/created/<run_id>.json  runs/utc_day=2026-03-02/<run_id>/receipt.json  gate.json  _PASSED
<root>/quarantine/<run_id>/...  conflicts/...  .staging/...
"""

from __future__ import annotations

RUNS = "runs"
QUARANTINE = "quarantine"
RECEIPT = "receipt.json"
GATE = "gate.json"
PASSED = "_PASSED"

CATALOG_TABLES = {
    name: f"catalog.yaml#/$defs/{name}"
    for name in (
        "places",
        "merchants",
        "terminals",
        "customers",
        "accounts",
        "cards",
        "devices",
    )
}
"""Table name to contract, in the order in which keys point."""

PARTITION_TABLES = {
    "transactions": "activity.yaml#/$defs/transactions",
    "campaigns": "fraud.yaml#/$defs/campaigns",
    "compromises": "fraud.yaml#/$defs/compromises",
    "reissues": "fraud.yaml#/$defs/reissues",
    "truth": "fraud.yaml#/$defs/truth",
    "labels": "labels.yaml#/$defs/labels",
}
"""Table name to contract, transactions first."""


def world_name(world_id: str, file: str) -> str:
    """A file of a world, such as `world.json` or `catalog/cards.parquet`."""
    return f"worlds/{world_id}/{file}"


def seed_name(world_id: str, seed: int) -> str:
    """The folder of everything that a world does under a seed."""
    return f"worlds/{world_id}/seed={seed}"


def table_name(world_id: str, seed: int, table: str, event_day: str, shard: int) -> str:
    """A Parquet file of one table, event day and shard."""
    return f"{seed_name(world_id, seed)}/{table}/event_day={event_day}/part-{shard:04d}.parquet"


def sidecar_name(world_id: str, seed: int, event_day: str, shard: int) -> str:
    """The receipt beside a partition."""
    folder = f"{seed_name(world_id, seed)}/partitions/event_day={event_day}"
    return f"{folder}/part-{shard:04d}.json"


def stamp_name(run_id: str) -> str:
    """Where it stands when a run was first sealed."""
    return f"{RUNS}/created/{run_id}.json"


def run_name(created_utc: str, run_id: str, file: str) -> str:
    """A file of a sealed run, filed under the day of its creation."""
    return f"{RUNS}/utc_day={created_utc[:10]}/{run_id}/{file}"


def quarantine_name(run_id: str) -> str:
    """The folder of a run that did not pass."""
    return f"{QUARANTINE}/{run_id}"

"""Leak checks: ids, order, clock, entities and card-days that only fraud has, raw columns together.

Reads    a card table with labels
Writes   a measure by check of leaks.yaml
Draws    nothing
Sources  nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fauxpay.foundations.draws import F64
from fauxpay.readers.query import parquet
from fauxpay.scorecard.single_columns import (
    FRAUDS_MIN,
    PAST_SHARE,
    Sample,
    auc,
    rates,
    sampled,
)

if TYPE_CHECKING:
    from fauxpay.readers.run import Run
    from fauxpay.scorecard.card_table import CardTable

IDS = ("card", "customer", "merchant", "terminal", "device")
ENTITIES = ("merchant", "terminal", "device", "ip", "customer")
ENTITY_ROWS_MIN = 3
ID_BITS = 8
ID_FRAUDS_MIN = 100
ORDERED_ROWS = 20_000_000
GENUINE_ROWS = 200_000
SEED = 1
_WHOLE = ("BIGINT", "INTEGER", "HUGEINT", "UBIGINT", "UINTEGER", "SMALLINT")
_DAY = 'epoch_us("at") // 86400000000'


@dataclass(frozen=True, slots=True)
class Measured:
    """A value, what it is about, and why there is none.

    frauds  that an AUC is judged by, where chance may make something of them
    """

    value: float | None
    about: str = ""
    reason: str = ""
    frauds: int | None = None


def ids(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """Whether the number of an id, or its low bits, go with fraud: once for each id."""
    found: list[tuple[float, str]] = []
    columns = _id_columns(table, threads)
    with table.connect(threads, columns=("card", "label", *columns)) as connection:
        sources = {name: ("transactions", name, "coalesce(label, 0) = 1") for name in columns}
        if table.run is not None:
            files = f"{_files(table.run, 'transactions')} t"
            is_fraud = (
                f"transaction_id IN (SELECT transaction_id FROM {_files(table.run, 'truth')})"
            )
            sources["transaction"] = (files, "transaction_id", is_fraud)
        for name, (source, key, is_fraud) in sources.items():
            rows = connection.sql(
                f"""SELECT {key}::BIGINT AS value, bool_or({is_fraud}) AS is_fraud FROM {source}
                    WHERE {key} IS NOT NULL GROUP BY {key}
                    HAVING is_fraud OR hash({key}) % 1000000 < {_share(table, threads)}"""
            ).to_arrow_table()
            value, labels = rows["value"].to_numpy(), _labels(rows)
            # What chance makes of a few cards is no leak.
            if min(int(labels.sum()), int((~labels).sum())) < ID_FRAUDS_MIN:
                continue
            found.append((_two_sided(value.astype(np.float64), labels), name))
            for bit in range(ID_BITS):
                own = ((value >> bit) & 1).astype(np.float64)
                found.append((_two_sided(own, labels), f"bit {bit} of {name}"))
    if not found:
        return {"ids": Measured(None, reason="no id is a number with frauds enough")}
    return {"ids": Measured(*max(found))}


def order(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """Whether fraud stands in places of its own among the rows: appended, or inserted before."""
    del threads  # One thread keeps the order.
    if table.run is not None:
        # Straight from the files: a join would lose their order.
        source = (
            f"SELECT epoch_us(event_time) AS at_us, transaction_id IN (SELECT transaction_id FROM "
            f"{_files(table.run, 'truth')}) AS is_fraud FROM {_files(table.run, 'transactions')}"
        )
    else:
        source = (
            f'SELECT epoch_us("at") AS at_us, coalesce(label, 0) = 1 AS is_fraud '
            f"FROM ({table.relation(('at', 'label'))})"
        )
    with table.connect(1, columns=("label",)) as connection:
        connection.execute("SET preserve_insertion_order = true")
        rows = connection.sql(f"{source} LIMIT {ORDERED_ROWS}").to_arrow_table()
    at_us = rows["at_us"].to_numpy()
    place = np.empty(at_us.size)
    place[np.argsort(at_us, kind="stable")] = np.arange(at_us.size)
    moved = np.arange(at_us.size) - place
    labels = _labels(rows)
    if not labels.any() or labels.all():
        return {"order": Measured(None, reason=f"no fraud in the first {ORDERED_ROWS:,} rows")}
    return {"order": Measured(_two_sided(moved, labels))}


def clock(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """Whether frauds come on seconds of their own, or in whole seconds after the row before."""
    micros = 'epoch_us("at")'
    gap = f'{micros} - lag({micros}) OVER (PARTITION BY card ORDER BY "at")'
    columns = {
        "second of the minute": f"({micros} // 1000000) % 60",
        "fraction of the second": f"({micros} % 1000000) // 10000",
        "whole-second spacing": f"coalesce((({gap}) % 1000000 = 0)::INTEGER, -1)",
    }
    rows = _sampled(table, threads, columns)
    labels, weight, past = _labels(rows), rows["weight"].to_numpy(), _past(rows)
    if min(int(labels[past].sum()), int(labels[~past].sum())) < FRAUDS_MIN:
        return {"clock": Measured(None, reason="too few frauds before or after the cut in time")}
    found = []
    for name in columns:
        rate = rates(rows[name].to_numpy() + 1, labels, weight, np.flatnonzero(past))
        found.append((auc(rate[~past], labels[~past], weight[~past]), name))
    return {"clock": Measured(*max(found))}


def fraud_only_entities(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """Frauds at entities that have several rows, none of them genuine."""
    found = []
    names = [name for name in ENTITIES if name in table.columns]
    with table.connect(threads, columns=(*names, "label")) as connection:
        for name in names:
            ((own, frauds),) = connection.execute(
                f"""SELECT sum(IF(frauds = rows AND rows >= {ENTITY_ROWS_MIN}, frauds, 0))::BIGINT,
                           sum(frauds)::BIGINT
                    FROM (SELECT count(*) AS rows, coalesce(sum(label), 0) AS frauds
                          FROM transactions WHERE {name} IS NOT NULL GROUP BY {name})"""
            ).fetchall()
            if frauds:
                found.append((own / frauds, name))
    if not found:
        return {"fraud_only_entities": Measured(None, reason="no entities but cards; use --map")}
    return {"fraud_only_entities": Measured(*max(found))}


def fraud_card_days(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """Card-days that are all fraud, less those without a genuine row a week before."""
    with table.connect(threads, columns=("card", "at", "label")) as connection:
        connection.execute(
            f"""CREATE TEMP TABLE card_days AS
                SELECT card, {_DAY} AS day, sum(coalesce(label, 0)) AS frauds, count(*) AS rows
                FROM transactions WHERE card IN
                    (SELECT card FROM transactions WHERE label = 1) GROUP BY ALL"""
        )
        ((whole, idle, days),) = connection.execute(
            """SELECT avg((hit.frauds = hit.rows)::INTEGER),
                      avg((coalesce(before.rows - before.frauds, 0) = 0)::INTEGER), count(*)
               FROM card_days hit
               JOIN (SELECT card, min(day) AS first FROM card_days GROUP BY card) USING (card)
               LEFT JOIN card_days before ON before.card = hit.card AND before.day = hit.day - 7
               WHERE hit.frauds > 0 AND first <= hit.day - 7"""
        ).fetchall()
    if not days:
        return {"fraud_card_days": Measured(None, reason="no card has a week before its fraud")}
    return {"fraud_card_days": Measured(whole - idle, f"{whole:.2f} less {idle:.2f}")}


def raw_models(table: CardTable, threads: int | None) -> dict[str, Measured]:
    """A depth-3 tree and boosting on all raw columns of remote traffic, learnt on the past."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.tree import DecisionTreeClassifier
    from threadpoolctl import threadpool_limits

    sample = sampled(table, threads)
    which = np.ones(sample.is_fraud.size, dtype=np.bool_)
    if sample.channel is not None:
        which = np.isin(sample.channel.astype(str), ("ecom", "moto"))
    past, future = which & sample.is_past & ~sample.is_early, which & ~sample.is_past
    counts = int(sample.is_fraud[past].sum()), int(sample.is_fraud[future].sum())
    genuine = int((past & ~sample.is_fraud).sum()), int((future & ~sample.is_fraud).sum())
    reason = ""
    if min(counts) < FRAUDS_MIN:
        reason = f"{counts[0]} and {counts[1]} remote frauds; {FRAUDS_MIN} needed"
    elif not min(genuine):
        reason = "no genuine remote rows to tell them from"
    if reason:
        return dict.fromkeys(("small_tree", "raw_boosting"), Measured(None, reason=reason))
    matrix = _matrix(sample)
    weight = sample.weight * np.where(
        sample.is_fraud, sample.weight[past & ~sample.is_fraud].sum() / (9 * counts[0]), 1.0
    )
    models = {
        "small_tree": DecisionTreeClassifier(max_depth=3, min_samples_leaf=20, random_state=SEED),
        "raw_boosting": HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=SEED
        ),
    }
    found = {}
    for name, model in models.items():
        with threadpool_limits(1):
            model.fit(matrix[past], sample.is_fraud[past], sample_weight=weight[past])
        scores = model.predict_proba(matrix[future])[:, 1]
        value = auc(scores, sample.is_fraud[future], sample.weight[future])
        found[name] = Measured(value, f"{counts[1]} frauds judged", frauds=counts[1])
    return found


def _matrix(sample: Sample) -> F64:
    """Numbers as they are, names by the rate of fraud that they had in the first half of the past.

    Models learn on the second half: on the first, a rate would know the row's own label.
    """
    columns = []
    for values, is_number in sample.columns.values():
        if is_number:
            columns.append(np.nan_to_num(values, nan=-1e9))
        else:
            early = np.flatnonzero(sample.is_early)
            columns.append(rates(values, sample.is_fraud, sample.weight, early))
    return np.column_stack(columns)


def _share(table: CardTable, threads: int | None) -> int:
    """Millionths of the rows that make a sample."""
    with table.connect(threads, columns=("card",)) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM transactions").fetchall()
    return max(1, round(1_000_000 * min(1.0, GENUINE_ROWS / max(1, int(rows)))))


def _sampled(table: CardTable, threads: int | None, columns: dict[str, str]) -> pa.Table:
    """All frauds and some genuine rows with SQL columns over the whole table, and their weight."""
    selected = ", ".join(f'({sql}) AS "{name}"' for name, sql in columns.items())
    share = _share(table, threads)
    with table.connect(threads, columns=("card", "at", "label")) as connection:
        return connection.sql(
            f"""SELECT * EXCLUDE (card), IF(is_fraud, 1.0, {1_000_000 / share})::DOUBLE AS weight
                FROM (SELECT {selected}, card, epoch_us("at") AS at_us,
                             coalesce(label, 0) = 1 AS is_fraud
                      FROM transactions WHERE "at" IS NOT NULL)
                WHERE is_fraud OR hash(card, at_us) % 1000000 < {share}"""
        ).to_arrow_table()


def _id_columns(table: CardTable, threads: int | None) -> list[str]:
    """Ids that are whole numbers."""
    names = [name for name in IDS if name in table.columns]
    with table.connect(threads, columns=("card", *names)) as connection:
        described = connection.execute("DESCRIBE SELECT * FROM transactions").fetchall()
    kinds = {row[0]: row[1] for row in described}
    return [name for name in names if kinds[name] in _WHOLE]


def _files(run: Run, name: str) -> str:
    """SQL of a table of a run, straight from its files."""
    return parquet(run.files(name))


def _labels(rows: pa.Table) -> Any:
    return rows["is_fraud"].to_numpy(zero_copy_only=False)


def _past(rows: pa.Table) -> NDArray[np.bool_]:
    at_us = rows["at_us"].to_numpy()
    first, last = int(at_us.min()), int(at_us.max())
    return np.asarray(at_us < first + PAST_SHARE * (last - first))


def _two_sided(scores: F64, labels: Any) -> float:
    value = auc(scores, labels, np.ones(labels.size))
    return max(value, 1 - value)

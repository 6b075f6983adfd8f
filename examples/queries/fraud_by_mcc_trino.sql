-- Share of payments by MCC that the bank took for fraud, as it knew on a day; Trino.
-- Columns are found by name, so a table names those that are asked for. The folder is that of a world and seed.
-- Instants are UTC: the catalog needs hive.parquet.time-zone=UTC. No Trino has run this yet; see README.md.

CREATE SCHEMA IF NOT EXISTS fauxpay;

CREATE TABLE fauxpay.transactions (
    transaction_id bigint,
    event_time timestamp(6),
    mcc varchar,
    event_day date
)
WITH (
    format = 'PARQUET',
    external_location = 's3://bucket/fauxpay-out/worlds/WORLD_ID/seed=1/transactions',
    partitioned_by = ARRAY['event_day']
);

CREATE TABLE fauxpay.labels (
    transaction_id bigint,
    label varchar,
    known_at timestamp(6),
    event_day date
)
WITH (
    format = 'PARQUET',
    external_location = 's3://bucket/fauxpay-out/worlds/WORLD_ID/seed=1/labels',
    partitioned_by = ARRAY['event_day']
);

-- Again after every run: days that came since are found then. Tables of `fauxpay commit --format iceberg` need
-- neither this nor the DDL above; CALL iceberg.system.register_table makes them known.
CALL system.sync_partition_metadata('fauxpay', 'transactions', 'ADD');

CALL system.sync_partition_metadata('fauxpay', 'labels', 'ADD');

WITH known AS (
    SELECT
        transaction_id,
        label,
        row_number() OVER (PARTITION BY transaction_id ORDER BY known_at DESC) AS nth
    FROM fauxpay.labels
    WHERE known_at < TIMESTAMP '2026-03-20 00:00:00'
)
SELECT
    t.mcc,
    count(*) AS payments,
    count(*) FILTER (WHERE k.label = 'fraud') AS frauds,
    CAST(count(*) FILTER (WHERE k.label = 'fraud') AS double) / count(*) AS rate
FROM fauxpay.transactions AS t
LEFT JOIN known AS k ON k.transaction_id = t.transaction_id AND k.nth = 1
WHERE t.event_day < DATE '2026-03-20'
GROUP BY t.mcc
ORDER BY t.mcc;

-- Jobs, their log lines, and what is remembered of schedules. None of them belongs to a version of the data: they are read as they are.
--
-- A job is rewritten as a whole row at each change of its state, and at most once a second for its progress; readers use FINAL. ClickHouse
-- compares the second half of a UUID first: the order of the table is not that of time, which questions ask for by UUIDToNum(id).
CREATE TABLE jobs
(
    id               UUID,
    kind             Enum8('DISCOVER' = 1, 'SYNC' = 2, 'SCAN' = 3, 'AGGREGATE' = 4, 'RETAIN' = 5, 'DELETE' = 6),
    repository_id    UUID COMMENT 'zero: of no single one',
    arguments        String COMMENT 'JSON',
    requested_by     String COMMENT 'api, cli, webhook, job ID, schedule NAME',
    state            Enum8('QUEUED' = 1, 'RUNNING' = 2, 'PARKED' = 3, 'SUCCEEDED' = 4, 'FAILED' = 5, 'CANCELLED' = 6),
    attempts         UInt32,
    progress_done    UInt64,
    progress_total   UInt64 COMMENT '0: not known',
    progress_unit    LowCardinality(String),
    progress_message String,
    error_code       LowCardinality(String) COMMENT 'empty: none',
    error_message    String,
    created_at       DateTime64(3, 'UTC'),
    started_at       Nullable(DateTime64(3, 'UTC')),
    ended_at         Nullable(DateTime64(3, 'UTC')),
    not_before       Nullable(DateTime64(3, 'UTC')),
    run_id           UUID COMMENT 'zero: none',
    worker_id        UUID COMMENT 'zero: none yet',
    version          UInt64 COMMENT 'microseconds'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id;

CREATE TABLE job_log
(
    job_id UUID,
    number UInt32,
    time   DateTime64(3, 'UTC'),
    level  Enum8('INFO' = 1, 'WARN' = 2, 'ERROR' = 3),
    text   String CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (job_id, number);

CREATE TABLE schedules
(
    name        String,
    is_paused   Bool,
    last_run_at Nullable(DateTime64(3, 'UTC')),
    last_job    UUID COMMENT 'zero: none',
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY name;

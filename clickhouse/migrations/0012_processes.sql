-- Who is alive, for machines that share a database and do not see each other's lock files: each process that runs jobs writes a row every
-- few seconds, with the time of the database.
CREATE TABLE processes
(
    id      UUID,
    seen_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(seen_at)
ORDER BY id
TTL toDateTime(seen_at) + INTERVAL 1 DAY;

ALTER TABLE jobs
    ADD COLUMN IF NOT EXISTS priority     UInt8 DEFAULT multiIf(requested_by = 'webhook', 1, startsWith(requested_by, 'job '), 2, startsWith(requested_by, 'schedule '), 3, 0) COMMENT 'smaller comes first',
    ADD COLUMN IF NOT EXISTS is_cancelled Bool COMMENT 'somebody wants it to end';

-- Lines are sent again when nobody knows whether they arrived.
ALTER TABLE job_log MODIFY SETTING non_replicated_deduplication_window = 1000;

-- A schedule that never ran is late from then on.
ALTER TABLE schedules ADD COLUMN IF NOT EXISTS known_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'a server first had it';

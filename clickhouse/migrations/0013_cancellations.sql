-- Jobs that somebody wants to end and that another process has, which looks here while it has any. What a process asks for itself stands
-- nowhere but with its jobs.
CREATE TABLE cancellations
(
    job_id   UUID,
    asked_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(asked_at)
ORDER BY job_id
TTL toDateTime(asked_at) + INTERVAL 1 DAY;

-- Runs of discovery's queries, newest first; the last so many of each, and in all.
SELECT forge, query, ran_at, job_id, found, new, requests, is_incomplete, is_limited, error
FROM discovery_runs
WHERE ran_at >= fromUnixTimestamp64Milli({from_ms:Int64})
ORDER BY ran_at DESC, query
LIMIT {of_each:UInt32} BY forge, query
LIMIT {limit:UInt32}

-- Runs of discovery's queries, newest first.
SELECT forge, query, ran_at, job_id, found, new, requests, is_incomplete, error
FROM discovery_runs
WHERE ran_at >= fromUnixTimestamp64Milli({from_ms:Int64})
ORDER BY ran_at DESC, query
LIMIT {limit:UInt32}

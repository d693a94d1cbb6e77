-- Snapshots of repositories within a range of time, newest first; of each bucket the last one, where {{buckets}} says so.
SELECT *
FROM
(
    SELECT
        repository_id, recorded_at, stars, forks, watchers, open_issues, size_kb, resource_count, languages, has_languages,
        pushed_at, updated_at
    FROM repository_metrics
    WHERE repository_id IN {repositories:Array(UUID)} AND version <= {data_version:UInt64}
        AND recorded_at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND recorded_at < fromUnixTimestamp64Milli({to_ms:Int64})
    ORDER BY repository_id, recorded_at DESC
    {{buckets}}
)
ORDER BY repository_id, recorded_at DESC
LIMIT {most:UInt32} BY repository_id

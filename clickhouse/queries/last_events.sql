-- When each repository's resources were last changed, for those that were not since a time (seconds); the longest ago first.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT repository_id, toInt64(max(toUnixTimestamp64Second(time))) AS last_time
FROM resource_events
WHERE {{visible}}
GROUP BY repository_id
HAVING last_time < {before:Int64}
ORDER BY last_time, repository_id
LIMIT {most:UInt32}

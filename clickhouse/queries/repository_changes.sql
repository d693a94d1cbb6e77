-- What of a repository itself changed, newest first.
SELECT repository_id, recorded_at, toInt8(field) AS field, before, after
FROM repository_changes
WHERE repository_id IN {repositories:Array(UUID)} AND version <= {data_version:UInt64}
ORDER BY repository_id, recorded_at DESC
LIMIT 100 BY repository_id

-- What of a repository itself changed, newest first. A change is stored before the repository's row: when that failed, or its answer was
-- lost, whoever repeated it stored the change once more. Nothing changes twice to the same.
SELECT repository_id, recorded_at, toInt8(field) AS field, before, after
FROM
(
    SELECT
        repository_id, recorded_at, field, before, after,
        lagInFrame(toNullable(after)) OVER
        (
            PARTITION BY repository_id, field ORDER BY recorded_at, version
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS known
    FROM repository_changes
    WHERE repository_id IN {repositories:Array(UUID)} AND version <= {data_version:UInt64}
)
WHERE known IS NULL OR known != after
ORDER BY repository_id, recorded_at DESC
LIMIT 100 BY repository_id

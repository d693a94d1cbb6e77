-- Repositories with when they began, in seconds since 1970, and their newest snapshots. They began when their forge says that they were
-- made, or with their first resource, or when they came to be known; whichever is the earliest.
WITH first_resources AS (SELECT repository_id, minOrNull(created_at) AS first FROM resources GROUP BY repository_id)
SELECT
    least(
        known,
        ifNull(toUnixTimestamp64Second(repositories.created_at), known),
        ifNull(toUnixTimestamp64Second(first_resources.first), known)
    ) AS began_at,
    metrics[1].2 AS stars,
    metrics[1].3 AS forks,
    ifNull(metrics[1].4, 0) AS watchers,
    metrics[1].5 AS open_issues
FROM
(
    SELECT id, created_at, metrics, intDiv(toUnixTimestamp64Milli(discovered_at), 1000) AS known FROM repositories FINAL
) AS repositories
LEFT JOIN first_resources ON first_resources.repository_id = repositories.id
ORDER BY began_at

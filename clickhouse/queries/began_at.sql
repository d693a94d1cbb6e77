-- When repositories began, in seconds since 1970: when their forge says that they were made, or with their first resource, or when they
-- came to be known; whichever is the earliest.
WITH first_resources AS (SELECT repository_id, minOrNull(created_at) AS first FROM resources GROUP BY repository_id)
SELECT
    least(
        known,
        ifNull(toUnixTimestamp64Second(repositories.created_at), known),
        ifNull(toUnixTimestamp64Second(first_resources.first), known)
    ) AS seconds
FROM
(
    SELECT id, created_at, intDiv(toUnixTimestamp64Milli(discovered_at), 1000) AS known FROM repositories FINAL
) AS repositories
LEFT JOIN first_resources ON first_resources.repository_id = repositories.id
ORDER BY seconds

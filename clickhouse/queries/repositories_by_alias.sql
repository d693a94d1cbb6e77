-- The repositories that normalised URLs, canonical paths and ids of forges mean; the earliest row of an alias wins.
SELECT alias, argMin(repository_id, (added_at, repository_id)) AS repository_id
FROM repository_aliases
WHERE alias IN {aliases:Array(String)}
GROUP BY alias

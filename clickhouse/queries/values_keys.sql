-- Which keys of Helm values the releases of a chart set now, by the version they install. The row with the empty key is of all of them.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    chosen AS
    (
        SELECT repository_id, resource_id, chart_version FROM ({{installed}}) WHERE {{filter}}
    ),
    newest AS
    (
        SELECT repository_id, id, arrayMap(key -> toString(key), values_keys) AS keys
        FROM resources
        WHERE {{visible}} AND (repository_id, id) IN (SELECT repository_id, resource_id FROM chosen)
        ORDER BY repository_id, generation, id, sequence DESC
        LIMIT 1 BY repository_id, generation, id
    )
SELECT version, key, count() AS releases, groupUniqArray(repository) AS repositories
FROM
(
    SELECT
        chosen.chart_version AS version,
        toString(chosen.repository_id) AS repository,
        arrayJoin(arrayConcat([''], arrayFilter(key -> startsWith(key, {prefix:String}), newest.keys))) AS key
    FROM chosen
    INNER JOIN newest ON newest.id = chosen.resource_id
)
GROUP BY version, key
ORDER BY version, key

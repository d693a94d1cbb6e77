-- Resources of other repositories that are like some resources: they install the same chart, or have the same group, kind and name.
-- {{columns}} are their ids, each with the number of the one it is like, or counts.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    installed AS
    (
        SELECT resource_id, toString(chart) AS identity
        FROM ({{installed}})
        WHERE chart != '' AND chart IN {charts:Array(String)}
    ),
    newest AS
    (
        SELECT repository_id, id, group, kind, namespace, name, path, toInt8(status) AS status, created_at, updated_at
        FROM resources
        WHERE {{visible}}
            AND
            (
                (group, kind, name) IN
                    (SELECT arrayJoin(arrayZip({groups:Array(String)}, {kinds:Array(String)}, {names:Array(String)})))
                OR id IN (SELECT resource_id FROM installed)
            )
        ORDER BY repository_id, generation, id, sequence DESC
        LIMIT 1 BY repository_id, generation, id
    )
SELECT {{columns}}
FROM
(
    SELECT
        newest.repository_id AS repository_id, newest.id AS id, newest.kind AS kind, newest.namespace AS namespace, newest.name AS name,
        newest.path AS path, newest.created_at AS created_at, newest.updated_at AS updated_at,
        arrayJoin(arrayFilter(
            number -> {repositories:Array(UUID)}[number] != newest.repository_id
                AND (
                    ({groups:Array(String)}[number] = newest.group AND {kinds:Array(String)}[number] = newest.kind
                        AND {names:Array(String)}[number] = newest.name)
                    OR (installed.identity != '' AND {charts:Array(String)}[number] = installed.identity)),
            arrayEnumerate({repositories:Array(UUID)}))) AS number
    FROM newest
    LEFT JOIN installed ON installed.resource_id = newest.id
    WHERE newest.status = 1
)
WHERE {{between}}
{{tail}}

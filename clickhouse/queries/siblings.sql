-- Resources of other repositories that are like one: they install the same chart, or have the same group, kind and name. {{columns}} is the
-- row or a count.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    newest AS
    (
        SELECT
            repository_id, id, sequence, group, api_version, kind, namespace, name, path, ordinal,
            toInt8(status) AS status, blob, created_at, updated_at, deleted_at, facts, values_keys
        FROM resources
        WHERE {{visible}} AND repository_id != {repository:UUID}
            AND
            (
                (group = {group:String} AND kind = {kind:String} AND name = {name:String})
                OR id IN (SELECT resource_id FROM ({{installed}}) WHERE chart != '' AND chart = {chart:String})
            )
        ORDER BY repository_id, generation, id, sequence DESC
        LIMIT 1 BY repository_id, generation, id
    )
SELECT {{columns}} FROM newest WHERE status = 1 AND {{between}} {{tail}}

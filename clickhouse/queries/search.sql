-- Repositories, charts and resources by a text, whatever its case. A text that is a whole field comes before one that begins a field, and
-- that before one that stands anywhere in a field; then what is more popular comes first. Resources of one kind and name are one result:
-- the one of them that changed last.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    lowerUTF8({text:String}) AS wanted,
    newest AS
    (
        SELECT repository_id, id, group, kind, name, status, updated_at
        FROM resources
        WHERE {{visible}} AND has({types:Array(String)}, 'RESOURCE') AND position(lowerUTF8(name), wanted) > 0
        ORDER BY repository_id, generation, id, sequence DESC
        LIMIT 1 BY repository_id, generation, id
    ),
    candidates AS
    (
        SELECT
            'REPOSITORY' AS type, toString(id) AS key, '' AS kind, toUInt64(tupleElement(metrics[1], 2)) AS popularity,
            arrayConcat(
                [('FULL_NAME', full_name), ('NAME', name), ('DESCRIPTION', ifNull(description, ''))],
                arrayMap(topic -> ('TOPIC', toString(topic)), topics)) AS fields
        FROM repositories FINAL
        WHERE has({types:Array(String)}, 'REPOSITORY')
        UNION ALL
        SELECT
            'CHART' AS type, toString(chart) AS key, '' AS kind, uniqExact(repository_id) AS popularity,
            [('NAME', toString(min(chart_name)))] AS fields
        FROM ({{installed}})
        WHERE chart != '' AND has({types:Array(String)}, 'CHART')
        GROUP BY chart
        UNION ALL
        SELECT
            'RESOURCE' AS type, toString(argMax(id, (updated_at, id))) AS key, toString(kind) AS kind,
            uniqExact(repository_id) AS popularity,
            [('NAME', name)] AS fields
        FROM newest
        WHERE status = 'ACTIVE'
        GROUP BY group, kind, name
    ),
    ranked AS
    (
        SELECT
            type, key, kind, popularity,
            arrayMap(
                field -> (multiIf(
                    lowerUTF8(field.2) = wanted, 1,
                    startsWith(lowerUTF8(field.2), wanted), 2,
                    position(lowerUTF8(field.2), wanted) > 0, 3,
                    4), field.1, field.2),
                fields) AS matches,
            arrayMin(matches.1) AS rank,
            matches[indexOf(matches.1, rank)] AS best
        FROM candidates
    )
SELECT type, key, popularity, toUInt8(rank) AS rank, best.2 AS field, best.3 AS matched
FROM ranked
WHERE ranked.rank < 4
ORDER BY rank, popularity DESC, type, matched, kind, key
LIMIT {first:UInt32}

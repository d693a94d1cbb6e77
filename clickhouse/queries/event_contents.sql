-- The contents of some events, and of the one before each of the same resource.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    numbered AS
    (
        SELECT
            repository_id, generation, resource_id, sequence, id,
            lagInFrame(sequence, 1, sequence) OVER
            (
                PARTITION BY repository_id, generation, resource_id ORDER BY sequence
                ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
            ) AS previous
        FROM resource_events
        WHERE {{visible}} AND repository_id IN {repositories:Array(UUID)} AND resource_id IN {resources:Array(UUID)}
    )
SELECT resource_id, sequence, content
FROM resource_events
WHERE (repository_id, generation, resource_id, sequence) IN
    (
        SELECT repository_id, generation, resource_id, arrayJoin([previous, sequence])
        FROM numbered
        WHERE id IN {events:Array(UUID)}
    )
ORDER BY resource_id, sequence

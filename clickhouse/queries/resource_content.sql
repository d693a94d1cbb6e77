-- The content of resources now, or as it was at a time (seconds) or a place in the walk: of the last event of each up to then. A resource that
-- did not exist or was deleted by then has none.
WITH published AS ({{published}})
SELECT resource_id, content, deleted
FROM
(
    SELECT resource_id, content, type = 'DELETED' AS deleted, sequence
    FROM resource_events
    INNER JOIN published ON published.repository_id = resource_events.repository_id
    WHERE repository_id IN {repositories:Array(UUID)} AND resource_id IN {resources:Array(UUID)}
        AND generation = published_generation AND sequence <= published_sequence
        AND sequence <= {until:UInt64}
        AND ({any_time:Bool} OR state_time <= fromUnixTimestamp64Second({at:Int64}))
    ORDER BY sequence DESC
    LIMIT 1 BY resource_id
)

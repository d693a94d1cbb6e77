-- What resources mean in their repositories now, or at a time (seconds): the newest row of each up to then. A resource that is gone by
-- then keeps what it meant last.
WITH published AS ({{published}})
SELECT
    resource_id, namespaces, is_patch, is_vendored, chart_name, chart, chart_url, chart_version,
    toInt8(version_class) AS version_class, source_kind, source_id, commit, time
FROM resource_resolutions
INNER JOIN published ON published.repository_id = resource_resolutions.repository_id
WHERE repository_id IN {repositories:Array(UUID)} AND resource_id IN {resources:Array(UUID)}
    AND generation = published_generation AND sequence <= published_sequence AND alive
    AND ({any_time:Bool} OR state_time <= fromUnixTimestamp64Second({at:Int64}))
ORDER BY sequence DESC
LIMIT 1 BY resource_id

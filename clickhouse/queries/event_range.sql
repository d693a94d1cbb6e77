-- The first and last time (seconds) of the events that a filter matches; none matched: 0 events.
WITH published AS ({{published}})
SELECT count() AS events, toInt64(min(toUnixTimestamp64Second(time))) AS first, toInt64(max(toUnixTimestamp64Second(time))) AS last
FROM resource_events
INNER JOIN published ON published.repository_id = resource_events.repository_id
WHERE generation = published_generation AND sequence <= published_sequence AND {{filter}}

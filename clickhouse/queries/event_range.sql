-- The first and last time (seconds) of the events that a filter matches; none matched: 0 events.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT count() AS events, toInt64(min(toUnixTimestamp64Second(time))) AS first, toInt64(max(toUnixTimestamp64Second(time))) AS last
FROM resource_events
WHERE {{visible}} AND {{filter}}

-- The resources that were modified most often, of the events that a filter picks.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT
    resource_id,
    count() AS modified,
    countIf(actor_is_bot) AS by_bots,
    toInt64(max(toUnixTimestamp64Second(time))) AS last_time
FROM resource_events
WHERE {{visible}} AND type = 'MODIFIED' AND {{filter}}
GROUP BY resource_id
ORDER BY modified DESC, last_time DESC, resource_id
LIMIT {most:UInt32}

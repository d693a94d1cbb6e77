-- The last sequence of each commit in which a resource changed: what holds after it.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT repository_id, commit, max(sequence) AS last_sequence
FROM resource_events
WHERE {{visible}} AND repository_id IN {repositories:Array(UUID)} AND commit IN {commits:Array(String)}
GROUP BY repository_id, commit

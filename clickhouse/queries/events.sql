-- Events that the published checkpoints cover. {{columns}} is the row or a count.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT {{columns}}
FROM resource_events
WHERE {{visible}} AND {{filter}}
{{tail}}

-- Events that the published checkpoints cover. {{columns}} is the row or a count.
WITH published AS ({{published}})
SELECT {{columns}}
FROM resource_events
INNER JOIN published ON published.repository_id = resource_events.repository_id
WHERE generation = published_generation AND sequence <= published_sequence AND {{filter}}
{{tail}}

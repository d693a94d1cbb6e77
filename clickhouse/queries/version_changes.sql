-- Releases that went from one version of their chart to another, newest first. {{columns}} is the row or a count.
WITH published AS ({{published}})
SELECT {{columns}}
FROM chart_version_changes
INNER JOIN published ON published.repository_id = chart_version_changes.repository_id
WHERE generation = published_generation AND sequence <= published_sequence AND {{filter}}
{{tail}}

-- Files that could not be read, newest first. {{columns}} is the row or a count.
WITH published AS ({{published}})
SELECT {{columns}}
FROM scan_failures
INNER JOIN published ON published.repository_id = scan_failures.repository_id
WHERE generation = published_generation AND sequence <= published_sequence AND {{filter}}
{{tail}}

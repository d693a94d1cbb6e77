-- What the files of a repository say beside their resources, as the published checkpoint leaves them.
WITH published AS ({{published}})
SELECT path, facts
FROM
(
    SELECT path, facts
    FROM file_facts
    INNER JOIN published ON published.repository_id = file_facts.repository_id
    WHERE repository_id = {repository:UUID} AND generation = published_generation AND sequence <= published_sequence
    ORDER BY sequence DESC
    LIMIT 1 BY path
)
WHERE facts != ''
ORDER BY path

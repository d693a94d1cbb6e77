-- How many resources of each group and kind are alive in a repository.
WITH
    published AS ({{published}}),
    newest AS
    (
        SELECT id, group, kind, status
        FROM resources
        INNER JOIN published ON published.repository_id = resources.repository_id
        WHERE repository_id = {repository:UUID} AND generation = published_generation AND sequence <= published_sequence
        ORDER BY sequence DESC
        LIMIT 1 BY id
    )
SELECT group, kind, count() AS resources
FROM newest
WHERE status = 'ACTIVE'
GROUP BY group, kind
ORDER BY resources DESC, group, kind

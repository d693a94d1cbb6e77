-- The versions of Flux that repositories declare at their checkpoints: in the header of each gotk-components.yaml, and in each FluxInstance.
WITH published AS ({{published}})
SELECT repository_id, path, flux_version AS version, time, commit
FROM
(
    SELECT file_facts.repository_id AS repository_id, path, flux_version, time, commit
    FROM file_facts
    INNER JOIN published ON published.repository_id = file_facts.repository_id
    WHERE repository_id IN {repositories:Array(UUID)} AND generation = published_generation AND sequence <= published_sequence
        AND endsWith(path, 'gotk-components.yaml')
    ORDER BY sequence DESC
    LIMIT 1 BY repository_id, path
)
WHERE flux_version != ''
ORDER BY repository_id, path

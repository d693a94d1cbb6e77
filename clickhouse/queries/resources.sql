-- Resources as the newest event that the checkpoint covers left them. Conditions on what never changes of a resource go
-- inside, where the key helps; the others have to wait until the newest row of each is known.
WITH
    published AS ({{published}}),
    newest AS
    (
        SELECT
            repository_id, id, sequence, group, api_version, kind, namespace, name, path, ordinal,
            toInt8(status) AS status, blob, created_at, updated_at, deleted_at
        FROM resources
        INNER JOIN published ON published.repository_id = resources.repository_id
        WHERE generation = published_generation AND sequence <= published_sequence AND {{identity_filter}}
        ORDER BY sequence DESC
        LIMIT 1 BY id
    )
SELECT {{columns}} FROM newest WHERE {{filter}} {{tail}}

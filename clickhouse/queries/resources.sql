-- Resources as the newest event that the checkpoint covers left them. Conditions on what never changes of a resource go
-- inside, where the key helps; the others have to wait until the newest row of each is known. Rows of one resource lie
-- together in the table, so the newest of each is found in one pass, without a sort of the whole.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    newest AS
    (
        SELECT
            repository_id, id, sequence, group, api_version, kind, namespace, name, path, ordinal,
            toInt8(status) AS status, blob, created_at, updated_at, deleted_at, facts, values_keys
        FROM resources
        WHERE {{visible}} AND {{identity_filter}}
        ORDER BY repository_id, generation, id, sequence DESC
        LIMIT 1 BY repository_id, generation, id
    )
SELECT {{columns}} FROM newest AS resources WHERE {{filter}} {{tail}}

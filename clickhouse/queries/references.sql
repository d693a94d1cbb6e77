-- Edges between resources that exist now, or existed at a time (seconds): of each edge the newest row up to then, if by it the edge begins.
WITH published AS ({{published}})
SELECT repository_id, resource_id, field, to_kind, to_namespace, is_declared, to_name, selector, produces, commit, time
FROM
(
    SELECT
        resource_references.repository_id AS repository_id, resource_id, field, to_kind, to_namespace, is_declared, to_name, selector,
        produces, begins, commit, time
    FROM resource_references
    INNER JOIN published ON published.repository_id = resource_references.repository_id
    WHERE {{filter}} AND generation = published_generation AND sequence <= published_sequence
        AND ({any_time:Bool} OR state_time <= fromUnixTimestamp64Second({at:Int64}))
    ORDER BY sequence DESC
    LIMIT 1 BY resource_id, field, to_kind, to_namespace, is_declared, to_name, selector, produces
)
WHERE begins
ORDER BY repository_id, resource_id, field, to_kind, to_namespace, to_name, selector

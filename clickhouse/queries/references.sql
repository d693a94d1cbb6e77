-- Edges between resources that exist now, or existed at a time (seconds): of each edge the newest row up to then, if by it the edge begins.
-- {{columns}} is the row or a count. A filter asks for what never changes of an edge, so it goes inside.
WITH published AS ({{published}})
SELECT {{columns}}
FROM
(
    SELECT
        resource_references.repository_id AS repository_id, resource_id, field, to_kind, to_namespace, is_declared, to_name, selector,
        produces, begins, commit, time,
        lower(hex(sipHash128(resource_id, field, to_kind, to_namespace, is_declared, to_name, selector, produces))) AS edge
    FROM resource_references
    INNER JOIN published ON published.repository_id = resource_references.repository_id
    WHERE {{filter}} AND generation = published_generation AND sequence <= published_sequence
        AND ({any_time:Bool} OR state_time <= fromUnixTimestamp64Second({at:Int64}))
    ORDER BY sequence DESC
    LIMIT 1 BY resource_id, field, to_kind, to_namespace, is_declared, to_name, selector, produces
)
WHERE begins AND {{between}}
{{tail}}
